"""An account as its events left it, and what it is tied to."""

from datetime import date, datetime
from typing import NamedTuple

from aggregates.account.cap_usage import NOTHING, Spending
from aggregates.vocabulary import (
    FEN_MAX,
    Ending,
    FilingKind,
    Insurance,
    InsuranceStatus,
    ParentSex,
    Relation,
    StreamId,
)

AMOUNT_MAX_FEN = FEN_MAX
"""The largest amount, and the most that an account may hold, in fen."""


class SponsorLink(NamedTuple):
    """A sponsor behind this account's owner, and when he came."""

    binding: StreamId
    sponsor: StreamId
    relation: Relation
    parent: ParentSex | None
    linked_at: datetime


class BeneficiaryLink(NamedTuple):
    """A beneficiary of this account, and what he has used."""

    binding: StreamId
    beneficiary: StreamId
    relation: Relation
    parent: ParentSex | None
    used: Spending


class PastTie(NamedTuple):
    """A beneficiary this account ever had, and the day they last parted."""

    beneficiary: StreamId
    parted_on: date | None


class Filing(NamedTuple):
    """Where the owner filed to be treated, from when until when (both days included)."""

    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


class AccountHold(NamedTuple):
    """Money set aside under a hold; `aid_fen` is what sponsors set aside for this patient."""

    hold: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    aid_fen: int
    on: date
    expires_at: datetime | None


class Suspended(NamedTuple):
    """Money that came back to an account which may not take it."""

    ticket: str
    amount_fen: int


class Account(NamedTuple):
    """An account as its events left it. Amounts in fen.

    `year` is the calendar year that the current bucket belongs to.
    """

    region: str
    insurance: Insurance
    standing: InsuranceStatus
    flags: tuple[str, ...]
    year: int
    is_frozen: bool = False
    ending: Ending | None = None
    successor: StreamId | None = None
    current_fen: int = 0
    prior_fen: int = 0
    invitations: tuple[tuple[StreamId, StreamId], ...] = ()
    sponsors: tuple[SponsorLink, ...] = ()
    order: tuple[StreamId, ...] | None = None
    order_version: int = 0
    beneficiaries: tuple[BeneficiaryLink, ...] = ()
    lent: Spending = NOTHING
    received: Spending = NOTHING
    ever: tuple[PastTie, ...] = ()
    releases: tuple[int, int] = (0, 0)
    filings: tuple[Filing, ...] = ()
    holds: tuple[AccountHold, ...] = ()
    suspended: tuple[Suspended, ...] = ()
    is_erased: bool = False

    @property
    def has_funds(self) -> bool:
        """Whether money can be held here at all."""
        return self.insurance is Insurance.EMPLOYEE

    @property
    def balance_fen(self) -> int:
        """Both buckets together."""
        return self.current_fen + self.prior_fen

    @property
    def status(self) -> str:
        """One word for how the account stands: an ending, FROZEN, or the insurance's standing."""
        if self.ending is not None:
            return self.ending
        return "FROZEN" if self.is_frozen else self.standing
