"""Hold a bill's money before the bill is final, look at a hold, or release it."""

from datetime import timedelta
from functools import partial
from typing import Any

from msgspec import json

from aggregates.institution import check_designated
from aggregates.refusals import UnknownError
from aggregates.settlement import hold as rules
from aggregates.settlement.hold import Hold
from aggregates.settlement.settlement import ClaimSplit, split_claim
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.credentials import Confirmations, confirming
from service.serializers import claim_answer, moment, split_answer
from service.settlement.claims import (
    DecisionInputs,
    SettleBill,
    institution_of,
    read_inputs,
    visit_of,
)
from service.settlement.supersede_hold import release_of, release_own_hold
from service.vault import Vault


async def hold(
    context: ServiceContext, request: Request, bill: SettleBill, expires_in_s: int
) -> Reply:
    """Split a bill as settling would, and hold every payer's part for some seconds.

    It replaces an earlier hold of the same bill.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant, answers: Confirmations) -> Decision:
        inputs = read_inputs(reads, context.vault, request.caller, bill, now, answers)
        return decide_hold(reads, inputs, expires_in_s, now)[0]

    return await confirming(
        context.tokens, lambda answers: context.do(request, partial(decide, answers=answers))
    )


def decide_hold(
    reads: ReadSet, inputs: DecisionInputs, expires_in_s: int, now: Instant
) -> tuple[Decision, ClaimSplit]:
    """A hold as a decision, and the split that it holds.

    Raises:
        DuplicateClaimError: the bill is settled; InstitutionNotDesignatedError.
    """
    check_designated(inputs.institution)
    inputs, released = release_own_hold(reads, inputs, now)
    claim_split = split_claim(inputs.claim, inputs.family, inputs.place, now)
    hold_id = new_stream("hld", now.at)
    expires_at = now.at + timedelta(seconds=expires_in_s)
    held = rules.held_of(claim_split, dict(reads.read), now, expires_at)
    decision = Decision(
        answer=json.encode(_answer(hold_id, rules.evolve(None, held), now)),
        events=[*released, *rules.holds_of(hold_id, held), (hold_id, held)],
        takes={inputs.visit: hold_id},
        frees={inputs.visit} if released else set(),
    )
    return decision, claim_split


async def release(context: ServiceContext, request: Request, hold_id: StreamId) -> Reply:
    """Release a hold of the caller's; one that expired is recorded as expired."""
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        own = own_hold(reads, context.vault, request.caller, hold_id)
        has_expired = own.status_at(now) is not own.status
        if not has_expired:
            rules.check_held(own, now)
        released, ended = release_of(reads, hold_id, own, now)
        visit = visit_of(context.vault, own.held.claim)
        return Decision(
            answer=json.encode(_answer(hold_id, rules.evolve(own, ended), now)),
            events=[*released, (hold_id, ended)],
            frees={visit} if reads.find(visit) == hold_id else set(),
        )

    return await context.do(request, decide)


async def look_at_hold(context: ServiceContext, caller: Caller, hold_id: StreamId) -> Reply:
    """A hold as it is now, for its institution and auditors; for others UnknownError."""
    check_role(caller, Role.INSTITUTION, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        if caller.role is Role.AUDITOR:
            visible = reads.hold(hold_id)
        else:
            visible = own_hold(reads, context.vault, caller, hold_id)
        return Decision(answer=json.encode(_answer(hold_id, visible, now)))

    return await context.ask(caller, decide)


def own_hold(reads: ReadSet, vault: Vault, caller: Caller, hold_id: StreamId) -> Hold:
    """A hold of the calling institution; UnknownError if it is not its own."""
    hold = reads.hold(hold_id)
    if institution_of(reads, vault, caller) != hold.held.claim.institution:
        raise UnknownError
    return hold


def _answer(hold_id: StreamId, hold: Hold, now: Instant) -> dict[str, Any]:
    held = hold.held
    return {
        "hold_id": hold_id,
        "status": hold.status_at(now),
        "outcome": "applied",
        **claim_answer(held.claim),
        **split_answer(held.own_fen, held.aid_fen, held.cash_fen, held.payers),
        "reasons": list(held.reasons),
        "policy_edition": held.editions["beneficiary"],
        "held_at": moment(held.held_at),
        "expires_at": moment(held.expires_at),
        "settlement_id": hold.settlement,
    }
