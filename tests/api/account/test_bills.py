"""Bills over PostgreSQL: who paid what, what was returned, and what is hidden."""

import pytest

from api.account.statement_schemas import BillsReply
from tests.api.account.readers import (
    BILLS,
    CSV,
    ENTRIES,
    P1,
    S1,
    S2,
    cancel,
    give_back,
)
from tests.api.binding.test_lists import pages
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    a_binding,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    is_refused,
    untraced,
)


async def test_a_patient_sees_who_paid_what(desk_on_postgres: Desk) -> None:
    """Each bill has its payers, returns and status; refused claims are absent."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "S2", "10.00", name="欧阳娜娜")
    await a_binding(desk, "S2", "P1", "child")
    first = await a_settlement(desk)
    await give_back(desk, first["settlement_id"], "14.25")
    second = await a_settlement(desk, visit="v2", total="20.00", fund_pay="0.00")
    await cancel(desk, second["settlement_id"])
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    is_refused(again, 409, "DUPLICATE_CLAIM")
    answer = await desk.get(P1, BILLS.format("P1"))
    BillsReply.model_validate(answer.json())
    newest, oldest = answer.json()["items"]

    assert [second["settlement_id"], first["settlement_id"]] == [
        bill["settlement_id"] for bill in (newest, oldest)
    ]
    assert ("cancelled", "20.00", "20.00") == (
        newest["status"],
        newest["aid"],
        newest["returned"]["aid"],
    )
    paid = sum(float(part["amount"]) for part in oldest["sponsors"])
    assert ("part_refunded", "44.25", 44.25) == (oldest["status"], oldest["aid"], paid)
    assert {"amount": "14.25", "own": "0.00", "aid": "14.25", "cash": "0.00"} == (
        oldest["returned"]
    )
    assert newest["text"].endswith("整单已撤销,所付款项已全部退回。")
    assert {"王*", "欧阳**"} >= {part["name"] for part in oldest["sponsors"]}
    assert answer.json()["items"] == await pages(desk, P1, BILLS.format("P1"), 1)


async def test_a_reversed_bill_is_told_and_a_tombstone_is_not(desk_on_postgres: Desk) -> None:
    """A reversed bill is listed; a tombstone of a command is not."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk, "k1")
    for key in ("k1", "never-came"):
        undone = await desk.post(HOSPITAL, "/v1/reversals", {"key": key})
        assert 200 == undone.status_code, undone.text
    (bill,) = (await desk.get(P1, BILLS.format("P1"))).json()["items"]
    listed = await desk.get(HOSPITAL, "/v1/settlements?day=2026-03-02")

    assert ("reversed", "64.25") == (bill["status"], bill["returned"]["amount"])
    assert bill["text"].endswith("整单已冲正,所付款项已全部退回。")
    assert ["reversed"] == [row["status"] for row in listed.json()["items"]]


async def test_nothing_of_a_relative_gets_through(desk_on_postgres: Desk) -> None:
    """No full name, ID number, person number or balance of a relative."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "S2", "777.77", name="欧阳娜娜", cert_no="110105194912310038")
    await a_binding(desk, "S2", "P1", "sibling")
    await a_settlement(desk, total="600.00", fund_pay="0.00")
    for who, path in ((P1, BILLS), (P1, ENTRIES), (S1, ENTRIES), (S2, ENTRIES)):
        for headers in ({}, CSV):
            told = (await desk.get(who, path.format(who.subject), **headers)).text
            assert "元" in told
            for hidden in (CANARY_ID, CANARY_NAME, "欧阳娜娜", "王某", "110105194912310038"):
                assert hidden not in told
            if who is P1:
                assert [] == [n for n in ("777.77", "697.77") if n in told]
                assert "S2" not in told


@pytest.mark.parametrize("path", [ENTRIES, BILLS])
async def test_a_foreign_list_looks_like_none(desk_on_postgres: Desk, path: str) -> None:
    """Family, strangers and other regions get the 404 of an unknown number."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    mine = (await desk.get(P1, path.format("P1"))).json()
    for who in (AGENCY, NATION, AUDITOR):
        assert mine == (await desk.get(who, path.format("P1"))).json()
    for who in (S1, a_person("X1"), AGENCY_ELSEWHERE):
        for headers in ({}, CSV):
            foreign = await desk.get(who, path.format("P1"), **headers)
            is_refused(foreign, 404, "NOT_FOUND")
            nobody = await desk.get(who, path.format("NOBODY"))
            assert untraced(foreign) == untraced(nobody)
    for who in (HOSPITAL, OPERATOR):
        is_refused(await desk.get(who, path.format("P1")), 403, "NOT_PERMITTED")
    for query in ("cursor=x", "limit=0", "limit=201"):
        is_refused(await desk.get(P1, f"{path.format('P1')}?{query}"), 422, "PAGE_INVALID")
