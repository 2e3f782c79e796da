"""A sponsor's grant to one beneficiary: invited, confirmed, changed, released.

The rules of relations, numbers and times are the region's (policy.md §3.2);
an answer that the rules forbid is a refusal before any event exists.
"""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import TypedDict

from aggregates.binding.eligibility import Side, check_numbers, check_parties, nobody
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    Caps,
    GrantChanged,
    InvitationDeclined,
    InvitationSent,
    StrangerInvited,
)
from aggregates.binding.kinship import KinshipShown, evidence_for
from aggregates.binding.validity import last_day_of, months_later
from aggregates.policy.choices import EffectiveDelay, Renewal, UnbindBy, UnbindEffective
from aggregates.refusals import (
    ChangeLimitError,
    DateInvalidError,
    InvitationExpiredError,
    NotActiveError,
    NotInvitedError,
    NotPermittedError,
    RelationNotAllowedError,
    SelfBindingError,
    TooEarlyError,
)
from aggregates.vocabulary import (
    BEIJING,
    BindingStatus,
    Instant,
    ParentSex,
    Relation,
    StreamId,
    Use,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A binding as its events left it.

    `is_known` tells that the sponsor may know whether there is such a beneficiary: not on his
    own word. Its default is what every invitation was before there was a choice.
    """

    sponsor: StreamId
    beneficiary: StreamId
    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    valid_from: date
    valid_until: date | None
    renews_months: int | None
    parent: ParentSex | None
    expires_at: datetime
    status: BindingStatus = BindingStatus.INVITED
    confirmed_at: datetime | None = None
    active_from: date | None = None
    last_on: date | None = None
    is_known: bool = True

    def status_at(self, now: Instant) -> BindingStatus:
        """The status at a moment: an unanswered invitation and a grant run out by themselves."""
        if self.status is BindingStatus.INVITED and now.at > self.expires_at:
            return BindingStatus.EXPIRED
        ends_on = self.ends_on(now.on)
        if self.status is BindingStatus.ACTIVE and ends_on is not None and now.on > ends_on:
            return BindingStatus.EXPIRED
        if self.last_on is not None and now.on <= self.last_on:
            return BindingStatus.ACTIVE
        return self.status

    def ends_on(self, on: date) -> date | None:
        """The last day of the grant as seen on a day; one that renews itself moves on."""
        if self.valid_until is None or not self.renews_months:
            return self.valid_until
        ends_on = self.valid_until
        while ends_on < on:
            ends_on = months_later(ends_on, self.renews_months)
        return ends_on

    def last_day(self) -> date | None:
        """The last day of a grant that ran out by itself or waited a day for its release."""
        return self.last_on or self.valid_until

    def pays_at(self, now: Instant) -> bool:
        """Whether a settlement at this moment may use it (policy.md S17, S29, S30)."""
        return (
            self.status_at(now) is BindingStatus.ACTIVE
            and self.active_from is not None
            and now.on >= self.active_from
        )


BindingEvent = (
    InvitationSent
    | StrangerInvited
    | BindingConfirmed
    | InvitationDeclined
    | GrantChanged
    | BindingReleased
)


def evolve(binding: Binding | None, event: BindingEvent) -> Binding:
    """Fold one event into a binding. Never judges."""
    if isinstance(event, InvitationSent):
        return Binding(
            sponsor=event.sponsor,
            beneficiary=event.beneficiary,
            relation=event.relation,
            uses=event.uses,
            caps=event.caps,
            valid_from=event.valid_from,
            valid_until=event.valid_until,
            renews_months=event.renews_months,
            parent=event.parent,
            expires_at=event.expires_at,
            is_known=not isinstance(event, StrangerInvited),
        )
    assert binding is not None, "a binding begins with InvitationSent"
    match event:
        case BindingConfirmed(confirmed_at=at, active_from=active_from):
            return replace(
                binding,
                status=BindingStatus.ACTIVE,
                confirmed_at=at,
                active_from=active_from,
                is_known=True,
            )
        case InvitationDeclined():
            return replace(binding, status=BindingStatus.DECLINED, is_known=True)
        case GrantChanged(uses=uses, caps=caps, valid_until=valid_until):
            return replace(binding, uses=uses, caps=caps, valid_until=valid_until)
        case BindingReleased(status=status, last_on=last_on):
            return replace(binding, status=status, last_on=last_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a sponsor offers; without dates, from today and until released."""

    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    valid_from: date | None
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Kin:
    """How the two are related, as shown, and which parent one is of the other."""

    shown: KinshipShown
    parent: ParentSex | None


def invite(
    offer: Offer,
    kin: Kin,
    sponsor: Side,
    beneficiary: Side,
    now: Instant,
    consent: str | None = None,
) -> InvitationSent:
    """Offer a grant; `consent` is the version of the text that the sponsor agreed to.

    Raises:
        SelfBindingError, RelationNotAllowedError, SponsorExcludedError, DateInvalidError,
        EvidenceInvalidError: the offer cannot be; KinshipUnprovenError, and what
        `check_parties` and `check_numbers` raise: today's state forbids it.
    """
    terms = sponsor.edition.binding
    if sponsor.account_id == beneficiary.account_id:
        raise SelfBindingError
    if not any(allowed.startswith(offer.relation) for allowed in terms.relations_allowed):
        raise RelationNotAllowedError(relation=offer.relation)
    evidence = evidence_for(offer.relation, kin.shown, terms.kinship_evidence)
    check_parties(sponsor, beneficiary)
    check_numbers(offer.relation, kin.parent, sponsor, beneficiary, now)
    valid_from = offer.valid_from or now.on
    return InvitationSent(
        sponsor=sponsor.account_id,
        beneficiary=beneficiary.account_id,
        relation=offer.relation,
        uses=offer.uses,
        caps=offer.caps,
        valid_from=valid_from,
        valid_until=last_day_of(offer.valid_until, valid_from, terms, now),
        renews_months=terms.binding_default_months if terms.renewal is Renewal.AUTO else None,
        evidence=evidence,
        evidence_reference=kin.shown.reference,
        parent=kin.parent,
        expires_at=now.at + timedelta(hours=terms.invite_ttl_hours),
        edition=sponsor.edition.id,
        consent=consent,
    )


def invite_stranger(
    offer: Offer,
    shown: KinshipShown,
    sponsor: Side,
    beneficiary: StreamId,
    now: Instant,
    consent: str | None = None,
) -> StrangerInvited:
    """Offer a grant to somebody of whom nothing is known, nor whether he is there.

    He counts as insured in the sponsor's region and tied to no one; his own state is judged
    when he agrees.

    Raises:
        As `invite`, for what the sponsor's side alone forbids.
    """
    unknown = Side(beneficiary, nobody(sponsor.account.region, now), sponsor.edition)
    sent = invite(offer, Kin(shown, None), sponsor, unknown, now, consent)
    return StrangerInvited(**{field.name: getattr(sent, field.name) for field in fields(sent)})


def confirm(
    binding: Binding,
    sponsor: Side,
    beneficiary: Side,
    now: Instant,
    consent: str | None = None,
) -> BindingConfirmed:
    """Agree to an open invitation, by a version of a text; the numbers are counted again.

    Raises:
        NotInvitedError, InvitationExpiredError: nothing is open; else as `invite`.
    """
    _check_open(binding, now)
    check_parties(sponsor, beneficiary)
    check_numbers(binding.relation, binding.parent, sponsor, beneficiary, now)
    later = sponsor.edition.binding.effective_delay is EffectiveDelay.NEXT_DAY
    earliest = now.on + timedelta(days=1) if later else now.on
    return BindingConfirmed(
        confirmed_at=now.at,
        active_from=max(earliest, binding.valid_from),
        edition=sponsor.edition.id,
        consent=consent,
    )


def decline(binding: Binding, now: Instant) -> InvitationDeclined:
    """Say no to an open invitation.

    Raises:
        NotInvitedError, InvitationExpiredError: nothing is open.
    """
    _check_open(binding, now)
    return InvitationDeclined()


class CapsChange(TypedDict, total=False):
    """New caps in fen. A cap that is absent stays as it is; None removes it."""

    per_settlement_fen: int | None
    per_day_fen: int | None
    per_month_fen: int | None
    per_year_fen: int | None


def change_grant(
    binding: Binding,
    now: Instant,
    uses: tuple[Use, ...],
    caps: CapsChange,
    valid_until: date | None,
) -> GrantChanged:
    """Change what is granted, for settlements from now on. The event states all caps.

    Raises:
        NotActiveError: there is no active grant; DateInvalidError: it would end in the past.
    """
    if binding.status_at(now) is not BindingStatus.ACTIVE:
        raise NotActiveError
    if valid_until is not None and valid_until < now.on:
        raise DateInvalidError(field="valid_until")
    return GrantChanged(uses=uses, caps=replace(binding.caps, **caps), valid_until=valid_until)


def release(
    binding: Binding, sponsor: Side, *, by: StreamId, reason: str, now: Instant
) -> BindingReleased:
    """Take the grant back (policy.md §3.2 `unbind_by`, `min_bind_days`, `unbind_effective`).

    Raises:
        NotActiveError: there is nothing to release; NotPermittedError: the region leaves it
        to the sponsor; TooEarlyError: its minimum time has not passed (S32);
        ChangeLimitError: the sponsor's number of changes this year is used up.
    """
    terms = sponsor.edition.binding
    status = binding.status_at(now)
    if status is BindingStatus.INVITED and by == binding.sponsor:
        return BindingReleased(status=BindingStatus.RELEASED, reason=reason, last_on=None)
    if status is not BindingStatus.ACTIVE or binding.last_on is not None:
        raise NotActiveError
    if by != binding.sponsor and terms.unbind_by is UnbindBy.SPONSOR:
        raise NotPermittedError
    year, count = sponsor.account.releases
    most = terms.changes_per_year
    if most is not None and year == now.on.year and count >= most:
        raise ChangeLimitError(limit=most)
    assert binding.confirmed_at is not None
    bound_on = binding.confirmed_at.astimezone(BEIJING).date()
    if (now.on - bound_on).days < terms.min_bind_days:
        earliest = bound_on + timedelta(days=terms.min_bind_days)
        raise TooEarlyError(earliest=earliest.isoformat())
    waits = terms.unbind_effective is UnbindEffective.NEXT_DAY or (
        terms.unbind_effective is UnbindEffective.NEXT_DAY_IF_BOUND_TODAY and bound_on == now.on
    )
    return BindingReleased(
        status=BindingStatus.RELEASED, reason=reason, last_on=now.on if waits else None
    )


def end(reason: str) -> BindingReleased:
    """End a binding whose one side takes part in nothing any more (policy.md §3.3)."""
    return BindingReleased(status=BindingStatus.ENDED, reason=reason, last_on=None)


def _check_open(binding: Binding, now: Instant) -> None:
    if binding.status is not BindingStatus.INVITED:
        raise NotInvitedError
    if now.at > binding.expires_at:
        raise InvitationExpiredError
