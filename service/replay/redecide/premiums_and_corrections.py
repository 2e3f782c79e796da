"""Decides again what is not a bill: premiums, corrections, grants, and refused bills.

Answers of the tax authority, agreements of two parties and quotes come from outside and are taken
as stored; what the rules made of them is computed again.
"""

from aggregates import refusals
from aggregates.account import correction as corrections
from aggregates.account.events import (
    Corrected,
    HoldReleased,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
)
from aggregates.binding import events as grants
from aggregates.institution import check_designated
from aggregates.pool.events import PoolHoldReleased, PoolPremiumDebited, PoolPremiumReturned
from aggregates.premium import payment as payments
from aggregates.premium import premium as premiums
from aggregates.premium import reversal as reversals
from aggregates.settlement.events import SettlementRefused
from aggregates.vocabulary import BindingStatus, Instant, PremiumStatus, StreamId, instant
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.ledger.store import NO_HEAD
from service.policy import edition_of_record
from service.premium.tax_process import fund_of
from service.replay.differences import Mismatch
from service.replay.redecide.comparison import DecisionContext, Finding, as_decided, moves, taken
from service.settlement.returns import with_successors

PremiumStep = (
    premiums.PremiumSentToTax
    | premiums.PremiumOutcomeUnknown
    | premiums.PremiumConfirmed
    | premiums.PremiumRejected
    | premiums.BackEvent
)
GrantStep = (
    grants.DocumentReviewed
    | grants.BindingConfirmed
    | grants.InvitationDeclined
    | grants.GrantChanged
    | grants.BindingReleased
)
CorrectionStep = (
    corrections.CorrectionProposed | corrections.CorrectionApproved | corrections.CorrectionRejected
)
Ordered = premiums.PremiumHeld | PremiumStep | GrantStep | CorrectionStep | SettlementRefused
ORDERED = Ordered.__args__
CHECKED = (premiums.PremiumHeld, *GrantStep.__args__)
"""Events of which only the status before is checked; the parties' agreement is taken as stored."""
PAID = (PremiumDebited, PremiumReturned, Corrected, PoolPremiumDebited, PoolPremiumReturned)
"""Events of accounts and pools for of a premium or a correction, beside money that is set aside."""
PREMIUM_MOVES = (PremiumDebited, PremiumReturned, PoolPremiumDebited, PoolPremiumReturned)
NOT_ON_RECORD = {
    refusal.code()
    for refusal in (
        refusals.DuplicateClaimError,
        refusals.QuoteExpiredError,
        refusals.ClaimChangedError,
        refusals.PlanChangedError,
    )
}
"""Refusals whose reason is not in the log: the owner of the bill's name then, and the quote."""
FROM: dict[type[GrantStep], tuple[BindingStatus, ...]] = {
    grants.DocumentReviewed: (BindingStatus.IN_REVIEW,),
    grants.BindingConfirmed: (BindingStatus.INVITED,),
    grants.InvitationDeclined: (BindingStatus.INVITED,),
    grants.GrantChanged: (BindingStatus.ACTIVE,),
    grants.BindingReleased: (
        BindingStatus.IN_REVIEW,
        BindingStatus.INVITED,
        BindingStatus.ACTIVE,
    ),
}
"""The statuses in which a grant may have these events."""


def ordered_again(place: DecisionContext, event: Ordered) -> list[Finding]:
    """Decide one of these events again.

    Raises:
        RefusalError: it is refused today as it should have been then.
    """
    reads = _reads(place)
    if isinstance(event, premiums.PremiumHeld):
        return [*_begins(reads, place.stream), *_ordered(reads, place, event)]
    if isinstance(event, SettlementRefused):
        return _refused(reads, event)
    if isinstance(event, CorrectionStep):
        return _corrected(reads, place, event)
    if isinstance(event, GrantStep):
        return _granted(reads, place, event)
    return _premium(reads, place, event)


def _reads(place: DecisionContext) -> ReadSet:
    """The states of the decision, with the stream itself as of now within its command."""
    overlay = as_decided(place, place.command.unfreed)
    overlay.heads[place.stream] = place.states.known_head(place.stream) or NO_HEAD
    return ReadSet(overlay, instant(place.at), place.vault)


def _begins(reads: ReadSet, stream: StreamId) -> list[Finding]:
    version = reads.version(stream)
    return [Finding(Mismatch.DECISION, f"begins after {version} events", 0)] if version else []


def _granted(reads: ReadSet, place: DecisionContext, event: GrantStep) -> list[Finding]:
    binding = reads.binding(place.stream)
    status = binding.status
    if isinstance(event, grants.DocumentReviewed):
        status = binding.status_at(instant(place.at))  # a claim lapses
    if status in FROM[type(event)]:
        return []
    return [Finding(Mismatch.DECISION, f"{type(event).__name__} of what is {status}", None)]


def _refused(reads: ReadSet, event: SettlementRefused) -> list[Finding]:
    code = "none"
    try:
        check_designated(reads.institution(event.claim.institution))
    except refusals.InstitutionNotDesignatedError as refusal:
        code = refusal.code()
    if code == event.code or (code == "none" and event.code in NOT_ON_RECORD):
        return []
    return [Finding(Mismatch.DECISION, f"refused for {event.code}", code)]


