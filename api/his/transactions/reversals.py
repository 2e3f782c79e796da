"""Unknown outcomes: 2601 reverses a message, before or after it arrives; GJ01 queries one."""

import json

from aggregates.vocabulary import StreamId
from api.his.wire.call import Call, FailedError, check_reply
from api.his.wire.envelope import ALIASES, Answered, Failed
from api.his.wire.reading import Values
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


async def reverse_message(call: Call) -> Answered:
    """2601: reverse a message; final even if the message arrives later: it is refused then.

    A bill that was cancelled by 2208 is not reversed (recorded of a real centre); one that was
    reversed already gets the same answer. A cancellation is not reversed: the money is back and
    may be spent, and a bill that was cancelled in full is final (reliability.md I10). The
    interface's own way is to settle the bill anew (全撤重结). A client that only lost the
    answer books the refund that `setl_id` in the refusal names. A message of another
    institution is NOT_FOUND, and nothing is stored for it.
    """
    sent, context = call.first, call.context
    infno = _infno(sent)
    if infno not in REVERSIBLE:
        raise ProblemError("FIELD_INVALID", field="oinfno")
    key = f"fsi:{infno}:{sent['omsgid']}"
    outcome = await look_at_message(context, call.caller, key)
    if outcome is None:
        await _check_sender(call)
    elif outcome.refusal is not None:
        if outcome.stream is None:
            return call.answer({})  # a rule refused it, so there is nothing to reverse
    elif infno not in SETTLING:
        return await _withdraw_registration(call, infno, outcome)
    elif outcome.stream is not None:
        await look_at_bill(context, call.caller, outcome.stream, sent["psn_no"])
    reply = check_reply(await reverse(context, call.request(), key))
    if json.loads(reply.answer)["status"] == "cancelled":
        raise FailedError(Failed("ALREADY_CANCELLED", "not_applied", {}))
    return call.answer({}, reply)


async def _check_sender(call: Call) -> None:
    """Refuse a message that another institution sent.

    Raises:
        ProblemError: NOT_FOUND.
    """
    if await is_anothers(call.context, call.caller, call.first["omsgid"]):
        raise ProblemError("NOT_FOUND", field="omsgid")


async def _withdraw_registration(call: Call, infno: str, outcome: MessageOutcome) -> Answered:
    if outcome.stream is None or infno not in REGISTERING:
        fields = {} if outcome.cancelled is None else {"settlement_id": outcome.cancelled}
        raise FailedError(Failed("REVERSAL_NOT_POSSIBLE", "not_applied", fields))
    return call.answer({}, await undo_registration(call.context, call.request(), outcome.stream))


async def query_message(call: Call) -> Answered:
    """GJ01: the outcome of a message: unknown, applied, refused or reversed."""
    sent, infno = call.first, _infno(call.first)
    outcome = await look_at_message(call.context, call.caller, f"fsi:{infno}:{sent['omsgid']}")
    row = {"omsgid": sent["omsgid"], "oinfno": infno, "state": "unknown"}
    if outcome is not None:
        row |= {"state": "refused" if outcome.refusal else "applied", "code": outcome.refusal}
        if outcome.refusal == "REVERSED_BEFORE_ARRIVAL":
            row["state"] = "reversed"
        elif outcome.cancelled is not None:
            row["setl_id"] = short(outcome.cancelled)
        elif outcome.refusal is None and outcome.stream is not None:
            name = "mdtrt_id" if outcome.stream.startswith("vis_") else "setl_id"
            row[name] = short(outcome.stream)
            if name == "setl_id":
                row["state"] = await _state(call, outcome.stream)
    return call.answer({"data": row})


def _infno(sent: Values) -> str:
    """The number of the named message's transaction."""
    number: str = sent["oinfno"].upper()
    return ALIASES.get(number, number)


async def _state(call: Call, settlement: StreamId) -> str:
    try:
        facts = await look_at_bill(call.context, call.caller, settlement, None)
    except UnknownError:
        return "applied"
    return "applied" if facts.status == "settled" else facts.status.value
