"""Bills tried, settled, cancelled, looked at: 2101 to 2103, 2206 to 2208, 2303 to 2305, 5203."""

import hashlib
import json
from typing import Any

from aggregates.vocabulary import SettlementStatus
from api.his.transactions.persons import shown
from api.his.transactions.setlinfo import (
    cancelled,
    cancelled_detail,
    setldetail,
    setlinfo,
    visit_id,
)
from api.his.transactions.visits import fee_result, fee_row
from api.his.wire.call import Call, check_reply
from api.his.wire.envelope import Answered
from api.his.wire.reading import Values
from api.http.problems import ProblemError
from service import UnknownError
from service.his.messages import message_of
from service.ids import long
from service.settlement import cancel
from service.visit.bill_facts import BillFacts, look_at_bill
from service.visit.bill_requests import BillRequest, Purchase, VisitBill
from service.visit.fee_lines import fees_of
from service.visit.settle_bill import settle_bill, try_bill

UNUSED = ("0", "00")
REASON = "国家接口撤销"
SINCE = {
    SettlementStatus.REVERSED: "该结算此后已冲正[reversed]",
    SettlementStatus.CANCELLED: "该结算此后已撤销[cancelled]",
    SettlementStatus.PART_REFUNDED: "该结算此后已部分退费[part_refunded]",
}
"""What became of a bill whose answer is repeated, for people and for programs."""


def _bill(sent: Values) -> BillRequest:
    return BillRequest(
        person_no=sent["psn_no"],
        shown=shown(sent["mdtrt_cert_type"], sent["mdtrt_cert_no"]),
        med_type=sent["med_type"],
        total_fen=sent["medfee_sumamt"],
        use_account=sent["acct_used_flag"] not in UNUSED,
        plan=_plan(sent["exp_content"]),
    )


def _plan(extra: str | None) -> str | None:
    """A quote's hash, where the client sends it back in the extension."""
    if extra is None or "plan_hash" not in extra:
        return None
    try:
        held = json.loads(extra)
    except ValueError:
        return None
    plan = held.get("plan_hash") if isinstance(held, dict) else None
    return plan if isinstance(plan, str) else None


def _visit_bill(call: Call) -> VisitBill:
    sent = call.first
    return VisitBill(
        bill=_bill(sent), visit=long("vis", sent["mdtrt_id"]), batch=sent["chrg_bchno"]
    )


def _purchase(call: Call) -> Purchase:
    sent, rows = call.first, call.input["drugdetail"]
    if not rows:
        raise ProblemError("FIELD_REQUIRED", field="drugdetail")
    numbers = "\0".join(sorted(row["feedetl_sn"] for row in rows))
    digest = hashlib.sha256(numbers.encode()).hexdigest()[:40]
    return Purchase(
        bill=_bill(sent),
        name=sent["invono"] or digest,
        fees=fees_of(map(fee_row, rows)),
        treated_at=sent["begntime"],
    )


async def try_visit(call: Call) -> Answered:
    """2206 and 2303: what settling now would answer."""
    return await _tried(call, _visit_bill(call))


async def try_purchase(call: Call) -> Answered:
    """2101: the same at a drugstore."""
    return await _tried(call, _purchase(call))


async def settle_visit(call: Call) -> Answered:
    """2207 and 2304: settle, once however often it is asked."""
    return await _settled(call, _visit_bill(call))


async def settle_purchase(call: Call) -> Answered:
    """2102: the same at a drugstore, with the fee lines in the message."""
    return await _settled(call, _purchase(call))


async def _tried(call: Call, asked: VisitBill | Purchase) -> Answered:
    facts = await try_bill(call.api.context, call.caller, asked)
    return call.answer(_printed(call, facts, call.envelope.msgid))


async def _settled(call: Call, asked: VisitBill | Purchase) -> Answered:
    outcome = await settle_bill(call.api.context, call.request(), asked)
    reply = check_reply(outcome.reply)
    assert outcome.facts is not None, "what is not refused is settled"
    told = call.answer(_printed(call, outcome.facts, call.envelope.msgid), reply)
    return told if outcome.since is None else told._replace(warning=SINCE[outcome.since])


def _printed(call: Call, facts: BillFacts, msgid: str) -> dict[str, Any]:
    kind = call.first.get("mdtrt_cert_type")
    output = {
        "setlinfo": setlinfo(facts, call.dialect, msgid, kind),
        "setldetail": setldetail(facts),
    }
    if "drugdetail" in call.input:
        table = call.api.context.funds.table
        rows = [fee_result(table, row) for row in call.input["drugdetail"]]
        output["detlcutinfo"] = rows
    return output


async def take_back(call: Call) -> Answered:
    """2208, 2305 and 2103: the whole bill back to the accounts and buckets it came from."""
    sent, context = call.first, call.api.context
    settlement = long("stl", sent["setl_id"])
    facts = await look_at_bill(context, call.caller, settlement, sent["psn_no"])
    if visit_id(facts) != sent["mdtrt_id"]:
        raise UnknownError
    reply = check_reply(await cancel.cancel(context, call.request(), settlement, REASON))
    told = json.loads(reply.answer)
    output = {
        "setlinfo": cancelled(facts, call.dialect, call.envelope.msgid, told),
        "setldetail": cancelled_detail(facts),
    }
    return call.answer(output, reply)


async def look(call: Call) -> Answered:
    """5203: a bill as it was settled, and whether it was given back."""
    sent, context = call.first, call.api.context
    settlement = long("stl", sent["setl_id"])
    facts = await look_at_bill(context, call.caller, settlement, sent["psn_no"])
    if sent["mdtrt_id"] not in (None, visit_id(facts)):
        raise UnknownError
    msgid = await message_of(call.api.read_models, call.caller, settlement)
    info = setlinfo(facts, call.dialect, msgid, None)
    info["refd_setl_flag"] = "0" if facts.status == "settled" else "1"
    return call.answer({"setlinfo": info, "setldetail": setldetail(facts)})
