"""The events of an account, in past tense.

Class names and fields are the stored format, and stored events are read for ever: change them
only by the rules of the README's "Events grow old".
Money is in fen, days are Beijing days, moments have an offset.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import (
    Bucket,
    CredentialType,
    Ending,
    ErasureReason,
    FilingKind,
    HoldEnd,
    Insurance,
    InsuranceStatus,
    ParentSex,
    Parting,
    Relation,
    StreamId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    """An account was opened. `sealed` is the personal data, encrypted under the person's key.

    `region` is the pooling area; `insured_place` is the code given, if it was another one.
    `insurance_year_from` is the day MM-DD on which the account's insurance year begins.
    """

    region: str
    insurance: Insurance
    standing: InsuranceStatus
    flags: tuple[str, ...]
    on: date
    sealed: str
    insured_place: str = ""
    insurance_year_from: str = "01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceYearMoved:
    """The account's insurance year begins on another day MM-DD from now on; no money moves."""

    begins: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """The agency credited money."""

    bucket: Bucket
    amount_fen: int
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceOpened:
    """A resident's account holds money from now on (regions.md §4 row 8).

    `year` is this insurance year.
    """

    year: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Debited:
    """Money paid for a settlement: the patient's own, or under a binding the sponsor's."""

    settlement: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitReturned:
    """A debit was returned. `on` is the day whose caps counted the debit."""

    settlement: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    on: date
    returned_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AidReceived:
    """Sponsors paid a part of the patient's settlement."""

    settlement: StreamId
    amount_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AidReturned:
    """Aid of a settlement was returned. `on` is the day whose caps counted the aid."""

    settlement: StreamId
    amount_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """The deduction order was set; the first binding pays first."""

    bindings: tuple[StreamId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationReceived:
    """A sponsor invited this beneficiary; nothing may be debited yet."""

    binding: StreamId
    sponsor: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorLinked:
    """A binding was confirmed; this account is the beneficiary's.

    `by_name` are the bindings of all sponsors in the order of their names, where the region breaks
    a tie by it; the names themselves are sealed.
    """

    binding: StreamId
    sponsor: StreamId
    relation: Relation
    parent: ParentSex | None
    linked_at: datetime
    by_name: tuple[StreamId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorUnlinked:
    """A binding or an invitation ended; this account is the beneficiary's."""

    binding: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class BeneficiaryLinked:
    """A binding was confirmed; this account is the sponsor's."""

    binding: StreamId
    beneficiary: StreamId
    relation: Relation
    parent: ParentSex | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeneficiaryUnlinked:
    """A binding ended; this account is the sponsor's."""

    binding: StreamId
    parting: Parting
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaBegun:
    """A quota over all time was set for a binding of this sponsor; what it pays counts from now."""

    binding: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoriserCodeShown:
    """The owner showed a code that opens this account for a bill. `code` is its keyed digest."""

    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingMade:
    """The patient filed to be treated at a place; a later filing for the place replaces it."""

    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsChanged:
    """The marks on a person changed, such as a chronic-disease registration; these are all."""

    flags: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChronicDiseaseFiled:
    """An institution filed that the person has a chronic disease (慢特病备案): a claim of its own.

    `filing` is the filing's id, `disease` a code of the catalogue, `name` the disease's there.
    """

    filing: StreamId
    institution: StreamId
    disease: str
    name: str
    begins_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChronicDiseaseReviewed:
    """An agency granted a filing; or refused it, or ended one that it had granted before."""

    filing: StreamId
    is_granted: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChronicFilingWithdrawn:
    """The institution took back its filing before an agency granted it."""

    filing: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFrozen:
    """The account was frozen: nothing may leave it, returns are accepted."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUnfrozen:
    """The freeze was lifted."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceSuspended:
    """The insurance was suspended or fell into arrears."""

    standing: InsuranceStatus
    reason: str
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceResumed:
    """The insurance is in order again: NORMAL or RETIRED."""

    standing: InsuranceStatus
    reason: str
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosed:
    """The account ended: it takes part in nothing from this day on."""

    ending: Ending
    reason: str
    effective_on: date
    successor: StreamId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased:
    """The person's key and the names that led to this account were destroyed.

    `legal_basis` cites a law or a file, never a person.
    """

    reason: ErasureReason
    legal_basis: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class YearClosed:
    """A calendar year was closed: `carried_fen` became prior money (policy.md §3.3)."""

    year: int
    carried_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Money was held for a bill or premium: it stays here and may not leave for anything else.

    On a patient's account `aid_fen` is what sponsors hold for them. `on` is the day whose caps
    count it. Without `expires_at` it is held until it is released.
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
    """A hold ended: its money is free again, or is debited in the same append."""

    hold: StreamId
    why: HoldEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnSuspended:
    """Returned money that this account may not take was put in suspense under a ticket.

    `payment` is the settlement or premium, `on` the day whose caps counted the debit.
    """

    payment: StreamId
    binding: StreamId | None
    ticket: str
    amount_fen: int
    on: date
    returned_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspensePaidOut:
    """The agency paid out what was in suspense under a ticket, to the estate or a new owner."""

    ticket: str
    amount_fen: int
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """An approved correction changed a bucket; the amount is signed."""

    correction: StreamId
    bucket: Bucket
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumDebited:
    """Money paid for a relative's premium, under a binding. No cap on care counts it."""

    premium: StreamId
    binding: StreamId
    current_fen: int
    prior_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumReturned:
    """A premium's debit was returned to its buckets."""

    premium: StreamId
    binding: StreamId
    current_fen: int
    prior_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialAdded:
    """The person holds a card or e-credential (regions.md §3).

    `sealed` is the keyed digest that finds the person by it, encrypted under the person's key: it
    is erased with the person.
    """

    kind: CredentialType
    sealed: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialWithdrawn:
    """The person holds a credential no more, such as a lost card; `sealed` as it was added."""

    kind: CredentialType
    sealed: str
    reason: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyPoolOpened:
    """The owner's family pool was opened; relatives spend from it, not from this account."""

    pool: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedToPool:
    """The owner moved money into the family pool. The month of `on` counts the transfer."""

    pool: StreamId
    current_fen: int
    prior_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFromPool:
    """Money came back from the family pool, as money of earlier years."""

    pool: StreamId
    amount_fen: int
    on: date
