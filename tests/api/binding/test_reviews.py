"""Documents of a kinship wait for an agency; promises are marked on what they pay."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.binding.responses import BindingReply
from api.ndjson_import.lines import read_line
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOME,
    NATION,
    Desk,
    a_book,
    a_claim,
    a_desk_on_memory,
    a_desk_on_postgres,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    an_offer,
    is_answered,
    is_refused,
)
from tests.exports import export_of, faults_in, leaves_of

PATH, S1 = "/v1/bindings", a_person("S1")
REVIEWED = a_book(binding__review_days=7)
PROMISED = a_book(binding__kinship_evidence=["DATA_CHECK", "PROMISE"])
APPROVED = {"decision": "approve", "reason": "household register seen"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk in a region where an agency reviews documents."""
    async with a_desk_on_memory(tmp_path, REVIEWED) as made:
        yield made


async def claimed(desk: Desk, number: str = "P1") -> str:
    """S1 claims a kinship by document; the binding."""
    for who in ("S1", number):
        await an_account(desk, who, "500.00" if who == "S1" else "0.00")
    made = await desk.post(S1, PATH, an_offer(number))
    assert ("in_review", 201) == (made.json()["status"], made.status_code), made.text
    return str(made.json()["binding_id"])


async def test_an_agency_of_the_sponsor_decides_once(desk: Desk) -> None:
    """Persons may not review, another region's agency sees nothing, and a second yes is late."""
    path = f"{PATH}/{await claimed(desk)}"
    is_refused(await desk.post(S1, f"{path}/review", APPROVED), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, f"{path}/review", APPROVED), 404, "NOT_FOUND")
    agreed = await desk.post(AGENCY, f"{path}/review", APPROVED, "r1")

    assert "invited" == is_answered(agreed, BindingReply, 201)["status"]
    again = await desk.post(AGENCY, f"{path}/review", APPROVED, "r1")
    assert "true" == again.headers["idempotency-replayed"]
    is_refused(await desk.post(NATION, f"{path}/review", APPROVED), 409, "NOT_IN_REVIEW")
    active = await desk.post(a_person("P1"), f"{path}/confirmation", {})
    assert "active" == active.json()["status"]
    assert [] == faults_in(export_of(leaves_of(desk.context.store)))


async def test_nobody_is_claimed_like_somebody(desk: Desk) -> None:
    """A claim about nobody waits in the same words, and its rejection tells nothing either."""
    bindings = {"P2": await claimed(desk, "P2")}
    made = await desk.post(S1, PATH, an_offer("NOBODY"))
    assert ("in_review", 201) == (made.json()["status"], made.status_code), made.text
    bindings["NOBODY"] = made.json()["binding_id"]
    answers: dict[str, list[Any]] = {}
    for number, binding in bindings.items():
        rejected = {"decision": "reject", "reason": "unreadable"}
        await desk.post(NATION, f"{PATH}/{binding}/review", rejected)
        seen = (await desk.get(S1, f"{PATH}/{binding}")).json()
        answers[number] = [seen[name] for name in ("status", "beneficiary", "version")]

    assert ["declined", None, 2] == answers["P2"] == answers["NOBODY"]


async def test_a_review_after_its_last_day_is_a_fault(desk: Desk) -> None:
    """The offline verifier refuses an approval of a claim that had lapsed."""
    path = f"{PATH}/{await claimed(desk)}"
    await desk.post(AGENCY, f"{path}/review", APPROVED)
    leaves = leaves_of(desk.context.store)
    forged = [
        leaf._replace(state=leaf.state.replace(b'"2026-03-11"', b'"2026-03-01"')) for leaf in leaves
    ]

    assert forged != leaves
    assert ["life cycles"] == [fault.check for fault in faults_in(export_of(forged))]


async def test_the_agency_has_a_queue(dsn: str, tmp_path: Path) -> None:
    """The queue shows the document and the last day; a sponsor's list shows neither."""
    async with a_desk_on_postgres(dsn, tmp_path, REVIEWED) as desk:
        binding = await claimed(desk)
        queue = (await desk.get(AGENCY, f"{PATH}?status=in_review")).json()["items"]
        mine = (await desk.get(S1, f"{PATH}?status=in_review")).json()["items"]

        assert [binding] == [item["binding_id"] for item in queue]
        assert ({"kind": "document", "reference": "HK-1"}, "2026-03-11") == (
            queue[0]["evidence"],
            queue[0]["review_until"],
        )
        assert (binding, set()) == (
            mine[0]["binding_id"],
            {"evidence", "review_until"} & mine[0].keys(),
        )


async def test_a_bill_shows_auditors_the_promise_it_rests_on(tmp_path: Path) -> None:
    """The story names the binding that paid on a promise alone."""
    async with a_desk_on_memory(tmp_path, PROMISED) as desk:
        await an_institution(desk)
        await an_account(desk, "P1", region=HOME)
        await an_account(desk, "S1", "500.00")
        promise = {"kind": "promise"}
        made = await desk.post(S1, PATH, an_offer("P1", evidence=promise))
        binding = made.json()["binding_id"]
        await desk.post(a_person("P1"), f"{PATH}/{binding}/confirmation", {})
        paid = await a_settlement(desk)
        story = await desk.get(AUDITOR, f"/v1/audit/settlements/{paid['settlement_id']}")

        assert ([binding], True) == (story.json()["promises"], story.json()["decided_again"])
        fact = {"person_no": "S1", "relative": "P1", "relation": "sibling"}
        assert 201 == (await desk.post(AGENCY, "/v1/kinships", fact)).status_code
        assert "ended" == (await desk.get(S1, f"{PATH}/{binding}")).json()["status"]
        unpaid = await a_settlement(desk, **a_claim(visit="later"))
        assert "0.00" == unpaid["aid"]
        assert [] == faults_in(export_of(leaves_of(desk.context.store)))


async def test_a_file_does_not_bind_against_the_register(desk: Desk) -> None:
    """A line that contradicts the register is refused, and one that agrees needs no review."""
    for who in ("S1", "P1"):
        await an_account(desk, who, "500.00" if who == "S1" else "0.00")
    fact = {"person_no": "S1", "relative": "P1", "relation": "sibling"}
    assert 201 == (await desk.post(AGENCY, "/v1/kinships", fact)).status_code
    answers = {}
    for relation in ("spouse", "sibling"):
        line = {
            "type": "binding",
            "sponsor": "S1",
            "beneficiary": "P1",
            "relation": relation,
            "confirmed_at": "2026-01-01T09:00:00+08:00",
        }
        _, item = read_line(json.dumps(line).encode())
        reply = await item.begin(desk.context)
        answers[relation] = reply.refusal or json.loads(reply.answer)["status"]

    assert {"spouse": "KINSHIP_CONTRADICTED", "sibling": "active"} == answers
