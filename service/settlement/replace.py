"""Cancel a bill and settle its correction as one change (FULL_RESETTLE, policy.md S71)."""

from functools import partial

from msgspec import json

from aggregates.institution import check_designated
from aggregates.refusals import CancelClosedError
from aggregates.settlement import settlement as rules
from aggregates.settlement.refund import check_replaceable
from aggregates.settlement.returns import full_return
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.credentials import Confirmations, confirming
from service.serializers import burden_answer
from service.settlement.claims import SettleBill, read_inputs, visit_of
from service.settlement.returns import check_open, give_back, refundable, withdraw_purchase
from service.settlement.settle import decide_settlement
from service.settlement.supersede_hold import after, release_own_hold

REPLACED = "replaced"


async def replace(
    context: ServiceContext, request: Request, settlement_id: StreamId, bill: SettleBill
) -> Reply:
    """Settle a corrected bill of the same patient in place of a settled one.

    Both are one append: the returned money is available to the new bill, and caps count the bill
    once.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    vault, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant, answers: Confirmations) -> Decision:
        paid = refundable(reads, vault, caller, settlement_id)
        check_open(paid, CancelClosedError, now)
        returns = give_back(reads, paid, full_return(paid.stay), now)
        inputs = read_inputs(reads, vault, caller, bill, now, answers)
        check_designated(inputs.institution)
        check_replaceable(paid.settled, inputs.claim, paid.edition, now)
        inputs = after(inputs, returns)
        old_visit, new_visit = visit_of(vault, paid.settled.claim), inputs.visit
        released: list[tuple[StreamId, Event]] = []
        if new_visit != old_visit:
            inputs, released = release_own_hold(reads, inputs, now)
        decision = decide_settlement(reads, vault, inputs, bill, (new_stream("stl", now.at), now))
        cancelled = rules.cancel(paid.settlement, REPLACED)
        withdrawn = withdraw_purchase(reads, paid, now)
        decision.events[:0] = [*returns, *withdrawn, (settlement_id, cancelled), *released]
        decision.frees = {old_visit, new_visit} if released else {old_visit}
        returned = burden_answer(paid.stay.own_fen, paid.stay.aid_fen, paid.stay.cash_fen)
        decision.answer = json.encode(
            json.decode(decision.answer) | {"replaces": settlement_id, "returned": returned}
        )
        return decision

    return await confirming(
        context.tokens, lambda answers: context.do(request, partial(decide, answers=answers))
    )