# ------------------------------------------------------------------ corrections


def _corrected(reads: ReadSet, place: DecisionContext, event: CorrectionStep) -> list[Finding]:
    if isinstance(event, corrections.CorrectionProposed):
        wrong = corrections.BalanceError(
            event.bucket, event.amount_fen, event.reason, event.reference
        )
        account, now = reads.account(event.account), Instant(instant(place.at).at, event.on)
        proposed = corrections.propose(event.account, account, wrong, event.by, now)
        return _begins(reads, place.stream) + _same(event, proposed)
    correction = reads.correction(place.stream)
    if isinstance(event, corrections.CorrectionRejected):
        return _same(event, corrections.reject(correction, event.by, event.reason))
    stream, now = correction.proposed.account, instant(place.at)
    account = reads.account(stream)
    approved, moved = corrections.approve(place.stream, correction, account, event.by, now)
    place.command.due.append((stream, moved))  # its event follows that of the approval
    return _same(event, approved)


# ------------------------------------------------------------------ premiums


def _ordered(reads: ReadSet, place: DecisionContext, held: premiums.PremiumHeld) -> list[Finding]:
    """Whether a premium's amount is one of the edition's, and the sponsor had it.

    The payee's age is not on record, so any age's amount of the tier is possible.

    Raises:
        InsufficientError: the sponsor, or the family pool that pays, had less.
    """
    sponsor, now = reads.account(held.sponsor), instant(held.held_at)
    edition = edition_of_record(reads, place.vault, sponsor.region, held.edition)
    if held.premium_pool is None:
        payments.by_bucket(held.amount_fen, held.insurance, sponsor, edition, now)
    else:
        payments.check_pool(held.amount_fen, reads.pool(held.premium_pool), now)
    amounts = payments.amounts_of(held.insurance, held.tier, edition.premium)
    if held.amount_fen in amounts:
        return []
    return [Finding(Mismatch.DECISION, f"{held.amount_fen} fen", sorted(amounts))]


def _premium(reads: ReadSet, place: DecisionContext, event: PremiumStep) -> list[Finding]:
    stream, premium = place.stream, reads.premium(place.stream)
    paid = _paid(place)
    # A hold is also released at other times, so its release is compared by its own fold.
    step = step_again(reads, place, premium, event, paid)
    freed = (HoldReleased, PoolHoldReleased)
    replayed = [moved for moved in step if not isinstance(moved[1], freed)]
    return moves([*paid, (stream, event)], replayed)


def step_again(
    reads: ReadSet,
    place: DecisionContext,
    premium: premiums.Premium,
    event: PremiumStep,
    paid: StreamEvents,
) -> StreamEvents:
    """The events of a premium's step by the rules, with those of accounts."""
    stream, fund = place.stream, fund_of(reads, premium)
    if isinstance(event, premiums.BackEvent):
        return _reversal(reads, place, premium, event, paid)
    match event:
        case premiums.PremiumSentToTax(sent_at=at):
            return [*premiums.send(stream, premium, fund, instant(at))]
        case premiums.PremiumOutcomeUnknown(why=why):
            return [*premiums.doubt(stream, premium, why)]
        case premiums.PremiumConfirmed(receipt=receipt, confirmed_at=at):
            return [*premiums.confirm(stream, premium, fund, receipt, instant(at))]
        case premiums.PremiumRejected(code=code):
            if premium.status is PremiumStatus.HELD:
                return [*premiums.send(stream, premium, fund, instant(place.at))]
            return [*premiums.reject(stream, premium, fund, code)]


def _reversal(
    reads: ReadSet,
    place: DecisionContext,
    premium: premiums.Premium,
    event: premiums.BackEvent,
    paid: StreamEvents,
) -> StreamEvents:
    if isinstance(event, premiums.PremiumReversalRefused):
        return [*reversals.refuse_reversal(place.stream, premium, event.code)]
    sponsor = reads.account(premium.sponsor)
    edition = edition_of_record(reads, place.vault, sponsor.region, premium.edition)
    if isinstance(event, premiums.PremiumReversalRequested):
        now = instant(event.requested_at)
        requested = reversals.request_reversal(premium, sponsor, edition, event.reason, now)
        return [(place.stream, requested)]
    accounts = with_successors(reads, [premium.sponsor])
    tickets = [moved.ticket for _, moved in paid if isinstance(moved, ReturnSuspended)]
    now, ticket = instant(event.reversed_at), tickets[0] if tickets else ""
    return [*reversals.give_back(place.stream, premium, accounts, edition, ticket, now)]


def _paid(place: DecisionContext) -> StreamEvents:
    """The account events of the command for this premium."""
    return taken(
        place,
        lambda event: (
            (isinstance(event, PREMIUM_MOVES) and event.premium == place.stream)
            or (isinstance(event, ReturnSuspended) and event.payment == place.stream)
        ),
    )


def _same(stored: object, replayed: object) -> list[Finding]:
    return [] if stored == replayed else [Finding(Mismatch.DECISION, stored, replayed)]
