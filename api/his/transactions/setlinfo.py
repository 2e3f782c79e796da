"""A bill as `setlinfo` and `setldetail`, with the sums of the national interface.

medfee_sumamt = fund_pay_sumamt + psn_part_amt + hosp_part_amt, and psn_part_amt = acct_pay +
psn_cash_pay, where acct_pay contains acct_mulaid_pay; beside it in the other dialect.
"""

import json
from datetime import date, datetime
from typing import Any

from aggregates.vocabulary import BEIJING, Instant, Insurance, MulaidMode
from api.his.transactions.persons import POOL, age, insured_as, particulars
from api.his.wire.reading import Values
from service.ids import short, twin
from service.institution import InstitutionAsOf
from service.reconciliation.fsi_statement import clr_type
from service.serializers import fen_of, yuan
from service.settlement.purchase_visit import visit_number
from service.visit.bill_facts import BillFacts, Dialect

OWN_FUND = "310200"
"""职工个人账户; aid has no national code: its row has this code and another name."""
POOL_NAMES = {
    Insurance.EMPLOYEE: "城镇职工基本医疗保险统筹基金",
    Insurance.RESIDENT: "城乡居民基本医疗保险基金",
}
BY_PROJECT = "01"


def money(facts: BillFacts, dialect: Dialect) -> Values:
    """Every amount of a bill in fen, in the institution's dialect."""
    parts = facts.parts
    both = facts.own_fen + facts.aid_fen
    acct = facts.own_fen if dialect.mulaid_mode is MulaidMode.BESIDE else both
    personal = parts.total_fen - parts.fund_fen
    return {
        "medfee_sumamt": parts.total_fen,
        "fulamt_ownpay_amt": parts.full_self_fen,
        "overlmt_selfpay": parts.over_limit_fen,
        "preselfpay_amt": parts.first_self_fen,
        "inscp_scp_amt": parts.in_scope_fen,
        "act_pay_dedc": parts.start_fen,
        "hifp_pay": parts.fund_fen,
        **dict.fromkeys(NO_FUNDS, 0),
        "fund_pay_sumamt": parts.fund_fen + (both if dialect.fund_includes_acct else 0),
        "psn_part_amt": personal,
        "psn_part_am": personal,
        "psn_pay": personal,
        "acct_pay": acct,
        "psn_cash_pay": facts.cash_fen,
        "pdn_cash_pay": facts.cash_fen,
        "cash_payamt": facts.cash_fen,
        "hosp_part_amt": 0,
        "acct_mulaid_pay": facts.aid_fen,
    }


