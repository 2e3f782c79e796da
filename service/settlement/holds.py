"""Set a bill's money aside before it is final, look at it, or let it go."""

from datetime import timedelta
from typing import Any

from msgspec import json

from aggregates.institution import check_designated
from aggregates.refusals import UnknownError
from aggregates.settlement import hold as rules
from aggregates.settlement.hold import Hold, HoldEnded
from aggregates.settlement.settlement import ClaimSplit, split_claim
from aggregates.vocabulary import HoldEnd, Instant, StreamId
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.serializers import claim_answer, moment, split_answer
from service.settlement.claims import DecisionInputs, SettleBill, read_inputs, visit_of
from service.settlement.supersede_hold import held_accounts, release_own_hold
from service.vault import Vault


async def hold(
    context: ServiceContext, request: Request, bill: SettleBill, expires_in_s: int
) -> Reply:
    """Decide a bill as settling would, and set every payer's part aside for some seconds.

    A hold of the same bill gives way to this one.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        met = read_inputs(reads, context.vault, request.caller, bill, now)
        return place(reads, met, expires_in_s, now)[0]

    return await context.do(request, decide)


def place(
    reads: ReadSet, met: DecisionInputs, expires_in_s: int, now: Instant
) -> tuple[Decision, ClaimSplit]:
    """A hold as a decision, and the split it holds.

    Raises:
        DuplicateClaimError: the bill is settled; InstitutionNotDesignatedError.
    """
    check_designated(met.institution)
    met, freed = release_own_hold(reads, met, now)
    claim_split = split_claim(met.claim, met.family, met.place, now)
    hold_id = new_stream("hld", now.at)
    expires_at = now.at + timedelta(seconds=expires_in_s)
    held = rules.held_of(claim_split, dict(reads.read), now, expires_at)
    decision = Decision(
        answer=json.encode(_answer(hold_id, rules.evolve(None, held), now)),
        events=[*freed, *rules.holds_of(hold_id, held), (hold_id, held)],
        takes={met.visit: hold_id},
        frees={met.visit} if freed else set(),
    )
    return decision, claim_split


async def release(context: ServiceContext, request: Request, hold_id: StreamId) -> Reply:
    """Let a hold go; one that ran out is written down as such.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        held_hold = own_hold(reads, context.vault, request.caller, hold_id)
        ran_out = held_hold.status_at(now) is not held_hold.status
        why = HoldEnd.EXPIRED if ran_out else HoldEnd.RELEASED
        if not ran_out:
            rules.check_held(held_hold, now)
        ended = HoldEnded(why=why)
        freed = rules.frees_of(hold_id, held_accounts(reads, held_hold.held), why)
        visit = visit_of(context.vault, held_hold.held.claim)
        return Decision(
            answer=json.encode(_answer(hold_id, rules.evolve(held_hold, ended), now)),
            events=[*freed, (hold_id, ended)],
            frees={visit} if reads.find(visit) == hold_id else set(),
        )

    return await context.do(request, decide)


async def look_at_hold(context: ServiceContext, caller: Caller, hold_id: StreamId) -> Reply:
    """A hold as it stands: for its institution and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.INSTITUTION, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        if caller.role is Role.AUDITOR:
            found = reads.hold(hold_id)
        else:
            found = own_hold(reads, context.vault, caller, hold_id)
        return Decision(answer=json.encode(_answer(hold_id, found, now)))

    return await context.ask(caller, decide)


def own_hold(reads: ReadSet, vault: Vault, caller: Caller, hold_id: StreamId) -> Hold:
    """A hold of the calling institution.

    Raises:
        UnknownError: there is none, or it is another's.
    """
    found = reads.hold(hold_id)
    if reads.find(vault.name("institution", caller.subject)) != found.held.claim.institution:
        raise UnknownError
    return found


def _answer(hold_id: StreamId, found: Hold, now: Instant) -> dict[str, Any]:
    held = found.held
    return {
        "hold_id": hold_id,
        "status": found.status_at(now),
        "outcome": "applied",
        **claim_answer(held.claim),
        **split_answer(held.own_fen, held.aid_fen, held.cash_fen, held.payers),
        "reasons": list(held.reasons),
        "policy_edition": held.editions["beneficiary"],
        "held_at": moment(held.held_at),
        "expires_at": moment(held.expires_at),
        "settlement_id": found.settlement,
    }
