"""What has happened to accounts and bindings. Frozen facts in past tense.

Names and members are the stored format: a stored event is read for ever.
Change them by the rules of README "Events grow old" only.
Money in fen, days in the Beijing calendar, moments aware.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import (
    Bucket,
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

# ------------------------------------------------------------------ Account


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    """An insured person is known here. `sealed` is his personal data under his own key."""

    region: str
    insurance: Insurance
    standing: InsuranceStatus
    flags: tuple[str, ...]
    on: date
    sealed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """Money came in from the agency."""

    bucket: Bucket
    amount_fen: int
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Debited:
    """Money left for a settlement: the patient's own, or under a binding the sponsor's."""

    settlement: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class DebitReturned:
    """A debit came back. `on` is the day it was counted, `returned_on` the day it returned."""

    settlement: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int
    on: date
    returned_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AidReceived:
    """Sponsors paid this much of the patient's settlement."""

    settlement: StreamId
    amount_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AidReturned:
    """This much aid of a settlement went back. `on` is the day it was counted."""

    settlement: StreamId
    amount_fen: int
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged:
    """The deduction order is now this; the first binding pays first."""

    bindings: tuple[StreamId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationReceived:
    """A sponsor asked this beneficiary; nothing may be debited yet."""

    binding: StreamId
    sponsor: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorLinked:
    """A confirmed sponsor stands behind this beneficiary."""

    binding: StreamId
    sponsor: StreamId
    relation: Relation
    parent: ParentSex | None
    linked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SponsorUnlinked:
    """The sponsor of this binding stands behind the beneficiary no more."""

    binding: StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class BeneficiaryLinked:
    """This account stands behind a beneficiary."""

    binding: StreamId
    beneficiary: StreamId
    relation: Relation
    parent: ParentSex | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeneficiaryUnlinked:
    """This account stands behind the beneficiary of this binding no more, from that day on."""

    binding: StreamId
    parting: Parting
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class FilingMade:
    """The patient filed to be treated at a place; a later filing for it takes its place."""

    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFrozen:
    """Nothing may leave the account; returns are accepted."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUnfrozen:
    """Money may leave again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceSuspended:
    """The insurance is suspended or in arrears."""

    standing: InsuranceStatus
    reason: str
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceResumed:
    """The insurance is in order: employed or retired."""

    standing: InsuranceStatus
    reason: str
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosed:
    """The account takes part in nothing from this day on."""

    ending: Ending
    reason: str
    effective_on: date
    successor: StreamId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonErased:
    """The key of this account's person and the names he was found by were destroyed.

    `legal_basis` cites a law or a file, never a person.
    """

    reason: ErasureReason
    legal_basis: str
    on: date


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
