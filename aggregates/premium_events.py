"""What has happened to premiums that sponsors pay for relatives (居民医保费代缴, policy.md §4).

Names and members are the stored format, as in `events.py`. Money in fen, years as the year of
cover. No member names a person: the tax side is told who he is, the log is not.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.policy_words import PremiumType
from aggregates.vocabulary import StreamId


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
