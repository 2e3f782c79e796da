"""Kinships and off-site filings over HTTP, entered by an agency."""

import pytest

from aggregates.account.events import FilingMade
from aggregates.binding.kinship import KinshipRecorded
from api.account.responses import AccountReply
from api.binding.kinship_routes import KinshipReply
from service.ledger.memory_store import MemoryStore
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    OPERATOR,
    Desk,
    a_person,
    an_account,
    is_answered,
    is_refused,
    untraced,
)

KINSHIPS, FILINGS = "/v1/kinships", "/v1/filings"
KINSHIP = {"person_no": "S1", "relative": "P1", "relation": "child"}
FILING = {"person_no": "P1", "place": ELSEWHERE, "kind": "long_term", "from": "2026-03-01"}
BODIES = {KINSHIPS: KINSHIP, FILINGS: FILING}
S1 = a_person("S1")


async def two_people(desk: Desk) -> None:
    await an_account(desk, "P1", "20.00")
    await an_account(desk, "S1", "500.00")


async def test_a_recorded_kinship_proves_a_relation(desk: Desk) -> None:
    """A kinship is recorded on both persons' streams, and an invitation needs no document."""
    await two_people(desk)
    offer = {"beneficiary": "P1", "relation": "child"}
    is_refused(await desk.post(S1, "/v1/bindings", offer), 409, "KINSHIP_UNPROVEN")
    entered = await desk.post(AGENCY, KINSHIPS, KINSHIP, "k1")

    answer = is_answered(entered, KinshipReply, 201)
    assert KINSHIP == {name: answer[name] for name in KINSHIP}
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    recorded = [r.event.relation for r in store.log if isinstance(r.event, KinshipRecorded)]
    assert ["CHILD", "PARENT"] == recorded
    assert 201 == (await desk.post(S1, "/v1/bindings", offer)).status_code


async def test_a_filing_is_noted_on_the_account(desk: Desk) -> None:
    """The answer is the account at its new version; the event has both days."""
    await two_people(desk)
    filed = await desk.post(AGENCY, FILINGS, FILING | {"to": "2026-12-31"})

    answer = is_answered(filed, AccountReply, 201)
    assert ("P1", 3) == (answer["person_no"], answer["version"])
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    event = store.log[-1].event
    assert isinstance(event, FilingMade)
    assert (ELSEWHERE, "LONG_TERM") == (event.place, event.kind)
    assert ["2026-03-01", "2026-12-31"] == [str(event.from_on), str(event.until_on)]


@pytest.mark.parametrize("path", BODIES)
async def test_a_repeat_enters_nothing_twice(desk: Desk, path: str) -> None:
    """The same key gives the same bytes; a key is required."""
    await two_people(desk)
    first = await desk.post(AGENCY, path, BODIES[path], "k1")
    before = desk.stands()
    again = await desk.post(AGENCY, path, BODIES[path], "k1")

    assert (first.content, "true") == (again.content, again.headers["idempotency-replayed"])
    keyless = await desk.send("POST", AGENCY, path, BODIES[path])
    is_refused(keyless, 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert before == desk.stands()


@pytest.mark.parametrize("path", BODIES)
async def test_only_the_agency_of_the_region_enters(desk: Desk, path: str) -> None:
    """Another region gets the 404 of an unknown person; only agencies may enter."""
    await two_people(desk)
    before = desk.stands()
    foreign = await desk.post(AGENCY_ELSEWHERE, path, BODIES[path])
    nobody = await desk.post(AGENCY_ELSEWHERE, path, BODIES[path] | {"person_no": "NOBODY"})

    is_refused(foreign, 404, "NOT_FOUND")
    assert untraced(foreign) == untraced(nobody)
    for who in (S1, HOSPITAL, OPERATOR):
        is_refused(await desk.post(who, path, BODIES[path]), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, path, BODIES[path]), 403, "READ_ONLY_ROLE")
    assert before == desk.stands()


WRONG: tuple[tuple[str, dict[str, object], int, str], ...] = (
    (KINSHIPS, {"relative": "S1"}, 422, "SELF_BINDING"),
    (KINSHIPS, {"relative": "NOBODY"}, 404, "NOT_FOUND"),
    (KINSHIPS, {"relation": "friend"}, 422, "FIELD_INVALID"),
    (KINSHIPS, {"type": "kinship"}, 422, "UNKNOWN_FIELD"),
    (FILINGS, {"to": "2026-02-28"}, 422, "DATE_INVALID"),
    (FILINGS, {"place": "far"}, 422, "TEXT_INVALID"),
    (FILINGS, {"kind": "for_ever"}, 422, "FIELD_INVALID"),
    (FILINGS, {"from": None}, 422, "DATE_INVALID"),
)


@pytest.mark.parametrize(("path", "change", "status", "code"), WRONG)
async def test_what_cannot_be_is_not_entered(
    desk: Desk, path: str, change: dict[str, object], status: int, code: str
) -> None:
    """The same person, an end before the beginning, unknown words: each has its code."""
    await two_people(desk)
    before = desk.stands()

    is_refused(await desk.post(AGENCY, path, BODIES[path] | change), status, code)
    assert before == desk.stands()
