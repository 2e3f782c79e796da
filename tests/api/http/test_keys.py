"""Idempotency keys: what is repeated, what is refused, and what leaves a key free."""

import asyncio
import json

import pytest

from api.settlement.responses import RefusedReply, SettlementReply
from tests.api.clients import (
    AUDITOR,
    HOSPITAL,
    PHARMACY,
    Desk,
    a_claim,
    a_family,
    a_settlement,
    an_institution,
    is_answered,
    is_refused,
    untraced,
)

PATH = "/v1/settlements"
UNKNOWN_ID = "stl_" + "0" * 32


async def test_the_same_key_and_body_give_the_same_bytes(desk: Desk) -> None:
    """A repeat is the first answer to the byte, says so, and moves nothing."""
    await a_family(desk)
    first = await desk.post(HOSPITAL, PATH, a_claim(), "k1")
    before = desk.stands()
    again = await desk.post(HOSPITAL, PATH, a_claim(), "k1")

    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert "idempotency-replayed" not in first.headers
    assert "true" == again.headers["idempotency-replayed"]
    assert before == desk.stands()


SPELLINGS = {
    "blanks between members": json.dumps(a_claim(), indent=4).encode(),
    "members in another order": json.dumps(dict(reversed(a_claim().items()))).encode(),
    "the default said aloud": json.dumps(a_claim(use_account=True)).encode(),
    "aid said aloud": json.dumps(a_claim(use_aid=True)).encode(),
    "null for what was not sent": json.dumps(a_claim(lines=None, credential=None)).encode(),
    "escaped letters": json.dumps(a_claim()).replace("mdtrt-1", "\\u006ddtrt-1").encode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
async def test_a_repeat_may_be_spelled_differently(desk: Desk, spelling: bytes) -> None:
    """Bodies are compared by what they say, not by how they are written."""
    await a_family(desk)
    first = await desk.post(HOSPITAL, PATH, a_claim(), "k1")
    again = await desk.post(HOSPITAL, PATH, spelling, "k1")

    assert first.content == again.content
    assert "true" == again.headers["idempotency-replayed"]


async def test_a_used_key_serves_no_other_request(desk: Desk) -> None:
    """One fen more, or another operation, under a used key is 422 and moves nothing."""
    await a_family(desk)
    settled = await a_settlement(desk, "k1")
    before = desk.stands()
    fen_more = await desk.post(HOSPITAL, PATH, a_claim(total="128.51"), "k1")
    elsewhere = await desk.post(
        HOSPITAL, f"{PATH}/{settled['settlement_id']}/cancellation", {}, "k1"
    )

    is_refused(fen_more, 422, "IDEMPOTENCY_KEY_REUSED")
    is_refused(elsewhere, 422, "IDEMPOTENCY_KEY_REUSED")
    assert before == desk.stands()


async def test_a_rules_refusal_is_final_for_its_key(desk: Desk) -> None:
    """What a suspended hospital was told stays told after its agreement is back in force."""
    await a_family(desk)
    await an_institution(desk, status="suspended")
    refused = await desk.post(HOSPITAL, PATH, a_claim(), "k1")
    is_refused(refused, 403, "INSTITUTION_NOT_DESIGNATED")
    await an_institution(desk, status="active")
    again = await desk.post(HOSPITAL, PATH, a_claim(), "k1")

    assert untraced(refused) == untraced(again)
    assert "true" == again.headers["idempotency-replayed"]
    await a_settlement(desk, "k2")


async def test_shape_and_identity_leave_the_key_free(desk: Desk) -> None:
    """After 401, 404, 415 and 422 the same key still settles."""
    await a_family(desk)
    nobody = {"beneficiary": {"type": "person_no", "value": "NOBODY"}}
    is_refused(await desk.post(HOSPITAL, PATH, a_claim(total="1.5"), "k1"), 422, "AMOUNT_FORMAT")
    is_refused(await desk.post(HOSPITAL, PATH, a_claim(**nobody), "k1"), 404, "NOT_FOUND")
    much = a_claim(fund_pay="200.00")
    is_refused(await desk.post(HOSPITAL, PATH, much, "k1"), 422, "AMOUNT_MISMATCH")
    plain = {"Content-Type": "text/plain"}
    is_refused(await desk.post(HOSPITAL, PATH, a_claim(), "k1", **plain), 415, "MEDIA_TYPE")
    is_refused(await desk.post(AUDITOR, PATH, a_claim(), "k1"), 403, "READ_ONLY_ROLE")

    await a_settlement(desk, "k1")


async def test_twins_in_flight_settle_once(desk: Desk) -> None:
    """Of ten at once under one key one settles, nine repeat it; another body gets 422."""
    await a_family(desk)
    asked = [desk.post(HOSPITAL, PATH, a_claim(), "k1") for _ in range(10)]
    other = desk.post(HOSPITAL, PATH, a_claim(total="100.00"), "k1")
    *answers, stranger = await asyncio.gather(*asked, other)

    assert {201} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    assert 9 == sum("idempotency-replayed" in answer.headers for answer in answers)
    is_refused(stranger, 422, "IDEMPOTENCY_KEY_REUSED")
    assert "455.75" == await desk.balance("S1")


async def test_a_twin_that_failed_lends_its_failure_to_nobody(desk: Desk) -> None:
    """A claim that follows an unknown patient's under the same key is settled by itself."""
    await a_family(desk)
    nobody = a_claim(beneficiary={"type": "person_no", "value": "NOBODY"})
    lost, settled = await asyncio.gather(
        desk.post(HOSPITAL, PATH, nobody, "k1"), desk.post(HOSPITAL, PATH, a_claim(), "k1")
    )

    is_refused(lost, 404, "NOT_FOUND")
    is_answered(settled, SettlementReply, 201)


async def test_two_institutions_may_use_the_same_key(desk: Desk) -> None:
    """Keys are scoped to the caller: a neighbour's key is no obstacle and no oracle."""
    await a_family(desk)
    await an_institution(desk, PHARMACY)
    mine = await a_settlement(desk, "k1")
    theirs = await desk.post(PHARMACY, PATH, a_claim(), "k1")

    assert mine["settlement_id"] != is_answered(theirs, SettlementReply, 201)["settlement_id"]
    await a_settlement(desk, "k2", visit="v2")
    is_refused(await desk.get(PHARMACY, f"{PATH}?key=k2"), 404, "NOT_FOUND")


async def test_a_settlement_is_found_by_its_key(desk: Desk) -> None:
    """The look-up by key answers the settlement itself; a refused one says why."""
    await a_family(desk)
    settled = await a_settlement(desk, "k1")
    await desk.post(HOSPITAL, PATH, a_claim(), "k2")

    found = await desk.get(HOSPITAL, f"{PATH}?key=k1")
    assert settled | {"position": 0} == is_answered(found, SettlementReply) | {"position": 0}
    refused = is_answered(await desk.get(HOSPITAL, f"{PATH}?key=k2"), RefusedReply)
    assert ("refused", "not_applied", "DUPLICATE_CLAIM") == (
        refused["status"],
        refused["outcome"],
        refused["code"],
    )
    is_refused(await desk.get(HOSPITAL, f"{PATH}?key=k3"), 404, "NOT_FOUND")
    is_refused(await desk.get(HOSPITAL, PATH), 422, "QUERY_INVALID")


async def test_a_cancellations_key_finds_no_settlement(desk: Desk) -> None:
    """Only the key of the settlement itself finds it."""
    await a_family(desk)
    settled = await a_settlement(desk, "k1")
    await desk.post(HOSPITAL, f"{PATH}/{settled['settlement_id']}/cancellation", {}, "k2")

    is_refused(await desk.get(HOSPITAL, f"{PATH}?key=k2"), 404, "NOT_FOUND")
