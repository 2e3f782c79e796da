"""Events."""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import BindingStatus, KinshipEvidence, ParentSex, Relation, StreamId, Use

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
class StrangerInvited(InvitationSent):
    """A sponsor offered a grant to somebody of whom he may not know whether he is there.

    The same is recorded where there is nobody, so it stands on the binding's stream alone, and
    `parent` tells nothing of the beneficiary. What his state forbids is judged when he agrees.
    """


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
