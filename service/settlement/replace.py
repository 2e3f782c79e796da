"""Take a bill back whole and settle it anew as one (FULL_RESETTLE, policy.md S71)."""

from msgspec import json

from aggregates.institution import check_designated
from aggregates.policy.choices import RefundMode
from aggregates.refusals import CancelClosedError, ClaimChangedError, ReplacementNotAllowedError
from aggregates.settlement import settlement as rules
from aggregates.settlement.returns import Returned, everything
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.clock import new_stream
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.settlement.claims import Met, SettleBill, meet, visit_of
from service.settlement.returns import (
    Paid,
    back_answer,
    check_open,
    give_back,
    paid_by,
    unmake_visit,
)
from service.settlement.settle import settle_met
from service.settlement.supersede_hold import after, clear_way
from service.vault import Keys

REPLACED = "replaced"


async def replace(
    house: House, request: Request, settlement_id: StreamId, bill: SettleBill
) -> Reply:
    """Settle a corrected bill of the same patient in the place of one that was settled.

    Both happen in one append: what went back is there for the new bill, and caps count the
    bill once.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    keys, caller = house.keys, request.caller

    def decide(view: View, now: Instant) -> Decision:
        paid = paid_by(view, keys, caller, settlement_id)
        if RefundMode.FULL_RESETTLE not in paid.edition.refund.refund_mode:
            raise ReplacementNotAllowedError
        check_open(view, paid, CancelClosedError, now)
        back = give_back(view, paid, everything(rules.check_stays(paid.settlement)), now)
        met = meet(view, keys, caller, bill, now)
        check_designated(met.institution)
        if met.claim.beneficiary != paid.settled.claim.beneficiary:
            raise ClaimChangedError
        return _replaced(view, keys, (paid, back), (after(met, back), bill), now)

    return await house.do(request, decide)


def _replaced(
    view: View,
    keys: Keys,
    old: tuple[Paid, list[tuple[StreamId, Returned]]],
    new: tuple[Met, SettleBill],
    now: Instant,
) -> Decision:
    """The old bill given back and the new one settled, under its own name or another."""
    (paid, back), (met, bill) = old, new
    left, taken = visit_of(keys, paid.settled.claim), met.visit
    freed: list[tuple[StreamId, Event]] = []
    if taken != left:
        met, freed = clear_way(view, met, now)
    decision = settle_met(view, keys, met, bill, (new_stream("stl", now.at), now))
    cancelled = rules.cancel(paid.settlement, REPLACED)
    gone = unmake_visit(view, paid, now)
    decision.events[:0] = [*back, *gone, (paid.id, cancelled), *freed]
    decision.frees = {left, taken} if freed else {left}
    stay = rules.check_stays(paid.settlement)
    returned = back_answer(stay.own_fen, stay.aid_fen, stay.cash_fen)
    decision.answer = json.encode(
        json.decode(decision.answer) | {"replaces": paid.id, "returned": returned}
    )
    return decision
