"""A bill as it is asked for at the counter, and how it names its visit."""

from dataclasses import dataclass
from datetime import datetime

from aggregates.visit import Fee
from aggregates.vocabulary import StreamId
from service.settlement.claims import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRequest:
    """What is asked of a bill at the counter. Total in fen; `plan` is a quote's hash."""

    person_no: str
    shown: Identity | None
    med_type: str | None
    total_fen: int
    use_account: bool
    plan: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitBill:
    """A bill over a visit's fee lines: of one charge batch, or all of them."""

    bill: BillRequest
    visit: StreamId
    batch: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """A bill with its fee lines, of a patient who came for nothing else (药店购药).

    `name` is what makes the purchase itself again when it is sent again.
    """

    bill: BillRequest
    name: str
    fees: tuple[Fee, ...]
    treated_at: datetime
