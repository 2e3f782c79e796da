"""Decide again what is not a bill: premiums, corrections, grants, and bills that were refused.

What the tax side said, what two parties agreed on and which quote a patient was shown comes
from outside and is taken as it is told; what our rules made of it is made again.
"""

from aggregates.account import correction as corrections
from aggregates.account.correction import CorrectionApproved, CorrectionProposed, CorrectionRejected
from aggregates.account.events import (
    Corrected,
    HoldReleased,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
)
from aggregates.binding.binding import Binding
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    GrantChanged,
    InvitationDeclined,
)
from aggregates.institution import check_designated
from aggregates.premium import premium as premiums
from aggregates.premium import reversal as reversals
from aggregates.premium.premium import (
    BackEvent,
    Premium,
    PremiumConfirmed,
    PremiumHeld,
    PremiumOutcomeUnknown,
    PremiumRejected,
    PremiumReversalRefused,
    PremiumReversalRequested,
    PremiumReversed,
    PremiumSentToTax,
)
from aggregates.refusals import (
    ClaimChangedError,
    DuplicateClaimError,
    InstitutionNotDesignatedError,
    PlanChangedError,
    QuoteExpiredError,
)
from aggregates.settlement.events import SettlementRefused
from aggregates.vocabulary import BindingStatus, Instant, PremiumStatus, StreamId, instant
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.ledger.store import NO_HEAD
from service.policy import edition_of_record
from service.replay.differences import Mismatch
from service.replay.redecide.comparison import DecisionContext, Finding, as_decided, moves, taken
from service.settlement.returns import with_successors

PremiumStep = (
    PremiumSentToTax
    | PremiumOutcomeUnknown
    | PremiumConfirmed
    | PremiumRejected
    | PremiumReversalRequested
    | PremiumReversalRefused
    | PremiumReversed
)
GrantStep = BindingConfirmed | InvitationDeclined | GrantChanged | BindingReleased
CorrectionStep = CorrectionProposed | CorrectionApproved | CorrectionRejected
Ordered = PremiumHeld | PremiumStep | GrantStep | CorrectionStep | SettlementRefused
ORDERED = (
    PremiumHeld,
    *PremiumStep.__args__,
    *GrantStep.__args__,
    *CorrectionStep.__args__,
    SettlementRefused,
)
CHECKED = (PremiumHeld, *GrantStep.__args__)
"""What is only looked at: whether it may follow what was; who agreed to it is taken as told."""
PAID = (PremiumDebited, PremiumReturned, Corrected)
"""What moves money for a premium or a correction, beside what goes aside."""
NOT_ON_RECORD = {
    refusal.code()
    for refusal in (DuplicateClaimError, QuoteExpiredError, ClaimChangedError, PlanChangedError)
}
"""Refusals for what the log does not keep: who had the bill's name then, and the quote."""
FROM: dict[type[GrantStep], tuple[BindingStatus, ...]] = {
    BindingConfirmed: (BindingStatus.INVITED,),
    InvitationDeclined: (BindingStatus.INVITED,),
    GrantChanged: (BindingStatus.ACTIVE,),
    BindingReleased: (BindingStatus.INVITED, BindingStatus.ACTIVE),
}
"""In which status a grant may be for what happens to it."""


def ordered_again(place: DecisionContext, event: Ordered) -> list[Finding]:
    """Decide one of these again.

    Raises:
        RefusalError: it is refused today as it should have been then.
    """
    reads = _reads(place)
    match event:
        case PremiumHeld():
            return _begins(reads, place.stream)
        case SettlementRefused():
            return _refused(reads, event)
        case CorrectionProposed() | CorrectionApproved() | CorrectionRejected():
            return _corrected(reads, place, event)
        case BindingConfirmed() | InvitationDeclined() | GrantChanged() | BindingReleased():
            return _granted(reads, place, event)
        case _:
            return _premium(reads, place, event)


def _reads(place: DecisionContext) -> ReadSet:
    """What was there, with the stream itself as far as its own command had come."""
    overlay = as_decided(place, place.command.unfreed)
    overlay.heads[place.stream] = place.world.known_head(place.stream) or NO_HEAD
    return ReadSet(overlay, instant(place.at))


def _begins(reads: ReadSet, stream: StreamId) -> list[Finding]:
    version = reads.version(stream)
    return [Finding(Mismatch.DECISION, f"begins after {version} events", 0)] if version else []


def _granted(reads: ReadSet, place: DecisionContext, event: GrantStep) -> list[Finding]:
    grant: Binding = reads.binding(place.stream)
    if grant.status in FROM[type(event)]:
        return []
    return [Finding(Mismatch.DECISION, f"{type(event).__name__} of what is {grant.status}", None)]


