"""Refunds, reversals and holds over HTTP."""

import pytest

from api.settlement.responses import (
    HoldReply,
    RefundReply,
    ReplacementReply,
    ReversalReply,
    SettlementReply,
)
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    HOSPITAL,
    NATION,
    PHARMACY,
    Desk,
    a_binding,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    is_answered,
    is_refused,
)

LINES = [
    {"line": "1", "category": "drug", "amount": "44.25"},
    {"line": "2", "category": "service", "amount": "20.00"},
]
PATH = "/v1/settlements"


async def test_a_part_goes_back_and_the_rest_is_told(desk: Desk) -> None:
    """The sponsor who paid last gets money first; the settlement has the remainder (S67)."""
    await a_family(desk)
    settled = await a_settlement(desk)
    path = f"{PATH}/{settled['settlement_id']}"
    answer = is_answered(
        await desk.post(HOSPITAL, f"{path}/refunds", {"amount": "50.00", "reason": "退药"}, "r"),
        RefundReply,
        201,
    )
    seen = is_answered(await desk.get(HOSPITAL, path), SettlementReply)

    assert ("5.75", "44.25", "0.00") == tuple(answer["refunded"][n] for n in ("own", "aid", "cash"))
    assert ["14.25", "0.00"] == [answer["stays"]["personal"], answer["stays"]["aid"]]
    assert ("part_refunded", "14.25") == (seen["status"], seen["stays"]["own"])
    assert ("5.75", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))
    again = await desk.post(HOSPITAL, f"{path}/refunds", {"amount": "50.00", "reason": "退药"}, "r")
    assert ("true", answer) == (again.headers["idempotency-replayed"], again.json())
    too_much = await desk.post(HOSPITAL, f"{path}/refunds", {"amount": "14.26"})
    is_refused(too_much, 409, "REFUND_EXCEEDS")


async def test_lines_are_given_back_by_their_number(desk: Desk) -> None:
    """The named lines are refunded, and no line twice."""
    await a_family(desk)
    settled = await a_settlement(desk, lines=LINES)
    path = f"{PATH}/{settled['settlement_id']}/refunds"
    body = {"lines": [{"line": "2", "amount": "20.00"}]}
    answer = is_answered(await desk.post(HOSPITAL, path, body), RefundReply, 201)

    assert ("20.00", "44.25") == (answer["refunded"]["amount"], answer["stays"]["personal"])
    is_refused(await desk.post(HOSPITAL, path, body), 409, "REFUND_EXCEEDS")
    for lines in (
        [{"line": "9", "amount": "1.00"}],
        [{"line": "1", "amount": "1.00"}, {"line": "1", "amount": "1.00"}],
    ):
        is_refused(await desk.post(HOSPITAL, path, {"lines": lines}), 422, "LINES_MISMATCH")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "FIELD_INVALID"),
        ({"amount": "1.00", "lines": [{"line": "1", "amount": "1.00"}]}, "FIELD_INVALID"),
        ({"amount": "0.00"}, "AMOUNT_OUT_OF_RANGE"),
        ({"amount": "-1.00"}, "AMOUNT_OUT_OF_RANGE"),
        ({"amount": "1.001"}, "AMOUNT_FORMAT"),
        ({"lines": []}, "FIELD_INVALID"),
    ],
)
async def test_a_refund_of_nothing_is_refused(
    desk: Desk, body: dict[str, object], code: str
) -> None:
    """Neither or both of amount and lines, zero, or no number: refused, and nothing changes."""
    await a_family(desk)
    settled = await a_settlement(desk)
    before = desk.stands()
    path = f"{PATH}/{settled['settlement_id']}/refunds"

    is_refused(await desk.post(HOSPITAL, path, body), 422, code)
    assert before == desk.stands()


async def test_a_reversal_undoes_and_is_final(desk: Desk) -> None:
    """The key of a lost answer is reversed once, repeatably, and settles nothing later (S59)."""
    await a_family(desk)
    settled = await a_settlement(desk, key="lost")
    first = is_answered(
        await desk.post(HOSPITAL, "/v1/reversals", {"key": "lost"}, "r"), ReversalReply
    )
    again = await desk.post(HOSPITAL, "/v1/reversals", {"key": "lost"}, "r")

    assert (settled["settlement_id"], "reversed") == (first["settlement_id"], first["status"])
    assert first == again.json()
    assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))
    seen = (await desk.get(HOSPITAL, f"{PATH}/{settled['settlement_id']}")).json()
    assert "reversed" == seen["status"]
    cancelled = await desk.post(HOSPITAL, f"{PATH}/{settled['settlement_id']}/cancellation", {})
    is_refused(cancelled, 409, "ALREADY_REVERSED")


async def test_a_reversal_before_its_command_refuses_it(desk: Desk) -> None:
    """The tombstone refuses any late command with that key (S60, F35)."""
    await a_family(desk)
    buried = is_answered(await desk.post(HOSPITAL, "/v1/reversals", {"key": "late"}), ReversalReply)
    late = await desk.post(HOSPITAL, PATH, a_claim(), "late")
    found = await desk.get(HOSPITAL, f"{PATH}?key=late")

    assert buried["tombstone"]
    is_refused(late, 409, "REVERSED_BEFORE_ARRIVAL")
    assert "reversed" == found.json()["status"]
    assert "20.00" == await desk.balance("P1")
    await a_settlement(desk, key="anew")


