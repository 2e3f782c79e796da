"""Unknown outcomes: 2601 undoes a message whenever it comes, GJ01 says what one did."""

import json

from aggregates.vocabulary import StreamId
from api.his.wire.call import Call, FailedError, check_reply
from api.his.wire.envelope import Answered, Failed
from api.http.problems import ProblemError
from service import UnknownError
from service.his.messages import MessageOutcome, is_anothers, look_at_message
from service.ids import short
from service.settlement.reverse import reverse
from service.visit.bill_facts import look_at_bill
from service.visit.visits import undo_registration

SETTLING = frozenset({"2102", "2207", "2304"})
REGISTERING = frozenset({"2201", "2401"})
REVERSIBLE = SETTLING | REGISTERING | {"2103", "2208", "2305"}


async def undo(call: Call) -> Answered:
    """2601: final also where it comes first; the late message is refused then.

    A bill that was cancelled by 2208 is not reversed (recorded of a real centre); one that was
    reversed already is answered alike. A cancellation that was carried out stays: the money is
    back and may be spent, and a bill that was taken back whole is final (reliability.md I10).
    What is left is what the interface knows, settling the bill anew (全撤重结); a client that
    only lost the answer books the refund, which `setl_id` in the refusal names. A message that
    another institution sent is not the caller's to undo: nothing came of it here, nor is buried.
    """
    sent, context = call.first, call.api.context
    infno = sent["oinfno"].upper()[:4]
    if infno not in REVERSIBLE:
        raise ProblemError("FIELD_INVALID", field="oinfno")
    key = f"fsi:{infno}:{sent['omsgid']}"
    known = await look_at_message(context, call.caller, key)
    if known is None and await is_anothers(context, call.caller, sent["omsgid"]):
        raise ProblemError("NOT_FOUND", field="omsgid")
    if known is not None and known.refusal is None and infno not in SETTLING:
        if known.stream is None or infno not in REGISTERING:
            raise FailedError(_stays(known))
        reply = check_reply(await undo_registration(context, call.request(), known.stream))
        return call.answer({}, reply)
    if known is not None and known.refusal is not None and known.stream is None:
        return call.answer({})  # a rule refused it, so there is nothing to undo
    if known is not None and known.refusal is None and known.stream is not None:
        await look_at_bill(context, call.caller, known.stream, sent["psn_no"])
    reply = check_reply(await reverse(context, call.request(), key))
    told = json.loads(reply.answer)
    if told["status"] == "cancelled":
        raise FailedError(Failed("ALREADY_CANCELLED", "not_applied", {}))
    return call.answer({}, reply)


def _stays(known: MessageOutcome) -> Failed:
    fields = {} if known.cancelled is None else {"settlement_id": known.cancelled}
    return Failed("REVERSAL_NOT_POSSIBLE", "not_applied", fields)


async def ask(call: Call) -> Answered:
    """GJ01: what became of a message: unknown, applied, refused or reversed."""
    sent, context = call.first, call.api.context
    infno = sent["oinfno"].upper()[:4]
    known = await look_at_message(context, call.caller, f"fsi:{infno}:{sent['omsgid']}")
    row = {"omsgid": sent["omsgid"], "oinfno": infno, "state": "unknown"}
    if known is not None:
        row |= {"state": "refused" if known.refusal else "applied", "code": known.refusal}
        if known.refusal == "REVERSED_BEFORE_ARRIVAL":
            row["state"] = "reversed"
        elif known.cancelled is not None:
            row["setl_id"] = short(known.cancelled)
        elif known.refusal is None and known.stream is not None:
            name = "mdtrt_id" if known.stream.startswith("vis_") else "setl_id"
            row[name] = short(known.stream)
            if name == "setl_id":
                row["state"] = await _state(call, known.stream)
    return call.answer({"data": row})


async def _state(call: Call, settlement: StreamId) -> str:
    try:
        facts = await look_at_bill(call.api.context, call.caller, settlement, None)
    except UnknownError:
        return "applied"
    return "applied" if facts.status == "settled" else facts.status.value
