"""What has happened to accounts and bindings. Frozen facts in past tense.

Names and members are the stored format: a stored event is read for ever.
Change them by the rules of README "Events grow old" only.
Money in fen, days in the Beijing calendar, moments aware.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import (
    BindingStatus,
    Bucket,
    Ending,
    ErasureReason,
    FilingKind,
    Insurance,
    KinshipEvidence,
    ParentSex,
    Parting,
    Relation,
    Standing,
    StreamId,
    Use,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did it, for whom, by which door, under which key. Kept beside every event."""

    actor: str
    on_behalf_of: str | None
    channel: str
    key_digest: str


# ------------------------------------------------------------------ Account


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened:
    """An insured person is known here. `sealed` is his personal data under his own key."""

    region: str
    insurance: Insurance
    standing: Standing
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

    standing: Standing
    reason: str
    effective_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class InsuranceResumed:
    """The insurance is in order: employed or retired."""

    standing: Standing
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


# ------------------------------------------------------------------ Binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The most a sponsor lets one beneficiary use, in fen; None is no limit."""

    per_settlement_fen: int | None = None
    per_day_fen: int | None = None
    per_month_fen: int | None = None
    per_year_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationSent:
    """A sponsor offered a grant. `expires_at` is the last moment of the answer.

    `consent` is the version of the text that he agreed to; None where the channel named none.
    """

    sponsor: StreamId
    beneficiary: StreamId
    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    valid_from: date
    valid_until: date | None
    renews_months: int | None
    evidence: KinshipEvidence
    evidence_reference: str | None
    parent: ParentSex | None
    expires_at: datetime
    edition: str
    consent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingConfirmed:
    """Both sides agreed. The grant counts from `active_from` on.

    `consent` is the version of the text that the beneficiary agreed to, if he was asked by one.
    """

    confirmed_at: datetime
    active_from: date
    edition: str
    consent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationDeclined:
    """The beneficiary said no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantChanged:
    """The sponsor changed what he grants."""

    uses: tuple[Use, ...]
    caps: Caps
    valid_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingReleased:
    """The grant ends after `last_on`: released by a side, or ended by what happened to one."""

    status: BindingStatus
    reason: str
    last_on: date | None
