"""Money as each institution reads it: the identities hold in every dialect."""

import itertools
import json

import pytest

from tests.api.clients import Desk
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital

DIALECTS = [
    {"mulaid_mode": mode, "fund_includes_acct": included}
    for mode, included in itertools.product(("contained", "beside"), (False, True))
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
@pytest.mark.parametrize("amount", ["30.00", "128.50", "2000.00"])
async def test_every_fen_is_somebody_s(desk: Desk, dialect: dict[str, object], amount: str) -> None:
    """The whole is fund, account and cash; aid is in the account's part, or beside it."""
    his = await a_hospital(desk, **dialect)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", amount)]})
    info = (await his.ask("2207", his.bill(visit, "P1", amount)))["setlinfo"]
    fen = {n: round(v * 100) for n, v in info.items() if isinstance(v, float | int)}
    both = fen["acct_pay"]
    if dialect["mulaid_mode"] == "beside":
        both += fen["acct_mulaid_pay"]
    fund = fen["fund_pay_sumamt"] - (both if dialect["fund_includes_acct"] else 0)

    assert fen["medfee_sumamt"] == fund + fen["psn_part_amt"] + fen["hosp_part_amt"]
    assert fen["psn_part_amt"] == both + fen["psn_cash_pay"]
    assert fund == fen["hifp_pay"]
    assert fen["psn_cash_pay"] == fen["pdn_cash_pay"] == fen["cash_payamt"]
    assert fen["inscp_scp_amt"] == fen["medfee_sumamt"] - sum(
        fen[name] for name in ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt")
    )
    assert fen["balc"] == 2000 - (both - fen["acct_mulaid_pay"])


async def test_who_wants_no_account_uses_neither(desk: Desk) -> None:
    """acct_used_flag 0: no own money and no aid, all in cash."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    info = (await his.ask("2207", his.bill(visit, "P1", "128.50", acct_used_flag="0")))["setlinfo"]

    assert (0.0, 0.0, 64.25, 20.0) == (
        info["acct_pay"],
        info["acct_mulaid_pay"],
        info["psn_cash_pay"],
        info["balc"],
    )


async def test_parts_follow_the_price_list(desk: Desk) -> None:
    """A drug paid in part first, and a line that no fund covers, are told apart."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    lines = [
        his.fee(visit, "P1", "1", "100.00", med_list_codg="ZA01AAJ0001010100001"),
        his.fee(visit, "P1", "2", "50.00", med_list_codg="W-own"),
    ]
    rows = (await his.ask("2204", {"feedetail": lines}))["result"]
    info = (await his.ask("2206", his.bill(visit, "P1", "150.00")))["setlinfo"]

    assert [("2", 10.0, 90.0), ("3", 0.0, 0.0)] == [
        (row["chrgitm_lv"], row["preselfpay_amt"], row["inscp_scp_amt"]) for row in rows
    ]
    assert (50.0, 10.0, 90.0, 45.0) == (
        info["fulamt_ownpay_amt"],
        info["preselfpay_amt"],
        info["inscp_scp_amt"],
        info["fund_pay_sumamt"],
    )


async def test_a_total_that_is_not_the_lines_sum_is_refused(desk: Desk) -> None:
    """The hospital's total and its fee lines must agree to the fen."""
    his = await a_hospital(desk)
    visit = await his.register("P1")
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    with pytest.raises(RefusedError) as refused:
        await his.ask("2207", his.bill(visit, "P1", "128.51"))

    assert "FEES_MISMATCH" == refused.value.code
    assert 12850 == refused.value.extra["uploaded_fen"]


async def test_a_quote_s_plan_is_held_to(desk: Desk) -> None:
    """A client that sends the plan back is told when somebody else was faster."""
    his = await a_hospital(desk)
    first, second = await his.register("P1", "1"), await his.register("P1", "2")
    for visit in (first, second):
        await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
    tried = (await his.ask("2206", his.bill(first, "P1", "128.50")))["setlinfo"]
    await his.ask("2207", his.bill(second, "P1", "128.50"))
    told = json.dumps({"plan_hash": json.loads(tried["exp_content"])["plan_hash"]})
    with pytest.raises(RefusedError) as refused:
        await his.ask("2207", his.bill(first, "P1", "128.50", exp_content=told))

    assert "PLAN_CHANGED" == refused.value.code
