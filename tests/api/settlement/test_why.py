"""Why a bill left a part in cash: who is told what, and that it is true."""

from typing import Any

import pytest

from api.settlement.why_routes import WhyReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    KEYS,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_binding,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    an_offer,
    is_answered,
    is_refused,
)

P1, S1, S2 = a_person("P1"), a_person("S1"), a_person("S2")


async def told(desk: Desk, who: Who, settlement_id: str, **headers: str) -> dict[str, Any]:
    answer = await desk.get(who, f"/v1/settlements/{settlement_id}/why", **headers)
    why: dict[str, Any] = is_answered(answer, WhyReply)
    return why


async def capped(desk: Desk, binding: str, amount: str | None) -> None:
    body = {"caps": {"per_settlement": amount}}
    answer = await desk.send(
        "PATCH", S1, f"/v1/bindings/{binding}", body, {"Idempotency-Key": next(KEYS)}
    )
    assert 200 == answer.status_code, answer.text


async def a_capped_family(desk: Desk) -> tuple[str, str, str]:
    """A bill with 14.25 in cash; the binding of S1, whose cap is 30.00, and S2's invitation."""
    binding = await a_family(desk)
    await capped(desk, binding, "30.00")
    await an_account(desk, "S2", "10.00")
    kin = {"person_no": "S2", "relative": "P1", "relation": "child"}
    assert 201 == (await desk.post(AGENCY, "/v1/kinships", kin)).status_code
    invited = await desk.post(S2, "/v1/bindings", an_offer("P1", "child"))
    assert 201 == invited.status_code, invited.text
    settled = await a_settlement(desk)
    assert ("20.00", "30.00", "14.25") == tuple(settled[m] for m in ("own", "aid", "cash"))
    return settled["settlement_id"], binding, invited.json()["binding_id"]


def members(change: dict[str, Any]) -> dict[str, Any]:
    """The members of a change that are set."""
    return {name: value for name, value in change.items() if value is not None}


async def test_the_patient_sees_every_change_and_no_sponsors_money(desk: Desk) -> None:
    """A higher cap of S1, or S2's invitation confirmed in time; no cap's value."""
    settlement_id, binding, invitation = await a_capped_family(desk)
    why = await told(desk, P1, settlement_id)

    assert ("14.25", "p0/2020-01", True) == (why["cash"], why["policy_edition"], why["complete"])
    assert [("0.00", "14.25"), ("4.25", "10.00")] == [
        (remedy["cash"], remedy["less"]) for remedy in why["remedies"]
    ]
    (cap,), (confirmation,) = (remedy["changes"] for remedy in why["remedies"])
    assert {
        "kind": "cap",
        "rank": 1,
        "binding_id": binding,
        "cap": "per_settlement",
        "text": "提高第1位共济人的单次限额",
    } == members(cap)
    assert {
        "kind": "confirmation",
        "rank": 2,
        "binding_id": invitation,
        "text": "在结算前确认第2位共济人的共济邀请",
    } == members(confirmation)
    assert {"cash", "less", "changes"} == set(why["remedies"][0])


async def test_a_sponsor_sees_what_is_in_the_own_hands(desk: Desk) -> None:
    """The own cap with its least value, what was paid and would be; nothing of the patient's."""
    settlement_id, binding, _ = await a_capped_family(desk)
    why = await told(desk, S1, settlement_id, **{"Accept-Language": "en"})

    assert "30.00" == why["paid_by_you"]
    assert not {"cash", "policy_edition"} & set(why)
    ((change,),) = ([*remedy["changes"]] for remedy in why["remedies"])
    assert {
        "kind": "cap",
        "binding_id": binding,
        "cap": "per_settlement",
        "cap_amount": "44.25",
        "text": "a higher limit for one bill of the sponsor, 44.25 yuan",
    } == members(change)
    assert ["44.25"] == [remedy["paid_by_you"] for remedy in why["remedies"]]
    assert {"paid_by_you", "changes"} == set(why["remedies"][0])


async def test_an_institution_sees_no_amount_of_anybody(desk: Desk) -> None:
    """The kinds and ranks of the changes, and the cash of its own bill."""
    settlement_id, *_ = await a_capped_family(desk)
    why = await told(desk, HOSPITAL, settlement_id)

    assert "14.25" == why["cash"]
    assert [["cap"], ["confirmation"]] == [
        [change["kind"] for change in remedy["changes"]] for remedy in why["remedies"]
    ]
    for remedy in why["remedies"]:
        assert {"changes"} == set(remedy)
        for change in remedy["changes"]:
            assert {"kind", "rank", "text"} >= set(members(change)) - {"cap"}


