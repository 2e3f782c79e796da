"""The events of a family pool, in past tense. Names and members are the stored format.

Money is in fen, days are Beijing days, moments have an offset. A pool has no buckets.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import HoldEnd, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolOpened:
    """A pool was opened for the owner of an account. It is empty."""

    owner: StreamId
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolFunded:
    """The owner moved money from the account into the pool (`MovedToPool` on the account)."""

    account: StreamId
    amount_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDebited:
    """The pool paid a part of a relative's settlement, under a binding of its owner."""

    settlement: StreamId
    binding: StreamId
    amount_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReturned:
    """A debit was returned to the pool. `on` is the day whose caps counted the debit."""

    settlement: StreamId
    binding: StreamId
    amount_fen: int
    on: date
    returned_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolHeld:
    """Money of the pool was held for a bill, or without a binding for a premium.

    `on` is the day whose caps count it. Without `expires_at` it is held until it is released.
    """

    hold: StreamId
    binding: StreamId | None
    amount_fen: int
    on: date
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolHoldReleased:
    """A hold ended: its money is free again, or is debited in the same append."""

    hold: StreamId
    why: HoldEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPremiumDebited:
    """The pool paid a relative's premium. No cap on care counts it."""

    premium: StreamId
    binding: StreamId
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPremiumReturned:
    """A premium's debit was returned to the pool."""

    premium: StreamId
    binding: StreamId
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEmptied:
    """What was free in the pool went back to the owner's account (`MovedFromPool` there)."""

    account: StreamId
    amount_fen: int
    on: date
