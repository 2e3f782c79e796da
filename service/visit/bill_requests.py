"""Requests for bills over fee lines: of a visit, or of a purchase."""

from dataclasses import dataclass
from datetime import datetime

from aggregates.visit import Fee
from aggregates.vocabulary import StreamId
from service.settlement.claims import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRequest:
    """A request for a bill. The total is in fen; `plan` is a quote's hash."""

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
    """A bill with its own fee lines, without a visit before it (药店购药).

    `name` identifies the purchase, so that a resend is recognised as the same one.
    """

    bill: BillRequest
    name: str
    fees: tuple[Fee, ...]
    treated_at: datetime


RequestedBill = VisitBill | Purchase
