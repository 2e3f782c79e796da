"""Take a bill back whole and settle it anew as one (FULL_RESETTLE, policy.md S71)."""

from msgspec import json

from aggregates.institution import check_designated
from aggregates.policy.choices import RefundMode
from aggregates.refusals import CancelClosedError, ClaimChangedError, ReplacementNotAllowedError
from aggregates.settlement import settlement as rules
from aggregates.settlement.returns import ReturnEvent, everything
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.settlement.claims import DecisionInputs, SettleBill, read_inputs, visit_of
from service.settlement.returns import (
    RefundableSettlement,
    back_answer,
    check_open,
    give_back,
    paid_by,
    unmake_visit,
)
from service.settlement.settle import settle_met
from service.settlement.supersede_hold import after, release_own_hold
from service.vault import Vault

REPLACED = "replaced"


async def replace(
    context: ServiceContext, request: Request, settlement_id: StreamId, bill: SettleBill
) -> Reply:
    """Settle a corrected bill of the same patient in the place of one that was settled.

    Both happen in one append: what went back is there for the new bill, and caps count the
    bill once.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    vault, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        paid = paid_by(reads, vault, caller, settlement_id)
        if RefundMode.FULL_RESETTLE not in paid.edition.refund.refund_mode:
            raise ReplacementNotAllowedError
        check_open(reads, paid, CancelClosedError, now)
        back = give_back(reads, paid, everything(rules.check_stays(paid.settlement)), now)
        met = read_inputs(reads, vault, caller, bill, now)
        check_designated(met.institution)
        if met.claim.beneficiary != paid.settled.claim.beneficiary:
            raise ClaimChangedError
        return _replaced(reads, vault, (paid, back), (after(met, back), bill), now)

    return await context.do(request, decide)


def _replaced(
    reads: ReadSet,
    vault: Vault,
    old: tuple[RefundableSettlement, list[tuple[StreamId, ReturnEvent]]],
    new: tuple[DecisionInputs, SettleBill],
    now: Instant,
) -> Decision:
    """The old bill given back and the new one settled, under its own name or another."""
    (paid, back), (met, bill) = old, new
    left, taken = visit_of(vault, paid.settled.claim), met.visit
    freed: list[tuple[StreamId, Event]] = []
    if taken != left:
        met, freed = release_own_hold(reads, met, now)
    decision = settle_met(reads, vault, met, bill, (new_stream("stl", now.at), now))
    cancelled = rules.cancel(paid.settlement, REPLACED)
    gone = unmake_visit(reads, paid, now)
    decision.events[:0] = [*back, *gone, (paid.id, cancelled), *freed]
    decision.frees = {left, taken} if freed else {left}
    stay = rules.check_stays(paid.settlement)
    returned = back_answer(stay.own_fen, stay.aid_fen, stay.cash_fen)
    decision.answer = json.encode(
        json.decode(decision.answer) | {"replaces": paid.id, "returned": returned}
    )
    return decision