async def test_a_key_is_reversed_by_its_own_caller_alone(desk: Desk) -> None:
    """Another institution's reversal takes its own key, and changes nothing (B51)."""
    await a_family(desk)
    await an_institution(desk, PHARMACY)
    settled = await a_settlement(desk, key="k")
    other = await desk.post(PHARMACY, "/v1/reversals", {"key": "k"})

    assert other.json()["tombstone"]
    seen = await desk.get(HOSPITAL, f"{PATH}/{settled['settlement_id']}")
    assert "settled" == seen.json()["status"]
    for who in (AGENCY, a_person("P1")):
        refused = await desk.post(who, "/v1/reversals", {"key": "k"})
        assert 403 == refused.status_code
    same = await desk.post(HOSPITAL, "/v1/reversals", {"key": "same"}, "same")
    is_refused(same, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_hold_is_captured_or_let_go(desk: Desk) -> None:
    """Held money shows on the account; the final bill is debited, the rest is released."""
    await a_family(desk)
    held = is_answered(
        await desk.post(HOSPITAL, "/v1/holds", a_claim() | {"expires_in": 60}), HoldReply, 201
    )
    path = f"/v1/holds/{held['hold_id']}"
    assert "20.00" == (await desk.get(NATION, "/v1/accounts/P1")).json()["balance"]["held"]
    is_refused(
        await desk.post(HOSPITAL, f"{path}/capture", {"total": "128.51", "fund_pay": "64.25"}),
        409,
        "CAPTURE_EXCEEDS",
    )
    is_refused(
        await desk.post(HOSPITAL, f"{path}/capture", {"total": "1.00"}), 422, "FIELD_INVALID"
    )
    body = {"total": "94.25", "fund_pay": "64.25"}
    done = is_answered(await desk.post(HOSPITAL, f"{path}/capture", body), SettlementReply, 201)

    assert ("20.00", "10.00", "0.00") == tuple(done[n] for n in ("own", "aid", "cash"))
    assert ("0.00", "490.00") == (await desk.balance("P1"), await desk.balance("S1"))
    is_refused(await desk.post(HOSPITAL, f"{path}/capture", {}), 409, "HOLD_VOID")
    is_refused(await desk.post(HOSPITAL, f"{path}/release", {}), 409, "HOLD_VOID")
    seen = is_answered(await desk.get(AUDITOR, path), HoldReply)
    assert ("captured", done["settlement_id"]) == (seen["status"], seen["settlement_id"])


async def test_holds_and_refunds_are_ones_own(desk: Desk) -> None:
    """Another institution's hold or settlement looks like one that does not exist."""
    await a_family(desk)
    await an_institution(desk, PHARMACY)
    settled = await a_settlement(desk)
    held = (await desk.post(HOSPITAL, "/v1/holds", a_claim(visit="v2"))).json()
    for stream in (held["hold_id"], "hld_" + "0" * 32):
        is_refused(await desk.get(PHARMACY, f"/v1/holds/{stream}"), 404, "NOT_FOUND")
        for verb in ("capture", "release"):
            answer = await desk.post(PHARMACY, f"/v1/holds/{stream}/{verb}", {})
            is_refused(answer, 404, "NOT_FOUND")
    for stream in (settled["settlement_id"], "stl_" + "0" * 32):
        answer = await desk.post(PHARMACY, f"{PATH}/{stream}/refunds", {"amount": "1.00"})
        is_refused(answer, 404, "NOT_FOUND")
    gone = await desk.post(HOSPITAL, f"/v1/holds/{held['hold_id']}/release", {})
    assert "released" == is_answered(gone, HoldReply, 201)["status"]


async def test_a_corrected_bill_takes_the_place_of_the_wrong_one(desk: Desk) -> None:
    """S71: T 200.00 F 100.00 becomes T 150.00 F 75.00; the sponsor gets 25.00 back, in one step."""
    await an_institution(desk)
    await an_account(desk, "P1", "40.00")
    await an_account(desk, "S1", "60.00")
    await a_binding(desk, "S1", "P1")
    first = await a_settlement(desk, total="200.00", fund_pay="100.00")
    path = f"{PATH}/{first['settlement_id']}"
    bill = a_claim(total="150.00", fund_pay="75.00")
    second = is_answered(
        await desk.post(HOSPITAL, f"{path}/replacement", bill, "r"), ReplacementReply, 201
    )

    assert ("40.00", "60.00") == (first["own"], first["aid"])
    assert ("40.00", "35.00", "0.00") == tuple(second[n] for n in ("own", "aid", "cash"))
    assert first["settlement_id"] == second["replaces"]
    assert "25.00" == await desk.balance("S1")
    assert "cancelled" == (await desk.get(HOSPITAL, path)).json()["status"]
    again = await desk.post(HOSPITAL, f"{path}/replacement", bill, "r")
    assert second == again.json()
    twice = await desk.post(HOSPITAL, f"{path}/replacement", bill)
    is_refused(twice, 409, "ALREADY_CANCELLED")
    duplicate = await desk.post(HOSPITAL, PATH, bill)
    is_refused(duplicate, 409, "DUPLICATE_CLAIM")
