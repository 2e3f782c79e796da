"""A kinship between two regions needs both agencies (D6)."""

from typing import Any

import httpx
import pytest

from aggregates.binding.kinship import KinshipRecorded
from api.binding.kinship_routes import KinshipReply
from service.ledger.memory_store import MemoryStore
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    ELSEWHERE,
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_person,
    an_account,
    is_answered,
    is_refused,
    untraced,
)

PATH, YES = "/v1/kinships", "/v1/kinships/confirmations"
CHILD_ID = "110105201505010025"
FAR = Who(AGENCY.role, "a3", "350000")


def a_fact(person: str = "C1", relative: str = "X1", relation: str = "parent") -> dict[str, Any]:
    return {"person_no": person, "relative": relative, "relation": relation}


SAME = (a_fact(), a_fact("X1", "C1", "child"))
"""One kinship, from either side."""


async def two_regions(desk: Desk) -> None:
    """A child of the home region, and a person insured elsewhere."""
    await an_account(desk, "C1", "50.00", cert_no=CHILD_ID)
    await an_account(desk, "C2")
    await an_account(desk, "X1", "500.00", region=ELSEWHERE)


def recorded(desk: Desk) -> list[str]:
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    return [r.event.relation for r in store.log if isinstance(r.event, KinshipRecorded)]


@pytest.mark.parametrize("fact", SAME, ids=["as parent", "as child"])
async def test_a_foreign_agency_makes_nobody_a_parent(desk: Desk, fact: dict[str, Any]) -> None:
    """One agency alone records nothing, from either side, however often it tries."""
    await two_regions(desk)
    for _ in range(3):
        is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, fact), 404, "NOT_FOUND")

    assert [] == recorded(desk)
    order = "/v1/accounts/C1/deduction-order"
    body = {"sponsors": [], "version": 0}
    is_refused(await desk.send("PUT", a_person("X1"), order, body), 404, "NOT_FOUND")
    is_refused(await desk.get(a_person("X1"), order), 404, "NOT_FOUND")


@pytest.mark.parametrize("agreed", SAME, ids=["as parent", "as child"])
@pytest.mark.parametrize("entered", SAME, ids=["as parent", "as child"])
@pytest.mark.parametrize("who", [AGENCY, AGENCY_ELSEWHERE], ids=lambda w: w.subject)
async def test_the_other_agency_confirms_the_same_fact(
    desk: Desk, agreed: dict[str, Any], entered: dict[str, Any], who: Who
) -> None:
    """After one agency confirms, from either side, the other can enter the kinship."""
    await two_regions(desk)
    other = AGENCY if who is AGENCY_ELSEWHERE else AGENCY_ELSEWHERE
    for _ in range(2):
        is_answered(await desk.post(other, YES, agreed), KinshipReply, 201)
    is_refused(await desk.post(other, PATH, entered), 404, "NOT_FOUND")
    assert [] == recorded(desk)

    for _ in range(2):
        is_answered(await desk.post(who, PATH, entered), KinshipReply, 201)
    assert ["CHILD", "PARENT"] == sorted(recorded(desk))


@pytest.mark.parametrize(
    "other",
    [a_fact(relation="grandparent"), a_fact("C2"), a_fact("X1", "C1", "parent")],
    ids=["another relation", "somebody else", "the other way round"],
)
async def test_another_fact_is_not_confirmed(desk: Desk, other: dict[str, Any]) -> None:
    """The other agency must have confirmed the same kinship."""
    await two_regions(desk)
    is_answered(await desk.post(AGENCY, YES, other), KinshipReply, 201)
    is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, a_fact()), 404, "NOT_FOUND")

    assert [] == recorded(desk)


async def test_a_relation_without_a_word_back_is_confirmed_as_told(desk: Desk) -> None:
    """Parents-in-law have no inverse: both agencies enter the same direction."""
    await two_regions(desk)
    fact = a_fact("C2", "X1", "parent_in_law")
    is_answered(await desk.post(AGENCY_ELSEWHERE, YES, fact), KinshipReply, 201)
    is_answered(await desk.post(AGENCY, PATH, fact), KinshipReply, 201)

    assert ["PARENT_IN_LAW"] == recorded(desk)


@pytest.mark.parametrize("path", [PATH, YES])
async def test_nobody_and_a_foreigner_look_the_same(desk: Desk, path: str) -> None:
    """An agency's answers do not reveal whether a person of another region exists."""
    await two_regions(desk)
    for relation in ("parent", "child"):
        responses = []
        for number in ("X1", "NOBODY"):
            sides = ("C1", number) if relation == "parent" else (number, "C1")
            fact, key = a_fact(*sides, relation), f"k-{number}-{relation}"
            answers = [await desk.post(AGENCY, path, fact, key) for _ in range(2)]
            answers.append(await desk.post(AGENCY, path, fact))
            responses.append(
                [(_bare(a, number), a.headers.get("idempotency-replayed")) for a in answers]
            )
        assert responses[0] == responses[1]
    for foreign in (("X1", "C1"), ("NOBODY", "C1"), ("X1", "NOBODY"), ("X1", "X1")):
        is_refused(await desk.post(FAR, path, a_fact(*foreign)), 404, "NOT_FOUND")


def _bare(answer: httpx.Response, number: str) -> object:
    status, body = untraced(answer)
    members = {k: "he" if v == number else v for k, v in body.items() if k != "position"}
    return status, members, answer.headers.get("idempotency-replayed")


async def test_only_agencies_confirm(desk: Desk) -> None:
    """Only agencies confirm a kinship; a person is no relative of themselves."""
    await two_regions(desk)
    for who in (a_person("C1"), a_person("X1"), HOSPITAL):
        is_refused(await desk.post(who, YES, a_fact()), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY, YES, a_fact("C1", "C1")), 422, "SELF_BINDING")


async def test_the_nation_speaks_for_both(desk: Desk) -> None:
    """The nation's agency records at once, as an operator's import does."""
    await two_regions(desk)
    is_answered(await desk.post(NATION, PATH, a_fact()), KinshipReply, 201)

    assert ["PARENT", "CHILD"] == recorded(desk)
