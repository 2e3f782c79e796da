"""The events of a binding."""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import BindingStatus, KinshipEvidence, ParentSex, Relation, StreamId, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """A sponsor's limits for one beneficiary, in fen; None is no limit.

    `quota_fen` limits all that is paid under the binding, over all time.
    """

    per_settlement_fen: int | None = None
    per_day_fen: int | None = None
    per_month_fen: int | None = None
    per_year_fen: int | None = None
    quota_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationSent:
    """A sponsor offered a grant. `expires_at` is the last moment for an answer.

    `consent` is the version of the text the sponsor agreed to; None if the channel sent none.
    With `review_until` an agency reviews the document first, until the end of that day. `rank` is
    the place among the beneficiary's sponsors that the form names, 1 pays first.
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
    review_until: date | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerInvited(InvitationSent):
    """A sponsor offered a grant to a person of whom they may not know whether they exist.

    The same is recorded if there is no such person: on the binding's stream only, and without
    `parent`. The beneficiary's state is checked when they agree.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentReviewed:
    """The agency of the sponsor's region approved or rejected the document of a kinship.

    The beneficiary may answer an approved invitation until `expires_at`.
    """

    is_approved: bool
    reason: str
    reviewed_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingConfirmed:
    """Both sides agreed. The grant is valid from `active_from`.

    `consent` is the version of the text the beneficiary agreed to; None if none was sent.
    """

    confirmed_at: datetime
    active_from: date
    edition: str
    consent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationDeclined:
    """The beneficiary declined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantChanged:
    """The sponsor changed the grant."""

    uses: tuple[Use, ...]
    caps: Caps
    valid_until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingReleased:
    """The grant ended, after `last_on` if given: a side released it, or a side's account closed."""

    status: BindingStatus
    reason: str
    last_on: date | None
