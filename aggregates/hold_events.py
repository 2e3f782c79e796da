"""What has happened to holds: bills whose money was set aside before they are final.

Names and members are the stored format, as in `events.py`. Money in fen.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.settlement_events import Claim, PayerShare
from aggregates.vocabulary import HoldEnd, Reason, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimHeld:
    """A bill was split and every payer's part set aside until `expires_at`, as one unit."""

    claim: Claim
    place_region: str
    editions: dict[str, str]
    read: dict[StreamId, int]
    payers: tuple[PayerShare, ...]
    reasons: tuple[Reason, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int
    held_at: datetime
    expires_at: datetime
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldCaptured:
    """The money set aside was debited, whole or in part, by this settlement; the rest is free."""

    settlement: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldEnded:
    """The money set aside is free again, and nothing was debited."""

    why: HoldEnd
