"""A day compared with an institution's list, over HTTP and PostgreSQL."""

from datetime import timedelta
from typing import Any

from api.reconciliation.schemas import ReconciliationReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_institution,
    is_answered,
    is_refused,
    untraced,
)

PATH = "/v1/reconciliations"
DAY = "2026-03-02"
NOTHING = {"count": 0, "total": "0.00"}
ONE = {
    "count": 1,
    "total": "128.50",
    "fund_pay": "64.25",
    "own": "20.00",
    "aid": "44.25",
    "cash": "0.00",
}
ZERO = {"count": 0} | dict.fromkeys(("total", "fund_pay", "own", "aid", "cash"), "0.00")


async def asked(desk: Desk, who: Who = HOSPITAL, **body: object) -> dict[str, Any]:
    answer = await desk.send("POST", who, PATH, {"day": DAY, "totals": ONE} | body)
    told: dict[str, Any] = is_answered(answer, ReconciliationReply)
    assert int(answer.headers["gongji-position"]) == await desk.context.store.position()
    return told


def an_item(settled: dict[str, Any], **changes: object) -> dict[str, Any]:
    named = {name: settled[name] for name in ("settlement_id", "status", "total", "aid")}
    return {name: value for name, value in (named | changes).items() if value is not None}


async def cancelled(desk: Desk, settled: dict[str, Any]) -> None:
    path = f"/v1/settlements/{settled['settlement_id']}/cancellation"
    assert 201 == (await desk.post(HOSPITAL, path, {})).status_code


async def test_the_one_bill_that_the_hospital_lost_is_found(desk_on_postgres: Desk) -> None:
    """S64: 100 bills of 8000.00 against our 101 of 8044.25 differ by exactly the one of 44.25."""
    desk = desk_on_postgres
    await a_family(desk)
    bill = {"total": "80.00", "fund_pay": "80.00"}
    claims = [a_claim(**bill, visit=f"v{n}") | {"key": f"k{n}"} for n in range(100)]
    batch = await desk.send("POST", HOSPITAL, "/v1/settlements:batch", {"claims": claims})
    settled = [item["settlement"] for item in batch.json()["items"]]
    lost = await a_settlement(desk, key="k100", total="44.25", fund_pay="0.00")
    theirs = {"count": 100, "total": "8000.00"}
    told = await asked(desk, totals=theirs, items=[an_item(one) for one in settled])

    assert ("different", 100) == (told["result"], told["equal"])
    (difference,) = told["differences"]
    assert ("SERVICE_ONLY", lost["settlement_id"], "k100", None) == (
        difference["class"],
        difference["settlement_id"],
        difference["key"],
        difference["institution"],
    )
    assert ("44.25", "24.25") == (difference["service"]["total"], difference["service"]["aid"])
    totals = told["totals"]["service"]
    assert (101, "8044.25") == (totals["count"], totals["total"])
    assert ("8000.00", None) == (
        told["totals"]["institution"]["total"],
        told["totals"]["institution"]["aid"],
    )
    whole = [an_item(one) for one in (*settled, lost)]
    agreed = await asked(desk, totals={"count": 101, "total": "8044.25"}, items=whole)
    assert ("equal", 101, []) == (agreed["result"], agreed["equal"], agreed["differences"])


