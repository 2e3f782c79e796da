"""A month's clearing over the national protocol: applied for, taken back, and both on record."""

import json
from typing import Any

import pytest

from tests.api.clients import AGENCY, HOSPITAL, Desk
from tests.api.his.client import His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy

MONTH = {"setlym": "202603", "clr_type": "11", "clr_way": "01"}


async def a_bill(his: His) -> dict[str, Any]:
    """A settled bill; what 3203 says of its month."""
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    info = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]
    sums = {"medfee_sumamt": info["medfee_sumamt"], "fund_appy_sum": info["fund_pay_sumamt"]}
    return MONTH | sums | {"acct_pay": info["acct_pay"]}


async def clearings(desk: Desk) -> list[tuple[str, dict[str, Any]]]:
    """What the log says of applications, oldest first."""
    lines = (await desk.get(AGENCY, "/v1/events")).text.splitlines()
    told = [json.loads(line) for line in lines]
    return [
        (one["topic"].partition(".")[2], one["event"])
        for one in told
        if "clearing-" in one["topic"]
    ]


async def test_an_application_is_on_record_until_it_is_taken_back(desk_on_postgres: Desk) -> None:
    """3203 pressed twice is one application, 3204 pressed twice one withdrawal."""
    his = await a_hospital(desk_on_postgres)
    month = await a_bill(his)
    applied = [(await his.ask("3203", {"data": month}))["result"] for _ in range(2)]
    assert applied[0] == applied[1]
    for _ in range(2):
        assert None is await his.ask("3204", {"data": applied[0]})

    named = {"month": "2026-03-01", "kind": "11"}
    sums = {"total_fen": 12850, "fund_pay_fen": 6425, "account_fen": 6425}
    told = [("clearing-requested/1", named | sums), ("clearing-withdrawn/1", named)]
    assert told == await clearings(desk_on_postgres)


async def test_other_sums_are_not_applied_for(desk_on_postgres: Desk) -> None:
    """A month that is not ours to the fen is refused, and nothing is on record."""
    his = await a_hospital(desk_on_postgres)
    month = await a_bill(his) | {"medfee_sumamt": "128.51"}
    with pytest.raises(RefusedError) as refused:
        await his.ask("3203", {"data": month})

    assert "CLEARING_DIFFERENT" == refused.value.code
    assert [] == await clearings(desk_on_postgres)


async def test_only_the_applicant_takes_it_back(desk_on_postgres: Desk) -> None:
    """A number is its institution's own; one that is made up, or cut, is nobody's."""
    his, other = await a_hospital(desk_on_postgres), await a_pharmacy(desk_on_postgres)
    applied = (await his.ask("3203", {"data": await a_bill(his)}))["result"]
    number = applied["clr_appy_evt_id"]
    for who, said in ((other, number), (his, number[:-1]), (his, "202613T11" + number[9:])):
        with pytest.raises(RefusedError) as refused:
            await who.ask("3204", {"data": {"clr_appy_evt_id": said}})
        assert "NOT_FOUND" == refused.value.code

    assert 1 == len(await clearings(desk_on_postgres))


async def test_a_month_that_was_paid_is_not_taken_back(desk_on_postgres: Desk) -> None:
    """Once the agency noted the payment the application is what it was paid on."""
    his = await a_hospital(desk_on_postgres)
    applied = (await his.ask("3203", {"data": await a_bill(his)}))["result"]
    desk_on_postgres.clock.at = desk_on_postgres.clock.at.replace(month=4)
    path = f"/v1/institutions/{HOSPITAL.subject}/clearings"
    paid = await desk_on_postgres.post(AGENCY, path, {"through": "2026-03-31"})
    assert 201 == paid.status_code, paid.text
    with pytest.raises(RefusedError) as refused:
        await his.ask("3204", {"data": applied})

    assert "CLEARING_BACKWARD" == refused.value.code


async def test_the_longest_number_fits_its_field(desk_on_postgres: Desk) -> None:
    """A kind of clearing of six characters, which no bill has, is a number of thirty."""
    his = await a_hospital(desk_on_postgres)
    nothing = dict.fromkeys(("medfee_sumamt", "fund_appy_sum", "acct_pay"), "0.00")
    applied = await his.ask("3203", {"data": MONTH | nothing | {"clr_type": "999999"}})

    assert 30 == len(applied["result"]["clr_appy_evt_id"])
