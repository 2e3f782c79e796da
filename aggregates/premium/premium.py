"""A relative's premium, paid whole by one sponsor through the tax side (policy.md §4).

Held, sent to the tax side, confirmed or rejected; given back by the tax side's leave alone.
What was sent and not answered is unknown: its money stays set aside, and nobody else may pay.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from aggregates.account.events import HoldReleased, PremiumDebited
from aggregates.account.reserved import as_spent
from aggregates.account.state import Account
from aggregates.policy.choices import PremiumType
from aggregates.refusals import AccountEndedError
from aggregates.vocabulary import HoldEnd, Instant, PremiumStatus, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumHeld:
    """A sponsor ordered a relative's premium, and its whole amount is set aside with him."""

    sponsor: StreamId
    payee: StreamId
    binding: StreamId
    insurance: PremiumType
    year: int
    amount_fen: int
    edition: str
    held_at: datetime
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumSentToTax:
    """From here on the tax side may have it: recorded before the first byte leaves."""

    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumOutcomeUnknown:
    """No answer of the tax side could be believed; it is asked until one can."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumConfirmed:
    """The tax side booked it (入库), and this much of it was debited.

    `uncovered_fen` is what an account that ended meanwhile could not give.
    """

    receipt: str | None
    current_fen: int
    prior_fen: int
    uncovered_fen: int
    confirmed_at: datetime
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumRejected:
    """It will not be booked; what was set aside is free."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReversalRequested:
    """The sponsor wants it back; the tax side may have been told."""

    reason: str
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReversalRefused:
    """The tax side keeps it: the premium stays paid."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReversed:
    """The tax side gave it back, and so was the debit."""

    reversed_at: datetime


SENT = (PremiumStatus.SENT_TO_TAX, PremiumStatus.UNKNOWN)
OPEN = (PremiumStatus.HELD, *SENT, PremiumStatus.REVERSE_REQUESTED)
"""What waits for the tax side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Premium:
    """A premium as its events left it; the two parts are what was debited.

    `requests` counts the reversals asked for, `refusals` has the tax side's no to each of the
    first ones: a request beyond them is not answered, or was granted.
    """

    sponsor: StreamId
    payee: StreamId
    binding: StreamId
    insurance: PremiumType
    year: int
    amount_fen: int
    edition: str
    held_at: datetime
    on: date
    status: PremiumStatus = PremiumStatus.HELD
    code: str | None = None
    receipt: str | None = None
    current_fen: int = 0
    prior_fen: int = 0
    confirmed_at: datetime | None = None
    confirmed_on: date | None = None
    requests: int = 0
    refusals: tuple[str, ...] = ()


PremiumEvent = (
    PremiumHeld
    | PremiumSentToTax
    | PremiumOutcomeUnknown
    | PremiumConfirmed
    | PremiumRejected
    | PremiumReversalRequested
    | PremiumReversalRefused
    | PremiumReversed
)


BackEvent = PremiumReversalRequested | PremiumReversalRefused | PremiumReversed


def evolve(premium: Premium | None, event: PremiumEvent) -> Premium:
    """Fold one event into a premium. Never judges."""
    if isinstance(event, PremiumHeld):
        return Premium(
            sponsor=event.sponsor,
            payee=event.payee,
            binding=event.binding,
            insurance=event.insurance,
            year=event.year,
            amount_fen=event.amount_fen,
            edition=event.edition,
            held_at=event.held_at,
            on=event.on,
        )
    assert premium is not None, "a premium begins with PremiumHeld"
    if isinstance(event, BackEvent):
        return _on_its_way_back(premium, event)
    match event:
        case PremiumSentToTax():
            return replace(premium, status=PremiumStatus.SENT_TO_TAX)
        case PremiumOutcomeUnknown():
            return replace(premium, status=PremiumStatus.UNKNOWN)
        case PremiumRejected(code=code):
            return replace(premium, status=PremiumStatus.REJECTED, code=code)
        case PremiumConfirmed():
            return replace(
                premium,
                status=PremiumStatus.CONFIRMED,
                receipt=event.receipt,
                current_fen=event.current_fen,
                prior_fen=event.prior_fen,
                confirmed_at=event.confirmed_at,
                confirmed_on=event.on,
            )


def _on_its_way_back(premium: Premium, event: BackEvent) -> Premium:
    match event:
        case PremiumReversalRequested():
            requests = premium.requests + 1
            return replace(premium, status=PremiumStatus.REVERSE_REQUESTED, requests=requests)
        case PremiumReversalRefused(code=code):
            refusals = (*premium.refusals, code)
            return replace(premium, status=PremiumStatus.CONFIRMED, refusals=refusals)
        case PremiumReversed():
            return replace(premium, status=PremiumStatus.REVERSED)


PremiumEvents = list[tuple[StreamId, HoldReleased | PremiumDebited | PremiumEvent]]


def send(premium_id: StreamId, premium: Premium, sponsor: Account, now: Instant) -> PremiumEvents:
    """Let a held premium go to the tax side; not without its money, should the hold be gone."""
    if premium.status is not PremiumStatus.HELD:
        return []
    if all(hold.hold != premium_id for hold in sponsor.holds):
        return [(premium_id, PremiumRejected(code=AccountEndedError.code()))]
    return [(premium_id, PremiumSentToTax(sent_at=now.at))]


def confirm(
    premium_id: StreamId, premium: Premium, sponsor: Account, receipt: str | None, now: Instant
) -> PremiumEvents:
    """The tax side booked it: debit what is set aside, wherever a new year has carried it.

    Whatever became of binding or account since, it stays booked (S115). If the account ended
    and its holds came free, what is there is debited all the same, and the rest is on record.
    """
    if premium.status not in SENT:
        return []
    hold = next((hold for hold in sponsor.holds if hold.hold == premium_id), None)
    moved: PremiumEvents = []
    if hold is not None:
        current_fen, prior_fen = hold.current_fen, hold.prior_fen
        moved.append((premium.sponsor, HoldReleased(hold=premium_id, why=HoldEnd.CAPTURED)))
    else:
        free = as_spent(sponsor, now)
        prior_fen = min(free.prior_fen, premium.amount_fen)
        current_fen = min(free.current_fen, premium.amount_fen - prior_fen)
    if current_fen + prior_fen:
        debit = PremiumDebited(
            premium=premium_id,
            binding=premium.binding,
            current_fen=current_fen,
            prior_fen=prior_fen,
        )
        moved.append((premium.sponsor, debit))
    confirmed = PremiumConfirmed(
        receipt=receipt,
        current_fen=current_fen,
        prior_fen=prior_fen,
        uncovered_fen=premium.amount_fen - current_fen - prior_fen,
        confirmed_at=now.at,
        on=now.on,
    )
    return [*moved, (premium_id, confirmed)]


def reject(premium_id: StreamId, premium: Premium, sponsor: Account, code: str) -> PremiumEvents:
    """The tax side will not book it: what was set aside is free again (S107)."""
    if premium.status not in SENT:
        return []
    is_held = any(hold.hold == premium_id for hold in sponsor.holds)
    released = HoldReleased(hold=premium_id, why=HoldEnd.RELEASED)
    moved: PremiumEvents = [(premium.sponsor, released)] if is_held else []
    return [*moved, (premium_id, PremiumRejected(code=code))]


def doubt(premium_id: StreamId, premium: Premium, why: str) -> PremiumEvents:
    """No answer can be believed yet; said once, however often it is asked (S110)."""
    if premium.status is not PremiumStatus.SENT_TO_TAX:
        return []
    return [(premium_id, PremiumOutcomeUnknown(why=why))]
