"""A relative's premium, paid in full by one sponsor through the tax authority (policy.md §4).

It is held, sent to the tax authority, then confirmed or rejected. Only the tax authority can
reverse it. While a sent premium is unanswered its money stays held, and nobody else may pay it.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from aggregates.account.events import HoldReleased, PremiumDebited
from aggregates.account.reserved import as_spent
from aggregates.account.state import Account
from aggregates.policy.choices import PremiumType
from aggregates.pool.events import PoolHoldReleased, PoolPremiumDebited
from aggregates.pool.pool import Pool
from aggregates.refusals import AccountEndedError
from aggregates.vocabulary import HoldEnd, Instant, PremiumStatus, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumHeld:
    """A sponsor ordered a relative's premium, and its amount is held on the sponsor's account.

    With `premium_pool` it is held in that family pool of the sponsor's.
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
    premium_pool: StreamId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumSentToTax:
    """The tax authority may have the order from here on: recorded before the request is sent."""

    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumOutcomeUnknown:
    """The tax authority gave no valid answer; it is queried until it does."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumConfirmed:
    """The tax authority booked the premium (入库), and these amounts were debited.

    `uncovered_fen` is what an account that ended meanwhile could not pay.
    """

    receipt: str | None
    current_fen: int
    prior_fen: int
    uncovered_fen: int
    confirmed_at: datetime
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumRejected:
    """The premium will not be booked; its hold is released."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReversalRequested:
    """The sponsor asks for a reversal; the tax authority may have the request."""

    reason: str
    requested_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReversalRefused:
    """The tax authority refused the reversal: the premium stays paid."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReversed:
    """The tax authority reversed the premium, and the debit is given back."""

    reversed_at: datetime


SENT = (PremiumStatus.SENT_TO_TAX, PremiumStatus.UNKNOWN)
OPEN = (PremiumStatus.HELD, *SENT, PremiumStatus.REVERSE_REQUESTED)
"""These wait for the tax authority."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Premium:
    """The state of a premium; `current_fen` and `prior_fen` are what was debited.

    `requests` counts the reversals asked for. `refusals` has the tax authority's reason for each
    refused one, in order: a request beyond them is unanswered, or was granted.
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
    premium_pool: StreamId | None = None


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
            premium_pool=event.premium_pool,
        )
    assert premium is not None, "a premium begins with PremiumHeld"
    if isinstance(event, BackEvent):
        return _evolve_reversal(premium, event)
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


def _evolve_reversal(premium: Premium, event: BackEvent) -> Premium:
    match event:
        case PremiumReversalRequested():
            requests = premium.requests + 1
            return replace(premium, status=PremiumStatus.REVERSE_REQUESTED, requests=requests)
        case PremiumReversalRefused(code=code):
            refusals = (*premium.refusals, code)
            return replace(premium, status=PremiumStatus.CONFIRMED, refusals=refusals)
        case PremiumReversed():
            return replace(premium, status=PremiumStatus.REVERSED)


FundEvent = HoldReleased | PremiumDebited | PoolHoldReleased | PoolPremiumDebited
PremiumEvents = list[tuple[StreamId, FundEvent | PremiumEvent]]


def send(
    premium_id: StreamId, premium: Premium, fund: Account | Pool, now: Instant
) -> PremiumEvents:
    """Send a held premium to the tax authority; reject it if its hold is gone.

    `fund` is the pool that pays, or the sponsor's account.
    """
    if premium.status is not PremiumStatus.HELD:
        return []
    if all(hold.hold != premium_id for hold in fund.holds):
        return [(premium_id, PremiumRejected(code=AccountEndedError.code()))]
    return [(premium_id, PremiumSentToTax(sent_at=now.at))]


def confirm(
    premium_id: StreamId,
    premium: Premium,
    fund: Account | Pool,
    receipt: str | None,
    now: Instant,
) -> PremiumEvents:
    """Record that the tax authority booked the premium, and debit the hold's current buckets.

    It stays booked whatever happened to binding or account since (S115). If the account ended
    and the hold was released, the available funds are debited and the rest is recorded.
    """
    if premium.status not in SENT:
        return []
    changes: PremiumEvents
    if isinstance(fund, Pool):
        (current_fen, prior_fen), changes = _from_pool(premium_id, premium, fund)
    else:
        (current_fen, prior_fen), changes = _from_account(premium_id, premium, fund, now)
    confirmed = PremiumConfirmed(
        receipt=receipt,
        current_fen=current_fen,
        prior_fen=prior_fen,
        uncovered_fen=premium.amount_fen - current_fen - prior_fen,
        confirmed_at=now.at,
        on=now.on,
    )
    return [*changes, (premium_id, confirmed)]


def _from_account(
    premium_id: StreamId, premium: Premium, sponsor: Account, now: Instant
) -> tuple[tuple[int, int], PremiumEvents]:
    hold = next((hold for hold in sponsor.holds if hold.hold == premium_id), None)
    changes: PremiumEvents = []
    if hold is not None:
        current_fen, prior_fen = hold.current_fen, hold.prior_fen
        changes.append((premium.sponsor, HoldReleased(hold=premium_id, why=HoldEnd.CAPTURED)))
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
        changes.append((premium.sponsor, debit))
    return (current_fen, prior_fen), changes


def _from_pool(
    premium_id: StreamId, premium: Premium, pool: Pool
) -> tuple[tuple[int, int], PremiumEvents]:
    """What a pool pays: its hold, which not even the end of the owner's account releases."""
    pool_id = premium.premium_pool
    held = [hold.amount_fen for hold in pool.holds if hold.hold == premium_id]
    if not held or pool_id is None:
        return (0, 0), []
    debit = PoolPremiumDebited(premium=premium_id, binding=premium.binding, amount_fen=held[0])
    released = PoolHoldReleased(hold=premium_id, why=HoldEnd.CAPTURED)
    return (held[0], 0), [(pool_id, released), (pool_id, debit)]


def reject(
    premium_id: StreamId, premium: Premium, fund: Account | Pool, code: str
) -> PremiumEvents:
    """Record that the tax authority will not book the premium, and release its hold (S107)."""
    if premium.status not in SENT:
        return []
    is_held = any(hold.hold == premium_id for hold in fund.holds)
    changes: PremiumEvents = []
    if is_held and premium.premium_pool is not None:
        free = PoolHoldReleased(hold=premium_id, why=HoldEnd.RELEASED)
        changes.append((premium.premium_pool, free))
    elif is_held:
        released = HoldReleased(hold=premium_id, why=HoldEnd.RELEASED)
        changes.append((premium.sponsor, released))
    return [*changes, (premium_id, PremiumRejected(code=code))]


def doubt(premium_id: StreamId, premium: Premium, why: str) -> PremiumEvents:
    """Record once that the tax authority gave no valid answer (S110)."""
    if premium.status is not PremiumStatus.SENT_TO_TAX:
        return []
    return [(premium_id, PremiumOutcomeUnknown(why=why))]