@pytest.mark.parametrize("who", [AGENCY, AUDITOR], ids=["agency", "auditor"])
async def test_agency_and_auditor_see_the_caps_value(desk: Desk, who: Who) -> None:
    """Everything the patient sees, and the value that the cap needs."""
    settlement_id, *_ = await a_capped_family(desk)
    why = await told(desk, who, settlement_id)

    assert ["44.25", None] == [r["changes"][0]["cap_amount"] for r in why["remedies"]]


async def test_who_may_not_see_the_settlement_is_told_nothing(desk: Desk) -> None:
    """Another institution or region, a sponsor who paid nothing, nobody; and an operator."""
    settlement_id, *_ = await a_capped_family(desk)
    await an_institution(desk, PHARMACY, **{"class": "pharmacy"})
    path = f"/v1/settlements/{settlement_id}/why"
    for who in (PHARMACY, AGENCY_ELSEWHERE, S2, a_person("P9")):
        is_refused(await desk.get(who, path), 404, "NOT_FOUND")
    is_refused(await desk.get(OPERATOR, path), 403, "NOT_PERMITTED")
    nobody = f"/v1/settlements/stl_{'0' * 32}/why"
    is_refused(await desk.get(AUDITOR, nobody), 404, "NOT_FOUND")


async def test_what_is_named_comes_true(desk: Desk) -> None:
    """The same bill with the cap raised so far, and with the invitation confirmed, pays just so."""
    settlement_id, binding, invitation = await a_capped_family(desk)
    by_cap, by_consent = (await told(desk, AUDITOR, settlement_id))["remedies"]
    path = f"/v1/settlements/{settlement_id}/cancellation"
    assert 201 == (await desk.post(HOSPITAL, path, {"reason": "again"})).status_code
    await capped(desk, binding, by_cap["changes"][0]["cap_amount"])
    again = await desk.post(HOSPITAL, "/v1/quotes", a_claim())
    assert by_cap["cash"] == again.json()["cash"]

    await capped(desk, binding, "30.00")
    yes = await desk.post(P1, f"/v1/bindings/{invitation}/confirmation", {})
    assert 201 == yes.status_code, yes.text
    again = await desk.post(HOSPITAL, "/v1/quotes", a_claim())
    assert by_consent["cash"] == again.json()["cash"]


async def test_what_happened_later_changes_nothing(desk: Desk) -> None:
    """The bill is decided again as of then: a later refund, cap, or credit is not seen."""
    settlement_id, binding, _ = await a_capped_family(desk)
    before = await told(desk, P1, settlement_id)
    await capped(desk, binding, "500.00")
    credited = await desk.post(AGENCY, "/v1/accounts/P1/credits", {"amount": "90.00"})
    assert 201 == credited.status_code
    refund = f"/v1/settlements/{settlement_id}/refunds"
    assert 201 == (await desk.post(HOSPITAL, refund, {"amount": "1.00"})).status_code
    after = await told(desk, P1, settlement_id)

    assert "part_refunded" == after["status"]
    assert before["remedies"] == after["remedies"]
    assert before["cash"] == after["cash"]


async def test_a_paid_bill_needs_nothing(desk: Desk) -> None:
    """A bill without cash has no remedy, and says that the search is complete."""
    await a_family(desk)
    settled = await a_settlement(desk)
    why = await told(desk, P1, settled["settlement_id"])

    assert ("0.00", True, []) == (why["cash"], why["complete"], why["remedies"])


async def test_a_captured_hold_and_a_replaced_bill_are_told_too(desk: Desk) -> None:
    """A hold's split is told on what stood when it was held; a replacement on what was free."""
    settlement_id, binding, _ = await a_capped_family(desk)
    path = f"/v1/settlements/{settlement_id}/replacement"
    replaced = await desk.post(HOSPITAL, path, a_claim(total="138.50"))
    assert 201 == replaced.status_code, replaced.text
    held = await desk.post(HOSPITAL, "/v1/holds", a_claim(visit="mdtrt-2"))
    assert 201 == held.status_code, held.text
    capture = f"/v1/holds/{held.json()['hold_id']}/capture"
    captured = await desk.post(HOSPITAL, capture, {})
    assert 201 == captured.status_code, captured.text

    for answer in (replaced, captured):
        why = await told(desk, AUDITOR, answer.json()["settlement_id"])
        assert answer.json()["cash"] == why["cash"]
        assert why["complete"]
        assert binding in [r["changes"][0]["binding_id"] for r in why["remedies"]]
    assert await a_binding(desk, "S1", "S2", "sibling")