async def test_a_bill_is_named_by_its_key_or_its_settlement(desk_on_postgres: Desk) -> None:
    """Either is enough; the institution's own key comes back with what differs."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk, "k1")
    by_key = an_item(settled, settlement_id=None, key="k1")
    for item in (by_key, an_item(settled), an_item(settled, key="k1")):
        told = await asked(desk, items=[item])
        assert ("equal", 1) == (told["result"], told["equal"])
    await an_institution(desk, PHARMACY)
    theirs = await asked(desk, PHARMACY, totals=NOTHING, items=[by_key])
    (stranger,) = theirs["differences"]
    assert ("INSTITUTION_ONLY", "k1", None) == (
        stranger["class"],
        stranger["key"],
        stranger["settlement_id"],
    )
    (difference,) = (await asked(desk, items=[by_key | {"aid": "44.24"}]))["differences"]
    assert {
        "class": "AMOUNT",
        "key": "k1",
        "settlement_id": settled["settlement_id"],
        "service": {"status": "settled"} | {n: v for n, v in ONE.items() if n != "count"},
        "institution": {"status": "settled", "total": "128.50", "aid": "44.24", "listed": 1},
    } == difference


async def test_every_class_is_told_in_a_steady_order(desk_on_postgres: Desk) -> None:
    """Our bills in the order of the log, then what only they list; their order is nothing."""
    desk = desk_on_postgres
    await a_family(desk)
    one, two, three, _ = [await a_settlement(desk, visit=f"v{n}", total="65.25") for n in range(4)]
    items = [
        an_item(one, aid="9.99"),
        an_item(two, status="cancelled"),
        an_item(three),
        an_item(three),
        an_item(one, settlement_id=None, key="never"),
    ]
    told = await asked(desk, items=items)
    assert ["AMOUNT", "STATUS", "DUPLICATE", "SERVICE_ONLY", "INSTITUTION_ONLY"] == [
        difference["class"] for difference in told["differences"]
    ]
    assert ("130.50", 2) == (
        told["differences"][2]["institution"]["total"],
        told["differences"][2]["institution"]["listed"],
    )
    assert 0 == told["equal"]
    assert told == await asked(desk, items=items[::-1])
    assert told == await asked(desk, items=items)


async def test_totals_alone_are_equal_or_different(desk_on_postgres: Desk) -> None:
    """Without items nothing is listed, and both sides' totals are shown."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    told = await asked(desk)
    assert ("equal", None, []) == (told["result"], told["equal"], told["differences"])
    assert {"service": ONE, "institution": ONE} == told["totals"]
    other = await asked(desk, totals=ONE | {"aid": "44.24", "cash": "0.01"})
    assert ("different", []) == (other["result"], other["differences"])
    assert "44.24" == other["totals"]["institution"]["aid"]
    listed = await asked(desk, totals=NOTHING, items=[])
    assert ["SERVICE_ONLY"] == [difference["class"] for difference in listed["differences"]]
    assert "different" == (await asked(desk, day="2026-03-01"))["result"]
    assert "equal" == (await asked(desk, day="2026-03-01", totals=ZERO, items=[]))["result"]


async def test_a_past_day_stays_as_it_ended(desk_on_postgres: Desk) -> None:
    """A cancellation belongs to the day it happened on: the past answers the same to the byte."""
    desk = desk_on_postgres
    await a_family(desk)
    first = await a_settlement(desk)
    mistaken = await a_settlement(desk, visit="v2", total="64.25")
    await cancelled(desk, mistaken)
    assert (await asked(desk))["final"] is False
    items = [an_item(first)]
    desk.clock.at += timedelta(days=1)
    body = {"day": DAY, "totals": ONE, "items": items}
    before = await desk.send("POST", HOSPITAL, PATH, body)
    assert (before.json()["final"], before.json()["result"]) == (True, "equal")
    await cancelled(desk, first)
    again = await a_settlement(desk)
    after = await desk.send("POST", HOSPITAL, PATH, body)

    assert before.content == after.content
    assert ZERO | {"items": []} == after.json()["returned"]
    today = await asked(desk, day="2026-03-03", items=[an_item(again)])
    assert "equal" == today["result"]
    back = today["returned"]
    assert ONE == {name: back[name] for name in ONE}
    amounts = {name: amount for name, amount in ONE.items() if name != "count"}
    told = {"settlement_id": first["settlement_id"], "day": DAY, "status": "cancelled"}
    assert [told | amounts] == back["items"]
    assert back["items"][0] == (await asked(desk, day="2026-03-03"))["returned"]["items"][0]


