"""What has happened to a visit that an institution's own system registered here.

Names and members are the stored format, as in `events.py`. Money in fen. The patient is an
account; what he was treated for stands as codes.
"""

from dataclasses import dataclass
from datetime import datetime

from aggregates.vocabulary import Setting, StreamId, VisitEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """One uploaded fee line (费用明细). Count and price are decimal texts, as they were sent."""

    line: str
    batch: str
    code: str
    amount_fen: int
    count: str
    price: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One diagnosis, by its code and its name in the catalogue."""

    rank: str
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRegistered:
    """A patient came: out-patient registration or admission. `number` is the institution's own."""

    institution: StreamId
    beneficiary: StreamId
    setting: Setting
    number: str
    department: str
    med_type: str | None
    began_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDescribed:
    """What the visit is for is known, or known better."""

    med_type: str | None
    diagnoses: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesUploaded:
    """These fee lines belong to the visit."""

    fees: tuple[Fee, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesWithdrawn:
    """These fee lines, by number, were uploaded in error."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitClosed:
    """The visit ended: it was withdrawn, or the patient was discharged."""

    end: VisitEnd
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitReopened:
    """A discharge was taken back."""

    at: datetime
