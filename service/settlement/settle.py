"""Settle a bill once, however often it is asked."""

from collections.abc import Callable, Sequence

from msgspec import json

from aggregates.institution import check_designated
from aggregates.policy.choices import OnPlanChange
from aggregates.refusals import PlanChangedError, RuleRefusedError
from aggregates.settlement.cascade import Split
from aggregates.settlement.events import Settled, SettlementRefused
from aggregates.settlement.settlement import debits_of, reasons_of, split_claim
from aggregates.topics import Event
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.caller import Request, Role, check_role
from service.clock import micros, new_stream
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.decision_rows import refused
from service.ledger.read_set import View
from service.serializers import settlement_answer
from service.settlement.claims import Met, SettleBill, editions_of, meet
from service.settlement.plan_hash import Plan, is_same_plan, plan_digest
from service.settlement.quote import quote_answer
from service.settlement.supersede_hold import clear_way
from service.vault import Keys

Find = Callable[[View, Instant], SettleBill]
"""Works out a bill from what the log says, within the decision."""
Note = Callable[[View, StreamId, Settled], Sequence[tuple[StreamId, Event]]]
"""Is told what was settled, and says what happens with it; if it is decided again, again."""


async def settle(house: House, request: Request, bill: SettleBill) -> Reply:
    """Settle a bill: decided on what the log says, appended with every event it causes.

    A rule's refusal is a reply too: it is recorded on the settlement's own stream and is
    final for the key.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    return await settle_found(house, request, lambda _, __: bill)


async def settle_found(
    house: House, request: Request, find: Find, note: Note = lambda _, __, ___: ()
) -> Reply:
    """As `settle`, for a bill that is itself worked out from the log.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(view: View, now: Instant) -> Decision:
        bill = find(view, now)
        met = meet(view, house.keys, request.caller, bill, now)
        settlement_id = new_stream("stl", now.at)
        try:
            decision = _settle(view, house.keys, met, bill, settlement_id, now)
        except RuleRefusedError as refusal:
            decision = refused(refusal)
            event = SettlementRefused(claim=met.claim, code=refusal.code())
            decision.events.append((settlement_id, event))
            decision.subject = settlement_id
            return decision
        _, settled = decision.events[-1]
        assert isinstance(settled, Settled), "the bill itself comes last"
        decision.events[:0] = note(view, settlement_id, settled)
        return decision

    return await house.do(request, decide)


def _settle(
    view: View, keys: Keys, met: Met, bill: SettleBill, settlement_id: StreamId, now: Instant
) -> Decision:
    check_designated(met.institution)
    if bill.plan is not None:
        view.find(met.visit)  # so that a duplicate is told before PLAN_CHANGED
    met, freed = clear_way(view, met, now)
    decision = settle_met(view, keys, met, bill, (settlement_id, now))
    decision.events[:0] = freed
    decision.frees = {met.visit} if freed else set()
    return decision


def settle_met(
    view: View, keys: Keys, met: Met, bill: SettleBill, at: tuple[StreamId, Instant]
) -> Decision:
    """Settle a bill whose way is clear: the split, its debits, and its name taken.

    Raises:
        QuoteExpiredError, ClaimChangedError, PlanChangedError: it comes with a quote that is
        not so any more.
    """
    settlement_id, now = at
    split = split_claim(met.claim, met.family, met.place, now)
    account = met.family.account
    settled = Settled(
        claim=met.claim,
        place_region=met.place.region,
        editions=editions_of(met.family),
        read=dict(view.read),
        payers=split.payers,
        reasons=reasons_of(split),
        own_fen=split.own_fen,
        aid_fen=split.aid_fen,
        cash_fen=split.cash_fen,
        hold=None,
        changed=bill.plan is not None and _is_changed(keys, met, bill, split, now),
        own_after_fen=account.balance_fen - split.own_fen if account.has_funds else None,
        settled_at=now.at,
        on=now.on,
    )
    return Decision(
        answer=json.encode(settlement_answer(settlement_id, SettlementStatus.SETTLED, settled)),
        events=[*debits_of(settlement_id, settled), (settlement_id, settled)],
        subject=settlement_id,
        takes={met.visit: settlement_id},
    )


def _is_changed(keys: Keys, met: Met, bill: SettleBill, split: Split, now: Instant) -> bool:
    """Hold a settlement against its quote (S45 to S52); whether a recomputing region changed it.

    Raises:
        QuoteExpiredError, ClaimChangedError, PlanChangedError: in this order.
    """
    assert bill.plan is not None, "there is a quote to hold it against"
    terms = met.family.edition.quote
    today = Plan(micros(now), bill.digest, plan_digest(split, editions_of(met.family)))
    if is_same_plan(keys, bill.plan, today, terms.quote_ttl_seconds):
        return False
    if terms.on_plan_change is OnPlanChange.REJECT:
        raise PlanChangedError(plan=quote_answer(keys, met, bill, split, now))
    return True