async def test_a_bill_cancelled_on_its_day_counts_for_nothing(desk_on_postgres: Desk) -> None:
    """It need not be listed; who lists it as paid is told its status."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk)
    await cancelled(desk, settled)
    for items in ([], [an_item(settled, status="cancelled")]):
        told = await asked(desk, totals=ZERO, items=items)
        assert ("equal", 1, ZERO) == (told["result"], told["equal"], told["totals"]["service"])
    (difference,) = (await asked(desk, items=[an_item(settled)]))["differences"]
    assert ("STATUS", "cancelled", "settled") == (
        difference["class"],
        difference["service"]["status"],
        difference["institution"]["status"],
    )


async def a_refund(desk: Desk, settled: dict[str, Any], amount: str) -> None:
    path = f"/v1/settlements/{settled['settlement_id']}/refunds"
    refunded = await desk.post(HOSPITAL, path, {"amount": amount})
    assert 201 == refunded.status_code, refunded.text


async def a_reversal(desk: Desk, key: str) -> None:
    assert 200 == (await desk.post(HOSPITAL, "/v1/reversals", {"key": key})).status_code


async def test_parts_and_reversals_count_on_their_days(desk_on_postgres: Desk) -> None:
    """What went back on the day is off its bills; what goes back later is that day's return."""
    desk = desk_on_postgres
    await a_family(desk)
    parted = await a_settlement(desk)
    await a_settlement(desk, "k2", visit="v2", total="65.25")
    await a_refund(desk, parted, "10.00")
    await a_reversal(desk, "k2")
    await a_reversal(desk, "never came")
    item = an_item(parted, status="part_refunded", total="118.50", aid="34.25")
    totals = ONE | {"total": "118.50", "aid": "34.25"}
    reversed_ = [
        {"key": key, "status": "reversed", "total": "0.00", "aid": "0.00"}
        for key in ("k2", "never came")
    ]
    for items in ([item], [item, *reversed_]):
        told = await asked(desk, totals=totals, items=items)
        assert ("equal", 3, totals) == (told["result"], told["equal"], told["totals"]["service"])
    late = reversed_[1] | {"status": "settled", "total": "1.00"}
    (difference,) = (await asked(desk, totals=totals, items=[item, late]))["differences"]
    assert ("STATUS", "reversed") == (difference["class"], difference["service"]["status"])
    desk.clock.at += timedelta(days=1)
    await a_refund(desk, parted, "3.00")
    await a_refund(desk, parted, "2.00")
    assert "equal" == (await asked(desk, totals=totals, items=[item]))["result"]
    (back,) = (await asked(desk, day="2026-03-03", totals=ZERO))["returned"]["items"]
    assert (DAY, "part_refunded", "5.00", "5.00", "0.00") == (
        back["day"],
        back["status"],
        back["total"],
        back["aid"],
        back["own"],
    )


async def test_a_held_bill_counts_for_the_day_it_was_settled(desk_on_postgres: Desk) -> None:
    """The day on which it was only held stays as it ended."""
    desk = desk_on_postgres
    await a_family(desk)
    held = await desk.post(HOSPITAL, "/v1/holds", a_claim() | {"expires_in": 2 * 86_400})
    assert 201 == held.status_code, held.text
    desk.clock.at += timedelta(days=1)
    before = await asked(desk, totals=ZERO, items=[])
    path = f"/v1/holds/{held.json()['hold_id']}/capture"
    captured = await desk.post(HOSPITAL, path, {}, "k1")
    assert 201 == captured.status_code, captured.text

    assert "equal" == before["result"]
    assert before == await asked(desk, totals=ZERO, items=[])
    item = an_item(captured.json(), settlement_id=None, key="k1")
    told = await asked(desk, day="2026-03-03", items=[item])
    assert ("equal", 1, ONE) == (told["result"], told["equal"], told["totals"]["service"])
    day = await desk.get(HOSPITAL, "/v1/settlements?day=2026-03-03")
    assert [item["status"]] == [one["status"] for one in day.json()["items"]]


async def test_each_sees_his_own(desk_on_postgres: Desk) -> None:
    """An institution its days, an agency its region's; a foreign code looks like nobody's."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_institution(desk, PHARMACY)
    await a_settlement(desk)
    named = {"day": DAY, "totals": ONE, "institution": HOSPITAL.subject}
    own = await asked(desk)
    for who in (HOSPITAL, AGENCY, NATION):
        assert own == await asked(desk, who, institution=HOSPITAL.subject)
    assert ZERO == (await asked(desk, PHARMACY))["totals"]["service"]
    for who in (PHARMACY, AGENCY_ELSEWHERE):
        foreign = await desk.send("POST", who, PATH, named)
        is_refused(foreign, 404, "NOT_FOUND")
        nobodys = await desk.send("POST", who, PATH, named | {"institution": "H0"})
        assert untraced(foreign) == untraced(nobodys)
    is_refused(await desk.send("POST", AUDITOR, PATH, named), 403, "READ_ONLY_ROLE")
    for who in (a_person("P1"), OPERATOR):
        is_refused(await desk.send("POST", who, PATH, named), 403, "NOT_PERMITTED")
