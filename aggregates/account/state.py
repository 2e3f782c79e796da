"""The folded state of an account, with its bindings, filings and holds."""

from datetime import date, datetime
from typing import NamedTuple

from aggregates.account.cap_usage import NOTHING, Spending
from aggregates.account.insurance_year import NEW_YEAR
from aggregates.vocabulary import (
    FEN_MAX,
    CredentialType,
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
    """A sponsor of this account's owner, and when the binding was confirmed."""

    binding: StreamId
    sponsor: StreamId
    relation: Relation
    parent: ParentSex | None
    linked_at: datetime


class BeneficiaryLink(NamedTuple):
    """A beneficiary of this account, and what they have used of it.

    `quota_used_fen` is what was paid since a quota was first set; None where none ever was.
    """

    binding: StreamId
    beneficiary: StreamId
    relation: Relation
    parent: ParentSex | None
    used: Spending
    quota_used_fen: int | None = None


class PastTie(NamedTuple):
    """Somebody who is or was a beneficiary, and the day the last binding ended."""

    beneficiary: StreamId
    parted_on: date | None


class Filing(NamedTuple):
    """A place where the owner filed to be treated; both days are included."""

    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


class AccountHold(NamedTuple):
    """Money held for a bill or premium; `aid_fen` is what sponsors hold for this patient."""

    hold: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    aid_fen: int
    on: date
    expires_at: datetime | None


class Suspended(NamedTuple):
    """Money that came back and could not be credited: it waits in suspense under a ticket."""

    ticket: str
    amount_fen: int


class HeldCredential(NamedTuple):
    """A credential that the owner holds, as `CredentialAdded` has it."""

    kind: CredentialType
    sealed: str


class ShownCode(NamedTuple):
    """The keyed digest of the owner's newest code, and until when it opens the account."""

    code: str
    expires_at: datetime


class ChronicFiling(NamedTuple):
    """A filing of a chronic disease: a claim until an agency granted it; both days included."""

    filing: StreamId
    institution: StreamId
    disease: str
    name: str
    begins_on: date
    ends_on: date | None
    is_granted: bool = False


class Account(NamedTuple):
    """An account, folded from its events. Amounts in fen.

    `year` is the insurance year of the current bucket; it begins on the day `year_from`, MM-DD.
    `invitations` pairs bindings with their sponsors; `releases` is a year and how many bindings
    were released in it. `pool` is the owner's family pool; `pool_transfers` is a year, a month, and
    the transfers into the pool in it. `by_name` are the sponsors' bindings in the order of their
    names, where the region breaks a tie by it. `chronic` are the filings of chronic diseases that
    are under review or granted.
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
    insured_place: str = ""
    credentials: tuple[HeldCredential, ...] = ()
    pool: StreamId | None = None
    pool_transfers: tuple[int, int, int] = (0, 0, 0)
    by_name: tuple[StreamId, ...] = ()
    is_balance_open: bool = False
    shown_code: ShownCode | None = None
    year_from: str = NEW_YEAR
    chronic: tuple[ChronicFiling, ...] = ()

    @property
    def has_funds(self) -> bool:
        """Whether the account can contain money: a resident's only once it was opened for it."""
        return self.insurance is Insurance.EMPLOYEE or self.is_balance_open

    @property
    def balance_fen(self) -> int:
        """Both buckets together, held money included."""
        return self.current_fen + self.prior_fen

    @property
    def status(self) -> str:
        """The account's status: its ending, FROZEN, or the standing of the insurance."""
        if self.ending is not None:
            return self.ending
        return "FROZEN" if self.is_frozen else self.standing
