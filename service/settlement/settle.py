"""Settle a bill once, however often it is requested."""

from collections.abc import Callable, Sequence
from functools import partial

from msgspec import json

from aggregates.institution import check_designated
from aggregates.policy.choices import OnPlanChange
from aggregates.refusals import PlanChangedError, RuleRefusedError
from aggregates.settlement.events import Settled, SettlementRefused
from aggregates.settlement.family import Family, year_days_of
from aggregates.settlement.settlement import ClaimSplit, debits_of, settled_of, split_claim
from aggregates.topics import Event
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.caller import Request, Role, check_role
from service.clock import micros, new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.decision_rows import refused
from service.ledger.read_set import ReadSet
from service.person.credentials import Confirmations, confirming
from service.serializers import settlement_answer
from service.settlement.claims import DecisionInputs, SettleBill, read_inputs
from service.settlement.plan_hash import Plan, is_same_plan, plan_digest
from service.settlement.quote import quote_answer
from service.settlement.supersede_hold import release_own_hold
from service.vault import Vault

BillOf = Callable[[ReadSet, Instant], SettleBill]
"""Builds a bill from the log, within the decision."""
FurtherEvents = Callable[[ReadSet, StreamId, Settled], Sequence[tuple[StreamId, Event]]]
"""Returns further events for a settlement. Called again whenever the decision is retried."""


async def settle(context: ServiceContext, request: Request, bill: SettleBill) -> Reply:
    """Settle a bill: decide it on the log, and append every event of the decision.

    A rule's refusal is a reply too: it is recorded on the settlement's own stream and is
    final for the key.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    return await settle_read(context, request, lambda _, __: bill)


async def settle_read(
    context: ServiceContext,
    request: Request,
    bill_of: BillOf,
    further: FurtherEvents = lambda _, __, ___: (),
) -> Reply:
    """As `settle`, for a bill that is itself read from the log."""
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant, answers: Confirmations) -> Decision:
        bill = bill_of(reads, now)
        inputs = read_inputs(reads, context.vault, request.caller, bill, now, answers)
        settlement_id = new_stream("stl", now.at)
        try:
            decision = _settle(reads, context.vault, inputs, bill, settlement_id, now)
        except RuleRefusedError as refusal:
            decision = refused(refusal)
            event = SettlementRefused(claim=inputs.claim, code=refusal.code())
            decision.events.append((settlement_id, event))
            decision.subject = settlement_id
            return decision
        _, settled = decision.events[-1]
        assert isinstance(settled, Settled), "the settlement is the last event"
        decision.events[:0] = further(reads, settlement_id, settled)
        return decision

    return await confirming(
        context.tokens, lambda answers: context.do(request, partial(decide, answers=answers))
    )


def _settle(
    reads: ReadSet,
    vault: Vault,
    inputs: DecisionInputs,
    bill: SettleBill,
    settlement_id: StreamId,
    now: Instant,
) -> Decision:
    check_designated(inputs.institution)
    if bill.plan is not None:
        reads.find(inputs.visit)  # so that DUPLICATE_CLAIM comes before PLAN_CHANGED
    inputs, released = release_own_hold(reads, inputs, now)
    decision = decide_settlement(reads, vault, inputs, bill, (settlement_id, now))
    decision.events[:0] = released
    decision.frees = {inputs.visit} if released else set()
    return decision


def decide_settlement(
    reads: ReadSet,
    vault: Vault,
    inputs: DecisionInputs,
    bill: SettleBill,
    at: tuple[StreamId, Instant],
) -> Decision:
    """Settle a bill that has no live settlement or hold: its split, its debits, its unique name.

    Raises:
        QuoteExpiredError, ClaimChangedError, PlanChangedError: the bill's quote is not valid any
        more.
    """
    settlement_id, now = at
    claim_split = split_claim(inputs.claim, inputs.family, inputs.place, now)
    is_changed = bill.plan is not None and _is_changed(vault, inputs.family, bill, claim_split, now)
    settled = settled_of(claim_split, dict(reads.read), now, is_changed=is_changed)
    return Decision(
        answer=json.encode(settlement_answer(settlement_id, SettlementStatus.SETTLED, settled)),
        events=[*debits_of(settlement_id, settled), (settlement_id, settled)],
        subject=settlement_id,
        takes={inputs.visit: settlement_id},
    )


def _is_changed(
    vault: Vault, family: Family, bill: SettleBill, claim_split: ClaimSplit, now: Instant
) -> bool:
    """Compare a settlement with its quote (S45 to S52); True where a changed one is accepted.

    Raises:
        QuoteExpiredError, ClaimChangedError, PlanChangedError: in this order.
    """
    assert bill.plan is not None, "there is a quote to compare with"
    plan = Plan(micros(now), bill.digest, plan_digest(claim_split))
    terms = family.edition.quote
    if is_same_plan(vault, bill.plan, plan, terms.quote_ttl_seconds, year_days_of(family)):
        return False
    if terms.on_plan_change is OnPlanChange.REJECT:
        raise PlanChangedError(plan=quote_answer(vault, family, bill, claim_split, now))
    return True
