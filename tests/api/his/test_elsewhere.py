"""3260: what an institution settled in a month for people of other pooling areas."""

from typing import Any

import pytest

from tests.api.clients import AGENCY_ELSEWHERE, ELSEWHERE, Desk, an_account
from tests.api.his.client import His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy

MONTH = {"trt_year": "2026", "trt_month": "03", "startrow": "1"}


async def elsewhere(his: His, **changes: str) -> list[dict[str, Any]]:
    """The rows of a month."""
    rows: list[dict[str, Any]] = (await his.ask("3260", {"data": MONTH | changes}))["data"]
    return rows


async def a_bill_of(his: His, person: str, amount: str, batch: str = "1") -> dict[str, Any]:
    """A settled bill of somebody."""
    visit = await his.register(person)
    await his.ask("2204", {"feedetail": [his.fee(visit, person, batch, amount)]})
    info: dict[str, Any] = (await his.ask("2207", his.bill(visit, person, amount)))["setlinfo"]
    return info


async def test_the_month_shows_those_insured_elsewhere_alone(desk_on_postgres: Desk) -> None:
    """Every live bill of theirs once, in the order of the log; what was taken back is not there."""
    his = await a_hospital(desk_on_postgres)
    pharmacy = await a_pharmacy(desk_on_postgres)
    await an_account(desk_on_postgres, "G1", region=ELSEWHERE)
    await a_bill_of(his, "P1", "128.50")
    bills = [await a_bill_of(his, "G1", amount) for amount in ("60.00", "35.50")]
    gone = await a_bill_of(his, "G1", "10.00")
    name = {name: gone[name] for name in ("psn_no", "mdtrt_id", "setl_id")}
    await his.ask("2208", {"data": name})
    assert AGENCY_ELSEWHERE.region == ELSEWHERE

    rows = await elsewhere(his)

    assert [1, 2] == [row["seqno"] for row in rows]
    for row, bill in zip(rows, bills, strict=True):
        assert (bill["setl_id"], bill["mdtrt_id"]) == (row["setl_sn"], row["mdtrt_id"])
        assert (bill["certno"], his.code, "0") == (
            row["certno"],
            row["medins_no"],
            row["fulamt_advpay_flag"],
        )
        assert bill["medfee_sumamt"] == row["medfee_sumamt"]
        assert bill["setl_time"] == row["mdtrt_setl_time"]
        paid = bill["fund_pay_sumamt"] + bill["acct_pay"]
        assert abs(paid - row["optins_pay_sumamt"]) < 0.001
    assert rows[1:] == [row | {"seqno": 2} for row in await elsewhere(his, startrow="2")]
    assert [] == await elsewhere(his, startrow="3")
    assert [] == await elsewhere(his, trt_month="02")
    assert [] == await elsewhere(pharmacy)


@pytest.mark.parametrize(
    "changes",
    [
        {"trt_month": "13"},
        {"trt_month": "00"},
        {"trt_year": "1899"},
        {"trt_year": "20x6"},
        {"startrow": "0"},
        {"startrow": "-1"},
        {"startrow": ""},
        {"trt_year": ""},
    ],
    ids=str,
)
async def test_a_wrong_month_or_row_is_refused(desk: Desk, changes: dict[str, str]) -> None:
    """Before anything is read."""
    his = await a_hospital(desk)
    with pytest.raises(RefusedError) as refused:
        await elsewhere(his, **changes)

    assert refused.value.code in ("FIELD_INVALID", "FIELD_REQUIRED", "DATE_INVALID")
