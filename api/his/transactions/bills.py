"""Bills: quoted, settled, cancelled, queried: 2101 to 2103, 2206 to 2208, 2303 to 2305, 5203."""

import hashlib
import json
from typing import Any

from aggregates.vocabulary import AccountFlag, SettlementStatus, StreamId
from api.his.transactions import setlinfo
from api.his.transactions.persons import credential
from api.his.transactions.setlinfo import setldetail
from api.his.transactions.visits import fee_results, fee_row
from api.his.wire.call import Call, check_reply
from api.his.wire.envelope import Answered
from api.his.wire.reading import Values
from api.http.problems import ProblemError
from service import UnknownError
from service.his.messages import message_of
from service.ids import long
from service.institution import see_institution
from service.settlement import cancel
from service.visit.bill_facts import BillFacts, Dialect, look_at_bill
from service.visit.settle_bill import BillRequest, Purchase, VisitBill, settle_bill, try_bill
from service.visit.visits import fees_of

UNUSED, OWN = ("0", "00"), ("1", "01")
UNWANTED = (False, "0", 0)
"""How `use_aid` in `exp_content` says that no sponsor is to pay."""
REASON = "国家接口撤销"
OUTPATIENT, STAY = "2208", "2305"
"""The cancellations whose answers have more fields than 2103's."""
SINCE = {
    SettlementStatus.REVERSED: "该结算此后已冲正[reversed]",
    SettlementStatus.CANCELLED: "该结算此后已撤销[cancelled]",
    SettlementStatus.PART_REFUNDED: "该结算此后已部分退费[part_refunded]",
}
"""What happened to a bill since its answer, shown when the answer is repeated."""


def _bill(sent: Values, dialect: Dialect) -> BillRequest:
    extra, flag = _extension(sent["exp_content"]), sent["acct_used_flag"]
    is_own_only = dialect.acct_used_flag is AccountFlag.HUNAN and flag in OWN
    return BillRequest(
        person_no=sent["psn_no"],
        shown=credential(sent["mdtrt_cert_type"], sent["mdtrt_cert_no"]),
        med_type=sent["med_type"],
        total_fen=sent["medfee_sumamt"],
        use_account=flag not in UNUSED,
        plan=_text(extra.get("plan_hash")),
        use_aid=extra.get("use_aid") not in UNWANTED and not is_own_only,
        authoriser_code=_text(extra.get("authoriser_code")),
    )


def _extension(text: str | None) -> dict[str, Any]:
    """The members of `exp_content`: a quote's `plan_hash`, `use_aid`, `authoriser_code`."""
    try:
        members = json.loads(text or "null")
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _bill_request(call: Call) -> VisitBill | Purchase:
    """The bill of a visit, or at a drugstore a purchase with the fee lines in the message."""
    sent = call.first
    if "drugdetail" not in call.input:
        visit = long("vis", sent["mdtrt_id"])
        return VisitBill(bill=_bill(sent, call.dialect), visit=visit, batch=sent["chrg_bchno"])
    rows = call.input["drugdetail"]
    if not rows:
        raise ProblemError("FIELD_REQUIRED", field="drugdetail")
    numbers = "\0".join(sorted(row["feedetl_sn"] for row in rows))
    digest = hashlib.sha256(numbers.encode()).hexdigest()[:40]
    return Purchase(
        bill=_bill(sent, call.dialect),
        name=sent["invono"] or digest,
        fees=fees_of(map(fee_row, rows)),
        treated_at=sent["begntime"],
    )


async def quote(call: Call) -> Answered:
    """2101, 2206 and 2303: what settling now would answer."""
    facts = await try_bill(call.context, call.caller, _bill_request(call))
    return call.answer(_output(call, facts))


async def settle(call: Call) -> Answered:
    """2102, 2207 and 2304: settle a bill. Idempotent."""
    outcome = await settle_bill(call.context, call.request(), _bill_request(call))
    reply = check_reply(outcome.reply)
    assert outcome.facts is not None, "what is not refused is settled"
    answered = call.answer(_output(call, outcome.facts), reply)
    return answered if outcome.since is None else answered._replace(warning=SINCE[outcome.since])


def _output(call: Call, facts: BillFacts) -> dict[str, Any]:
    kind = call.first.get("mdtrt_cert_type")
    output = {
        "setlinfo": setlinfo.setlinfo(facts, call.dialect, call.head.msgid)
        | {"age": setlinfo.age_at(facts, call.context.clock()), "mdtrt_cert_type": kind},
        "setldetail": setldetail(facts),
    }
    if "drugdetail" in call.input:
        fees = fees_of(map(fee_row, call.input["drugdetail"]))
        output["detlcutinfo"] = fee_results(call.context.funds.table, fees)
    return output


async def named_bill(call: Call) -> tuple[StreamId, BillFacts]:
    """The bill that the input names.

    Raises:
        UnknownError: there is none, or it is of another patient or visit.
    """
    sent = call.first
    settlement = long("stl", sent["setl_id"])
    facts = await look_at_bill(call.context, call.caller, settlement, sent["psn_no"])
    visit = sent["mdtrt_id"]
    if visit is not None and visit.lower() != setlinfo.visit_id(facts).lower():
        raise UnknownError
    return settlement, facts


async def cancel_bill(call: Call) -> Answered:
    """2103, 2208 and 2305: return the whole bill to the accounts and buckets that paid it."""
    settlement, facts = await named_bill(call)
    reply = check_reply(await cancel.cancel(call.context, call.request(), settlement, REASON))
    cancellation = json.loads(reply.answer)
    info = setlinfo.cancelled(facts, call.dialect, call.head.msgid, cancellation)
    if call.transaction.infno == OUTPATIENT:
        info |= setlinfo.as_it_was(facts, call.context.clock())
    elif call.transaction.infno == STAY:
        info |= setlinfo.of_stay(facts)
    output = {
        "setlinfo": info,
        "setldetail": setlinfo.cancelled_detail(facts),
    }
    return call.answer(output, reply)


async def query_bill(call: Call) -> Answered:
    """5203: a bill as it was settled, and whether it was returned since."""
    settlement, facts = await named_bill(call)
    msgid = await message_of(call.api.read_models, call.caller, settlement)
    seen = await see_institution(call.context, call.caller, call.caller.subject)
    info = setlinfo.setlinfo(facts, call.dialect, msgid)
    info |= setlinfo.where_and_when(facts, seen) | {"age": setlinfo.age_at(facts, seen.now)}
    info["refd_setl_flag"] = "0" if facts.status == "settled" else "1"
    return call.answer({"setlinfo": info, "setldetail": setldetail(facts)})
