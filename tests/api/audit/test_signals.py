"""Signals over HTTP: who may see them, in which words, and the credential that was another's."""

from typing import Any

from api.audit.signal_routes import SignalsReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    an_account,
    is_answered,
    is_refused,
)

PATH = "/v1/audit/signals"
MISMATCH = "?kind=CREDENTIAL_MISMATCH"


async def told(desk: Desk, question: str = "", who: Who = AUDITOR) -> Any:  # noqa: ANN401 -- JSON
    shown = await desk.get(who, PATH + question)
    return is_answered(shown, SignalsReply)["items"]


async def a_repented_purchase(desk: Desk, times: int) -> list[str]:
    """The family buys and gives back; the settlements."""
    await a_family(desk)
    bought: list[str] = []
    for number in range(times):
        settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim(visit=f"v{number}"))
        bought.append(settled.json()["settlement_id"])
        path = f"/v1/settlements/{bought[-1]}/cancellation"
        back = await desk.post(HOSPITAL, path, {"reason": "returned"})
        assert 201 == back.status_code, back.text
    return bought


async def test_a_refund_of_a_bill_long_past_stops_no_list(desk_on_postgres: Desk) -> None:
    """D1: 65 bills of one patient, then 1.00 of the first goes back: all is shown, as ever."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "P2", "900.00")
    patient = {"type": "person_no", "value": "P2"}
    bills: list[str] = []
    for number in range(65):
        claim = a_claim(beneficiary=patient, visit=f"v{number}", total="2.00", fund_pay="0.00")
        settled = await desk.post(HOSPITAL, "/v1/settlements", claim)
        bills.append(settled.json()["settlement_id"])
    path = f"/v1/settlements/{bills[0]}/refunds"
    refunded = await desk.post(HOSPITAL, path, {"amount": "1.00", "reason": "returned"})
    shown = await desk.get(a_person("P2"), "/v1/accounts/P2/entries?limit=1")
    day = await desk.get(HOSPITAL, f"/v1/institutions/{HOSPITAL.subject}/clearing?month=2026-03")
    ready = (await desk.front.get("/readyz")).json()

    assert 201 == refunded.status_code, refunded.text
    assert "returned" == shown.json()["items"][0]["kind"]
    assert str(await desk.context.store.position()) == shown.headers["gongji-position"]
    assert 200 == day.status_code, day.text
    assert ("ready", []) == (ready["status"], ready["reasons"])


async def test_a_signal_is_told_with_links_to_its_evidence(desk_on_postgres: Desk) -> None:
    """Three purchases given back at once: one signal, with settlements that can be looked at."""
    desk = desk_on_postgres
    bought = await a_repented_purchase(desk, 3)
    (item,) = await told(desk)

    assert ("QUICK_REFUND", {"times": 3}) == (item["kind"], item["figures"])
    assert bought == item["settlements"]
    assert {"times": 3, "hours": 24, "days": 30} == item["threshold"]
    assert all(account.startswith("acc_") for account in item["accounts"])
    for settlement in item["settlements"]:
        assert 200 == (await desk.get(AUDITOR, f"/v1/settlements/{settlement}")).status_code
    assert "退费" in item["text"]
    (english,) = (await desk.get(AUDITOR, PATH, **{"Accept-Language": "en"})).json()["items"]
    assert english["text"].isascii()
    assert [] == await told(desk, f"?after={item['position']}")
    assert [] == await told(desk, "?kind=NIGHT_HOURS")


async def test_two_purchases_given_back_are_none(desk_on_postgres: Desk) -> None:
    """Below the threshold nothing is told."""
    desk = desk_on_postgres
    await a_repented_purchase(desk, 2)

    assert [] == await told(desk)


async def test_agencies_see_their_region_and_nobody_else_anything(desk_on_postgres: Desk) -> None:
    """The region's agency and the nation see it, another region none; others are refused."""
    desk = desk_on_postgres
    await a_repented_purchase(desk, 3)

    for who, count in ((AGENCY, 1), (NATION, 1), (AGENCY_ELSEWHERE, 0)):
        assert count == len(await told(desk, who=who))
    for stranger in (HOSPITAL, a_person("P1")):
        is_refused(await desk.get(stranger, PATH), 403, "NOT_PERMITTED")
    for wrong in ("?kind=OTHER", "?after=-1"):
        is_refused(await desk.get(AUDITOR, PATH + wrong), 422, "QUERY_INVALID")


async def test_another_s_credential_raises_a_signal(desk_on_postgres: Desk) -> None:
    """The refused claim is told from the access log (S101); one with his own, or a typo, is not."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "X1")
    for owner in ("X1", "P1", "P404"):
        shown = a_claim(visit=owner, credential={"type": "person_no", "value": owner})
        await desk.post(HOSPITAL, "/v1/settlements", shown)
    (item,) = await told(desk, MISMATCH)

    assert "accesses" == item["log"]
    assert (2, 1) == (len(item["accounts"]), len(item["institutions"]))
    assert "X1" not in str(item)
    assert [] == await told(desk, f"{MISMATCH}&after={item['position']}")
    assert [] == await told(desk)
    assert [] == await told(desk, MISMATCH, AGENCY_ELSEWHERE)
    assert [item] == await told(desk, MISMATCH, AGENCY)
