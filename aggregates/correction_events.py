"""What has happened to corrections: wrong balances put right under two persons' control.

Names and members are the stored format, as in `events.py`. Money in fen, signed.
"""

from dataclasses import dataclass
from datetime import date

from aggregates.vocabulary import Bucket, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionProposed:
    """Somebody of the agency says what is wrong with a balance; no money moves yet."""

    account: StreamId
    bucket: Bucket
    amount_fen: int
    reason: str
    reference: str | None
    by: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionApproved:
    """Somebody else agreed: the money moved in this bucket in the same moment."""

    by: str
    bucket: Bucket


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRejected:
    """Somebody else did not agree: nothing moves."""

    by: str
    reason: str
