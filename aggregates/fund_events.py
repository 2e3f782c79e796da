"""What happens to an account's money beside credits, debits and their return.

Names and members are the stored format, as in `events.py`. Money in fen.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import Bucket, HoldEnd, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class YearClosed:
    """A calendar year ended in Beijing: what was current is prior from now on (policy.md §3.3)."""

    year: int
    carried_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Money was set aside: it stays here and may not leave for anything else.

    On a patient's account `aid_fen` is what sponsors set aside for him. `on` is the day whose
    caps count it. Without `expires_at` it is held until it is released.
    """

    hold: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    aid_fen: int
    on: date
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReleased:
    """What was set aside under this hold is free again, or is debited in the same moment."""

    hold: StreamId
    why: HoldEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSuspended:
    """Money came back that this account may not take: kept aside under a ticket.

    `payment` is the settlement or premium it came back from, `on` the day it was counted.
    """

    payment: StreamId
    binding: StreamId | None
    ticket: str
    amount_fen: int
    on: date
    returned_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensePaidOut:
    """The agency paid out what was kept aside under a ticket: to the estate or its new owner."""

    ticket: str
    amount_fen: int
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """The agency put a wrong balance right, under two persons' control; the amount is signed."""

    correction: StreamId
    bucket: Bucket
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumDebited:
    """Money left for a relative's premium, under a binding. No cap on care counts it."""

    premium: StreamId
    binding: StreamId
    current_fen: int
    prior_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReturned:
    """A premium's debit came back to its buckets."""

    premium: StreamId
    binding: StreamId
    current_fen: int
    prior_fen: int
