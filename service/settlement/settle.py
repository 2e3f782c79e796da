"""Settle a bill once, however often it is asked."""

from collections.abc import Callable, Sequence

from msgspec import json

from aggregates.institution import check_designated
from aggregates.policy.choices import OnPlanChange
from aggregates.policy.edition import Edition
from aggregates.refusals import PlanChangedError, RuleRefusedError
from aggregates.settlement.events import Settled, SettlementRefused
from aggregates.settlement.settlement import ClaimSplit, debits_of, settled_of, split_claim
from aggregates.topics import Event
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.caller import Request, Role, check_role
from service.clock import micros, new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.decision_rows import refused
from service.ledger.read_set import ReadSet
from service.serializers import settlement_answer
from service.settlement.claims import DecisionInputs, SettleBill, read_inputs
from service.settlement.plan_hash import Plan, is_same_plan, plan_digest
from service.settlement.quote import quote_answer
from service.settlement.supersede_hold import release_own_hold
from service.vault import Vault

Find = Callable[[ReadSet, Instant], SettleBill]
"""Works out a bill from what the log says, within the decision."""
Note = Callable[[ReadSet, StreamId, Settled], Sequence[tuple[StreamId, Event]]]
"""Is told what was settled, and says what happens with it; if it is decided again, again."""


async def settle(context: ServiceContext, request: Request, bill: SettleBill) -> Reply:
    """Settle a bill: decided on what the log says, appended with every event it causes.

    A rule's refusal is a reply too: it is recorded on the settlement's own stream and is
    final for the key.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    return await settle_found(context, request, lambda _, __: bill)


async def settle_found(
    context: ServiceContext, request: Request, find: Find, note: Note = lambda _, __, ___: ()
) -> Reply:
    """As `settle`, for a bill that is itself worked out from the log.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        bill = find(reads, now)
        met = read_inputs(reads, context.vault, request.caller, bill, now)
        settlement_id = new_stream("stl", now.at)
        try:
            decision = _settle(reads, context.vault, met, bill, settlement_id, now)
        except RuleRefusedError as refusal:
            decision = refused(refusal)
            event = SettlementRefused(claim=met.claim, code=refusal.code())
            decision.events.append((settlement_id, event))
            decision.subject = settlement_id
            return decision
        _, settled = decision.events[-1]
        assert isinstance(settled, Settled), "the bill itself comes last"
        decision.events[:0] = note(reads, settlement_id, settled)
        return decision

    return await context.do(request, decide)


def _settle(
    reads: ReadSet,
    vault: Vault,
    met: DecisionInputs,
    bill: SettleBill,
    settlement_id: StreamId,
    now: Instant,
) -> Decision:
    check_designated(met.institution)
    if bill.plan is not None:
        reads.find(met.visit)  # so that a duplicate is told before PLAN_CHANGED
    met, freed = release_own_hold(reads, met, now)
    decision = settle_met(reads, vault, met, bill, (settlement_id, now))
    decision.events[:0] = freed
    decision.frees = {met.visit} if freed else set()
    return decision


def settle_met(
    reads: ReadSet,
    vault: Vault,
    met: DecisionInputs,
    bill: SettleBill,
    at: tuple[StreamId, Instant],
) -> Decision:
    """Settle a bill whose way is clear: the split, its debits, and its name taken.

    Raises:
        QuoteExpiredError, ClaimChangedError, PlanChangedError: it comes with a quote that is
        not so any more.
    """
    settlement_id, now = at
    claim_split = split_claim(met.claim, met.family, met.place, now)
    is_changed = bill.plan is not None and _is_changed(
        vault, met.family.edition, bill, claim_split, now
    )
    settled = settled_of(claim_split, dict(reads.read), now, is_changed=is_changed)
    return Decision(
        answer=json.encode(settlement_answer(settlement_id, SettlementStatus.SETTLED, settled)),
        events=[*debits_of(settlement_id, settled), (settlement_id, settled)],
        subject=settlement_id,
        takes={met.visit: settlement_id},
    )


def _is_changed(
    vault: Vault, edition: Edition, bill: SettleBill, claim_split: ClaimSplit, now: Instant
) -> bool:
    """Hold a settlement against its quote (S45 to S52); whether a recomputing region changed it.

    Raises:
        QuoteExpiredError, ClaimChangedError, PlanChangedError: in this order.
    """
    assert bill.plan is not None, "there is a quote to hold it against"
    terms = edition.quote
    digest = plan_digest(claim_split.split, claim_split.editions)
    today = Plan(micros(now), bill.digest, digest)
    if is_same_plan(vault, bill.plan, today, terms.quote_ttl_seconds):
        return False
    if terms.on_plan_change is OnPlanChange.REJECT:
        raise PlanChangedError(plan=quote_answer(vault, edition, bill, claim_split, now))
    return True