NO_FUNDS = ("cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "hifdm_pay", "oth_pay")
"""Funds that the pooled fund's answer does not show separately."""


def setlinfo(facts: BillFacts, dialect: Dialect, msgid: str) -> Values:
    """A settled or quoted bill; `msgid` is the message that settled it."""
    patient, settled_at = facts.patient, facts.settled_at
    extra = _extension(facts)
    return {
        **particulars(patient),
        **money(facts, dialect),
        "mdtrt_id": visit_id(facts),
        "setl_id": short(facts.settlement) if facts.settlement else None,
        **insured_as(patient),
        "setl_time": settled_at,
        "med_type": facts.med_type,
        "pool_prop_selfpay": _ratio(facts),
        "balc": facts.own_after_fen or 0,
        "medins_setl_id": msgid,
        "clr_optins": patient.region if facts.settlement else None,
        "clr_way": BY_PROJECT if facts.settlement else None,
        "clr_type": clr_type(facts.med_type),
        "refd_setl_flag": "0",
        "pay_loc": "2",
        "year": f"{settled_at:%Y}" if settled_at else None,
        "exp_content": extra,
        "expContent": extra,
    }


def age_at(facts: BillFacts, now: Instant) -> str:
    """The patient's age when the bill was settled; of a quote now."""
    return age(facts.patient, _day_of(facts.settled_at) or now.on)


def _day_of(at: datetime | None) -> date | None:
    return at and at.astimezone(BEIJING).date()


def where_and_when(facts: BillFacts, seen: InstitutionAsOf) -> Values:
    """The members that only 5203 has."""
    return {
        "insu_optins": facts.patient.insured_place,
        "fixmedins_code": seen.institution.code,
        "fixmedins_name": seen.institution.name,
        "fixmedins_poolarea": seen.institution.region,
        **_span(facts),
    }


def _span(facts: BillFacts) -> Values:
    """From the treatment to the settlement."""
    return {"begndate": _day_of(facts.treated_at), "enddate": _day_of(facts.settled_at)}


def as_it_was(facts: BillFacts, now: Instant) -> Values:
    """The members of the cancelled bill that 2208 repeats."""
    return {
        **particulars(facts.patient),
        **insured_as(facts.patient),
        "age": age_at(facts, now),
        "med_type": facts.med_type,
        "clr_type": clr_type(facts.med_type),
        "clr_way": BY_PROJECT,
    }


def of_stay(facts: BillFacts) -> Values:
    """The members that 2305 has beyond those of every cancellation."""
    place = facts.patient.insured_place
    return {"insu_admdvs": place, "crt_dedc": -facts.parts.start_fen, **_span(facts)}


def setldetail(facts: BillFacts) -> list[Values]:
    """A row each for the pooled fund, the own account and the family's aid, if it paid."""
    patient, parts = facts.patient, facts.parts
    pool = POOL[patient.insurance], POOL_NAMES[patient.insurance]
    rows = (
        (*pool, parts.fund_fen),
        (OWN_FUND, "城镇职工基本医疗保险个人账户基金", facts.own_fen),
        (OWN_FUND, "个人账户家庭共济", facts.aid_fen),
    )
    return [
        {
            "fund_pay_type": code,
            "inscp_scp_amt": parts.in_scope_fen,
            "crt_payb_lmt_amt": fen,
            "fund_payamt": fen,
            "fund_pay_type_name": name,
        }
        for code, name, fen in rows
        if fen
    ]


def _extension(facts: BillFacts) -> str:
    """Members beyond the national ones: payers, as far as the region shows them, and the plan."""
    payers = [
        {"order": sponsor.rank, "amount": yuan(sponsor.amount_fen)}
        | ({"name": sponsor.name} if sponsor.name is not None else {})
        | ({"relation": sponsor.relation.lower()} if sponsor.relation is not None else {})
        for sponsor in facts.sponsors
    ]
    extra: Values = {"own": yuan(facts.own_fen), "aid": yuan(facts.aid_fen), "payers": payers}
    if facts.reasons:
        extra["reasons"] = list(facts.reasons)
    if facts.plan is not None:
        extra["plan_hash"] = facts.plan
    return json.dumps(extra, ensure_ascii=False, separators=(",", ":"))


def visit_id(facts: BillFacts) -> str:
    """A bill's visit number."""
    return visit_number(facts.settlement, facts.visit)


def _ratio(facts: BillFacts) -> str:
    """The fund's share of the amount in scope above the deductible, rounded down, as 0.nnnn."""
    base = facts.parts.in_scope_fen - facts.parts.start_fen
    part = facts.parts.fund_fen * 10_000 // base if base > 0 else 0
    return f"{part // 10_000}.{part % 10_000:04d}"


def cancelled(
    facts: BillFacts, dialect: Dialect, msgid: str, cancellation: dict[str, Any]
) -> dict[str, Any]:
    """A cancelled bill; `cancellation` is the service's answer to the cancellation.

    Partial refunds from before are not returned again: only the rest is.
    """
    assert facts.settlement is not None, "what is cancelled was settled"
    back = {name: fen_of(amount) for name, amount in cancellation["returned"].items()}
    whole = facts.parts.fund_fen + sum(back.values())
    stayed = facts._replace(
        parts=facts.parts._replace(total_fen=whole),
        own_fen=back["own"],
        aid_fen=back["aid"],
        cash_fen=back["cash"],
    )
    after = cancellation["own_balance_after"]
    return {
        **{name: -fen for name, fen in money(stayed, dialect).items()},
        "mdtrt_id": visit_id(facts),
        "setl_id": twin(facts.settlement),
        "psn_no": facts.patient.person.person_no,
        "pool_prop_selfpay": _ratio(facts),
        "clr_optins": facts.patient.region,
        "setl_time": datetime.fromisoformat(cancellation["cancelled_at"]),
        "balc": fen_of(after) if after is not None else 0,
        "medins_setl_id": msgid,
    }


def cancelled_detail(facts: BillFacts) -> list[dict[str, Any]]:
    """The rows of the bill with negative amounts."""
    return [
        row | {"fund_payamt": -row["fund_payamt"], "crt_payb_lmt_amt": -row["crt_payb_lmt_amt"]}
        for row in setldetail(facts)
    ]
