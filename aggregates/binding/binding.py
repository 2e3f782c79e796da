"""A sponsor's grant to one beneficiary: invited, confirmed, changed, released.

Relations, limits and periods are the region's (policy.md §3.2).
"""

from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import TypedDict

from aggregates import refusals
from aggregates.binding import events
from aggregates.binding.eligibility import Side, account_of_stranger, check_limits, check_parties
from aggregates.binding.events import Caps
from aggregates.binding.kinship import (
    KinshipShown,
    agrees,
    check_possible,
    check_uncontradicted,
    evidence_for,
)
from aggregates.binding.validity import last_day_of, months_later, working_days_later
from aggregates.policy.choices import EffectiveDelay, Renewal, UnbindBy, UnbindEffective
from aggregates.policy.edition import BindingTerms
from aggregates.vocabulary import (
    BEIJING,
    BindingStatus,
    Instant,
    KinshipEvidence,
    ParentSex,
    Relation,
    StreamId,
    Use,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The state of a binding, folded from its events.

    `is_known`: the sponsor may know that the beneficiary exists. The default is for events
    recorded before `StrangerInvited` was introduced. A document is reviewed until the end of the
    day `review_until`.
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
    review_until: date | None = None
    rank: int | None = None

    def status_at(self, now: Instant) -> BindingStatus:
        """The status at a moment: claims, invitations and grants expire without an event."""
        if self.status is BindingStatus.IN_REVIEW:
            is_over = self.review_until is not None and now.on > self.review_until
            return BindingStatus.EXPIRED if is_over else BindingStatus.IN_REVIEW
        if self.status is BindingStatus.INVITED and now.at > self.expires_at:
            return BindingStatus.EXPIRED
        ends_on = self.ends_on(now.on)
        if self.status is BindingStatus.ACTIVE and ends_on is not None and now.on > ends_on:
            return BindingStatus.EXPIRED
        if self.last_on is not None and now.on <= self.last_on:
            return BindingStatus.ACTIVE
        return self.status

    def ends_on(self, on: date) -> date | None:
        """The last day of the grant as of a day; it moves on if the grant renews itself."""
        if self.valid_until is None or not self.renews_months:
            return self.valid_until
        ends_on = self.valid_until
        while ends_on < on:
            ends_on = months_later(ends_on, self.renews_months)
        return ends_on

    def last_day(self) -> date | None:
        """The last day of an expired grant, or of one released with a day's delay."""
        return self.last_on or self.valid_until

    def pays_at(self, now: Instant) -> bool:
        """Whether a settlement at this moment may use the grant (policy.md S17, S29, S30)."""
        return (
            self.status_at(now) is BindingStatus.ACTIVE
            and self.active_from is not None
            and now.on >= self.active_from
        )


BindingEvent = (
    events.InvitationSent
    | events.StrangerInvited
    | events.DocumentReviewed
    | events.BindingConfirmed
    | events.InvitationDeclined
    | events.GrantChanged
    | events.BindingReleased
)


def evolve(binding: Binding | None, event: BindingEvent) -> Binding:
    """Fold one event into a binding. Never judges."""
    if isinstance(event, events.InvitationSent):
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
            is_known=not isinstance(event, events.StrangerInvited),
            review_until=event.review_until,
            rank=event.rank,
            status=BindingStatus.IN_REVIEW if event.review_until else BindingStatus.INVITED,
        )
    assert binding is not None, "a binding begins with InvitationSent"
    match event:
        case events.DocumentReviewed(is_approved=is_approved, expires_at=expires_at):
            status = BindingStatus.INVITED if is_approved else BindingStatus.DECLINED
            return replace(binding, status=status, expires_at=expires_at)
        case events.BindingConfirmed(confirmed_at=at, active_from=active_from):
            return replace(
                binding,
                status=BindingStatus.ACTIVE,
                confirmed_at=at,
                active_from=active_from,
                is_known=True,
            )
        case events.InvitationDeclined():
            return replace(binding, status=BindingStatus.DECLINED, is_known=True)
        case events.GrantChanged(uses=uses, caps=caps, valid_until=valid_until):
            return replace(binding, uses=uses, caps=caps, valid_until=valid_until)
        case events.BindingReleased(status=status, last_on=last_on):
            return replace(binding, status=status, last_on=last_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The terms of an offer; without dates, from today until released.

    `rank` is the place among the beneficiary's sponsors, where the region takes it from the form.
    """

    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    valid_from: date | None
    valid_until: date | None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Kin:
    """The kinship as shown, and which parent one side is of the other."""

    shown: KinshipShown
    parent: ParentSex | None


def invite(
    offer: Offer,
    kin: Kin,
    sponsor: Side,
    beneficiary: Side,
    now: Instant,
    consent: str | None = None,
) -> events.InvitationSent:
    """Offer a grant; `consent` is the version of the text that the sponsor agreed to.

    Raises:
        SelfBindingError, RelationNotAllowedError, SponsorExcludedError, DateInvalidError,
        EvidenceInvalidError, RankNotTakenError: the offer is invalid; KinshipUnprovenError, and as
        `check_parties` and `check_limits`: the current state forbids it.
    """
    terms = sponsor.edition.binding
    if sponsor.account_id == beneficiary.account_id:
        raise refusals.SelfBindingError
    if not any(allowed.startswith(offer.relation) for allowed in terms.relations_allowed):
        raise refusals.RelationNotAllowedError(relation=offer.relation)
    if offer.rank is not None and not terms.rank_at_binding:
        raise refusals.RankNotTakenError
    evidence = evidence_for(offer.relation, kin.shown, terms.kinship_evidence)
    if not (kin.shown.is_checked or agrees(offer.relation, kin.shown.registered)):
        check_possible(offer.relation, kin.shown.traits, now.on)
    check_parties(sponsor, beneficiary)
    check_limits(offer.relation, kin.parent, sponsor, beneficiary, now)
    valid_from = offer.valid_from or now.on
    return events.InvitationSent(
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
        review_until=_review_until(evidence, kin.shown, terms, now),
        rank=offer.rank,
    )


def _review_until(
    evidence: KinshipEvidence, shown: KinshipShown, terms: BindingTerms, now: Instant
) -> date | None:
    """The last day on which an agency reviews a document; None where nothing is reviewed."""
    if evidence is not KinshipEvidence.DOCUMENT or shown.is_checked or terms.review_days is None:
        return None
    return working_days_later(now.on, terms.review_days)


def review(
    binding: Binding, terms: BindingTerms, now: Instant, *, is_approved: bool, reason: str
) -> events.DocumentReviewed:
    """Approve or reject the document of a kinship, by the sponsor's region's terms.

    Raises:
        NotInReviewError: the binding does not wait for a review, or the time for it is over.
    """
    if binding.status_at(now) is not BindingStatus.IN_REVIEW:
        raise refusals.NotInReviewError
    return events.DocumentReviewed(
        is_approved=is_approved,
        reason=reason,
        reviewed_at=now.at,
        expires_at=now.at + timedelta(hours=terms.invite_ttl_hours),
    )


def invite_stranger(
    offer: Offer,
    shown: KinshipShown,
    sponsor: Side,
    beneficiary: StreamId,
    now: Instant,
    consent: str | None = None,
) -> events.StrangerInvited:
    """Offer a grant to a person of whom the sponsor may not know whether they exist.

    The beneficiary counts as insured in the sponsor's region and without bindings. Their actual
    state is checked when they agree.

    Raises:
        As `invite`, for the sponsor's side.
    """
    unknown = Side(beneficiary, account_of_stranger(sponsor.account.region, now), sponsor.edition)
    sent = invite(offer, Kin(shown, None), sponsor, unknown, now, consent)
    return events.StrangerInvited(
        **{field.name: getattr(sent, field.name) for field in fields(sent)}
    )


def confirm(
    binding: Binding,
    sponsor: Side,
    beneficiary: Side,
    now: Instant,
    consent: str | None = None,
) -> events.BindingConfirmed:
    """Agree to an open invitation; `consent` is the version of the text agreed to.

    Raises:
        NotInvitedError, InvitationExpiredError: no invitation is open; as `check_parties` and
        `check_limits`, which are checked again.
    """
    _check_open(binding, now)
    check_parties(sponsor, beneficiary)
    check_limits(binding.relation, binding.parent, sponsor, beneficiary, now)
    is_delayed = sponsor.edition.binding.effective_delay is EffectiveDelay.NEXT_DAY
    earliest = now.on + timedelta(days=1) if is_delayed else now.on
    return events.BindingConfirmed(
        confirmed_at=now.at,
        active_from=max(earliest, binding.valid_from),
        edition=sponsor.edition.id,
        consent=consent,
    )


def check_kin(binding: Binding, shown: KinshipShown, now: Instant) -> None:
    """Check the kinship again before the beneficiary agrees; a stranger's is checked here first.

    Raises:
        NotInvitedError, InvitationExpiredError: no invitation is open; KinshipContradictedError,
        KinshipImpossibleError: the register or the ID numbers tell of another relation.
    """
    _check_open(binding, now)
    check_uncontradicted(binding.relation, shown.registered)
    if not (binding.is_known or agrees(binding.relation, shown.registered)):
        check_possible(binding.relation, shown.traits, now.on)


def decline(binding: Binding, now: Instant) -> events.InvitationDeclined:
    """Decline an open invitation.

    Raises:
        NotInvitedError, InvitationExpiredError: no invitation is open.
    """
    _check_open(binding, now)
    return events.InvitationDeclined()


class CapsChange(TypedDict, total=False):
    """New caps in fen. An absent cap stays unchanged; None removes it."""

    per_settlement_fen: int | None
    per_day_fen: int | None
    per_month_fen: int | None
    per_year_fen: int | None
    quota_fen: int | None


def change_grant(
    binding: Binding,
    now: Instant,
    uses: tuple[Use, ...],
    caps: CapsChange,
    valid_until: date | None,
) -> events.GrantChanged:
    """Change a grant for future settlements. The event has all caps.

    Raises:
        NotActiveError: the grant is not active; DateInvalidError: it would end in the past.
    """
    if binding.status_at(now) is not BindingStatus.ACTIVE:
        raise refusals.NotActiveError
    if valid_until is not None and valid_until < now.on:
        raise refusals.DateInvalidError(field="valid_until")
    return events.GrantChanged(
        uses=uses, caps=replace(binding.caps, **caps), valid_until=valid_until
    )


def release(
    binding: Binding, sponsor: Side, *, by: StreamId, reason: str, now: Instant
) -> events.BindingReleased:
    """Release a grant (policy.md §3.2 `unbind_by`, `min_bind_days`, `unbind_effective`).

    Raises:
        NotActiveError: there is nothing to release; NotPermittedError: only the sponsor may, in
        this region; TooEarlyError: the minimum period has not passed (S32); ChangeLimitError:
        the sponsor has reached the limit of changes a year.
    """
    terms = sponsor.edition.binding
    status = binding.status_at(now)
    if status in (BindingStatus.IN_REVIEW, BindingStatus.INVITED) and by == binding.sponsor:
        return events.BindingReleased(status=BindingStatus.RELEASED, reason=reason, last_on=None)
    if status is not BindingStatus.ACTIVE or binding.last_on is not None:
        raise refusals.NotActiveError
    if by != binding.sponsor and terms.unbind_by is UnbindBy.SPONSOR:
        raise refusals.NotPermittedError
    year, count = sponsor.account.releases
    most = terms.changes_per_year
    if most is not None and year == now.on.year and count >= most:
        raise refusals.ChangeLimitError(limit=most)
    assert binding.confirmed_at is not None
    bound_on = binding.confirmed_at.astimezone(BEIJING).date()
    is_held = by == binding.sponsor or terms.min_bind_holds is UnbindBy.EITHER
    if is_held and (now.on - bound_on).days < terms.min_bind_days:
        earliest = bound_on + timedelta(days=terms.min_bind_days)
        raise refusals.TooEarlyError(earliest=earliest.isoformat())
    is_delayed = terms.unbind_effective is UnbindEffective.NEXT_DAY or (
        terms.unbind_effective is UnbindEffective.NEXT_DAY_IF_BOUND_TODAY and bound_on == now.on
    )
    return events.BindingReleased(
        status=BindingStatus.RELEASED, reason=reason, last_on=now.on if is_delayed else None
    )


def end(reason: str) -> events.BindingReleased:
    """End a binding because one side's account is closed (policy.md §3.3)."""
    return events.BindingReleased(status=BindingStatus.ENDED, reason=reason, last_on=None)


def _check_open(binding: Binding, now: Instant) -> None:
    if binding.status is not BindingStatus.INVITED:
        raise refusals.NotInvitedError
    if now.at > binding.expires_at:
        raise refusals.InvitationExpiredError