def _refused(reads: ReadSet, event: SettlementRefused) -> list[Finding]:
    made = "none"
    try:
        check_designated(reads.institution(event.claim.institution))
    except InstitutionNotDesignatedError as refusal:
        made = refusal.code()
    if made == event.code or (made == "none" and event.code in NOT_ON_RECORD):
        return []
    return [Finding(Mismatch.DECISION, f"refused for {event.code}", made)]


# ------------------------------------------------------------------ corrections


def _corrected(reads: ReadSet, place: DecisionContext, event: CorrectionStep) -> list[Finding]:
    if isinstance(event, CorrectionProposed):
        wrong = corrections.BalanceError(
            event.bucket, event.amount_fen, event.reason, event.reference
        )
        account, now = reads.account(event.account), instant(place.at)
        made = corrections.propose(
            event.account, account, wrong, event.by, Instant(now.at, event.on)
        )
        return _begins(reads, place.stream) + _same(event, made)
    correction = reads.correction(place.stream)
    if isinstance(event, CorrectionRejected):
        return _same(event, corrections.reject(correction, event.by, event.reason))
    account_id = correction.proposed.account
    account = reads.account(account_id)
    now = instant(place.at)
    approved, moved = corrections.approve(place.stream, correction, account, event.by, now)
    place.command.due.append((account_id, moved))  # it comes after the approval
    return _same(event, approved)


# ------------------------------------------------------------------ premiums


def _premium(reads: ReadSet, place: DecisionContext, event: PremiumStep) -> list[Finding]:
    stream, premium = place.stream, reads.premium(place.stream)
    told = _paid(place)
    made: StreamEvents = [
        one for one in _step(reads, place, premium, event, told) if not _comes_free(one)
    ]
    return moves([*told, (stream, event)], made)


def _step(
    reads: ReadSet,
    place: DecisionContext,
    premium: Premium,
    event: PremiumStep,
    told: StreamEvents,
) -> StreamEvents:
    """What a step on a premium's way is by the rules, with all that it moves."""
    stream, sponsor = place.stream, reads.account(premium.sponsor)
    match event:
        case PremiumReversalRequested() | PremiumReversalRefused() | PremiumReversed():
            return _way_back(reads, place, premium, event, told)
        case PremiumSentToTax(sent_at=at):
            return [*premiums.send(stream, premium, sponsor, instant(at))]
        case PremiumOutcomeUnknown(why=why):
            return [*premiums.doubt(stream, premium, why)]
        case PremiumConfirmed(receipt=receipt, confirmed_at=at):
            return [*premiums.confirm(stream, premium, sponsor, receipt, instant(at))]
        case PremiumRejected(code=code):
            if premium.status is PremiumStatus.HELD:
                return [*premiums.send(stream, premium, sponsor, instant(place.at))]
            return [*premiums.reject(stream, premium, sponsor, code)]


def _way_back(
    reads: ReadSet,
    place: DecisionContext,
    premium: Premium,
    event: BackEvent,
    told: StreamEvents,
) -> StreamEvents:
    if isinstance(event, PremiumReversalRefused):
        return [*reversals.refuse_reversal(place.stream, premium, event.code)]
    sponsor = reads.account(premium.sponsor)
    edition = edition_of_record(reads, place.vault, sponsor.region, premium.edition)
    if isinstance(event, PremiumReversalRequested):
        now = instant(event.requested_at)
        asked = reversals.request_reversal(premium, sponsor, edition, event.reason, now)
        return [(place.stream, asked)]
    accounts = with_successors(reads, [premium.sponsor])
    tickets = [moved.ticket for _, moved in told if isinstance(moved, ReturnSuspended)]
    now, ticket = instant(event.reversed_at), tickets[0] if tickets else ""
    return [*reversals.give_back(place.stream, premium, accounts, edition, ticket, now)]


def _comes_free(moved: tuple[StreamId, object]) -> bool:
    """What was set aside comes free at other times too: the hold's own fold tells of it."""
    return isinstance(moved[1], HoldReleased)


def _paid(place: DecisionContext) -> StreamEvents:
    """What the command moved for this premium."""
    return taken(
        place,
        lambda event: (
            (isinstance(event, PremiumDebited | PremiumReturned) and event.premium == place.stream)
            or (isinstance(event, ReturnSuspended) and event.payment == place.stream)
        ),
    )


def _same(told: object, made: object) -> list[Finding]:
    return [] if told == made else [Finding(Mismatch.DECISION, told, made)]
