"""A sponsor's grant to one beneficiary: invited, confirmed, changed, released.

The rules of relations, numbers and times are the region's (policy.md §3.2);
an answer that the rules forbid is a refusal before any event exists.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from aggregates.account import Account
from aggregates.events import (
    BindingConfirmed,
    BindingReleased,
    Caps,
    GrantChanged,
    InvitationDeclined,
    InvitationSent,
)
from aggregates.policy import (
    BeneficiaryScope,
    BindingTerms,
    Edition,
    EffectiveDelay,
    UnbindBy,
    UnbindEffective,
)
from aggregates.refusals import (
    AccountEndedError,
    AlreadyBoundError,
    BeneficiaryLimitError,
    DateInvalidError,
    DualRoleForbiddenError,
    InvitationExpiredError,
    NoFundsError,
    NotActiveError,
    NotInvitedError,
    NotPermittedError,
    PartyStatusError,
    RelationMaxError,
    RelationNotAllowedError,
    ScopeError,
    SelfBindingError,
    SponsorExcludedError,
    SponsorLimitError,
    TooEarlyError,
)
from aggregates.vocabulary import BEIJING, BindingStatus, Instant, Relation, StreamId, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A binding as its events left it."""

    sponsor: StreamId
    beneficiary: StreamId
    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    valid_from: date
    valid_until: date | None
    expires_at: datetime
    status: BindingStatus = BindingStatus.INVITED
    confirmed_at: datetime | None = None
    active_from: date | None = None
    last_on: date | None = None

    def status_at(self, now: Instant) -> BindingStatus:
        """The status at a moment: an unanswered invitation and a grant run out by themselves."""
        if self.status is BindingStatus.INVITED and now.at > self.expires_at:
            return BindingStatus.EXPIRED
        if self.status is BindingStatus.ACTIVE and self.valid_until and now.on > self.valid_until:
            return BindingStatus.EXPIRED
        if self.last_on is not None and now.on <= self.last_on:
            return BindingStatus.ACTIVE
        return self.status

    def pays_at(self, now: Instant) -> bool:
        """Whether a settlement at this moment may use it (policy.md S17, S29, S30)."""
        return (
            self.status_at(now) is BindingStatus.ACTIVE
            and self.active_from is not None
            and now.on >= self.active_from
        )


BindingEvent = (
    InvitationSent | BindingConfirmed | InvitationDeclined | GrantChanged | BindingReleased
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
            expires_at=event.expires_at,
        )
    assert binding is not None, "a binding begins with InvitationSent"
    match event:
        case BindingConfirmed(confirmed_at=at, active_from=active_from):
            return replace(
                binding, status=BindingStatus.ACTIVE, confirmed_at=at, active_from=active_from
            )
        case InvitationDeclined():
            return replace(binding, status=BindingStatus.DECLINED)
        case GrantChanged(uses=uses, caps=caps, valid_until=valid_until):
            return replace(binding, uses=uses, caps=caps, valid_until=valid_until)
        case BindingReleased(status=status, last_on=last_on):
            return replace(binding, status=status, last_on=last_on)


@dataclass(frozen=True, slots=True)
class Side:
    """One party of a binding: who, his account, and the rules of his region."""

    account_id: StreamId
    account: Account
    edition: Edition


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a sponsor offers; without dates, from today and until released."""

    relation: Relation
    uses: tuple[Use, ...]
    caps: Caps
    valid_from: date | None
    valid_until: date | None


def invite(offer: Offer, sponsor: Side, beneficiary: Side, now: Instant) -> InvitationSent:
    """Offer a grant.

    Raises:
        SelfBindingError, RelationNotAllowedError, SponsorExcludedError, DateInvalidError:
        the offer cannot be; NoFundsError, AccountEndedError, PartyStatusError, ScopeError,
        AlreadyBoundError, DualRoleForbiddenError, RelationMaxError, BeneficiaryLimitError,
        SponsorLimitError: today's state forbids it.
    """
    terms = sponsor.edition.binding
    if sponsor.account_id == beneficiary.account_id:
        raise SelfBindingError
    if not any(allowed.startswith(offer.relation) for allowed in terms.relations_allowed):
        raise RelationNotAllowedError(relation=offer.relation)
    _check_parties(sponsor, beneficiary)
    _check_numbers(offer.relation, sponsor, beneficiary)
    valid_from = offer.valid_from or now.on
    if offer.valid_until is not None and offer.valid_until < max(valid_from, now.on):
        raise DateInvalidError(field="valid_until")
    return InvitationSent(
        sponsor=sponsor.account_id,
        beneficiary=beneficiary.account_id,
        relation=offer.relation,
        uses=offer.uses,
        caps=offer.caps,
        valid_from=valid_from,
        valid_until=offer.valid_until,
        expires_at=now.at + timedelta(hours=terms.invite_ttl_hours),
        edition=sponsor.edition.id,
    )


def confirm(binding: Binding, sponsor: Side, beneficiary: Side, now: Instant) -> BindingConfirmed:
    """Agree to an open invitation; the numbers are counted again.

    Raises:
        NotInvitedError, InvitationExpiredError: nothing is open; else as `invite`.
    """
    _check_open(binding, now)
    _check_parties(sponsor, beneficiary)
    _check_numbers(binding.relation, sponsor, beneficiary)
    later = sponsor.edition.binding.effective_delay is EffectiveDelay.NEXT_DAY
    earliest = now.on + timedelta(days=1) if later else now.on
    return BindingConfirmed(
        confirmed_at=now.at,
        active_from=max(earliest, binding.valid_from),
        edition=sponsor.edition.id,
    )


def decline(binding: Binding, now: Instant) -> InvitationDeclined:
    """Say no to an open invitation.

    Raises:
        NotInvitedError, InvitationExpiredError: nothing is open.
    """
    _check_open(binding, now)
    return InvitationDeclined()


def change_grant(
    binding: Binding,
    now: Instant,
    uses: tuple[Use, ...],
    caps: Caps,
    valid_until: date | None,
) -> GrantChanged:
    """Change what is granted, for settlements from now on.

    Raises:
        NotActiveError: there is no active grant; DateInvalidError: it would end in the past.
    """
    if binding.status_at(now) is not BindingStatus.ACTIVE:
        raise NotActiveError
    if valid_until is not None and valid_until < now.on:
        raise DateInvalidError(field="valid_until")
    return GrantChanged(uses=uses, caps=caps, valid_until=valid_until)


def release(
    binding: Binding, terms: BindingTerms, *, by: StreamId, reason: str, now: Instant
) -> BindingReleased:
    """Take the grant back (policy.md §3.2 `unbind_by`, `min_bind_days`, `unbind_effective`).

    Raises:
        NotActiveError: there is nothing to release; NotPermittedError: the region leaves it
        to the sponsor; TooEarlyError: its minimum time has not passed (S32).
    """
    status = binding.status_at(now)
    if status is BindingStatus.INVITED and by == binding.sponsor:
        return BindingReleased(status=BindingStatus.RELEASED, reason=reason, last_on=None)
    if status is not BindingStatus.ACTIVE or binding.last_on is not None:
        raise NotActiveError
    if by != binding.sponsor and terms.unbind_by is UnbindBy.SPONSOR:
        raise NotPermittedError
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


def _check_open(binding: Binding, now: Instant) -> None:
    if binding.status is not BindingStatus.INVITED:
        raise NotInvitedError
    if now.at > binding.expires_at:
        raise InvitationExpiredError


def _check_parties(sponsor: Side, beneficiary: Side) -> None:
    """Each side is a person the region takes, in good standing, and near enough."""
    terms = sponsor.edition.binding
    excluded = set(terms.excluded_persons)
    if excluded.intersection((*sponsor.account.flags, *beneficiary.account.flags)):
        raise SponsorExcludedError
    for side in (sponsor, beneficiary):
        if side.account.ending is not None:
            raise AccountEndedError
    if not sponsor.account.has_funds:
        raise NoFundsError
    if sponsor.account.status not in terms.sponsor_status_ok:
        raise PartyStatusError(side="sponsor")
    if beneficiary.account.status not in terms.beneficiary_status_ok:
        raise PartyStatusError(side="beneficiary")
    if not _near_enough(terms.beneficiary_scope, sponsor.account.region, beneficiary):
        raise ScopeError(scope=terms.beneficiary_scope)


def _near_enough(scope: BeneficiaryScope, region: str, beneficiary: Side) -> bool:
    match scope:
        case BeneficiaryScope.SAME_POOLING_REGION:
            return beneficiary.account.region == region
        case BeneficiaryScope.SAME_PROVINCE:
            return beneficiary.account.region[:2] == region[:2]
        case BeneficiaryScope.ANY:
            return True


def _check_numbers(relation: Relation, sponsor: Side, beneficiary: Side) -> None:
    """The counts of policy.md §3.2, folded from the two accounts."""
    mine, theirs = sponsor.account, beneficiary.account
    terms = sponsor.edition.binding
    if any(link.sponsor == sponsor.account_id for link in theirs.sponsors):
        raise AlreadyBoundError
    if not terms.allow_dual_role and (mine.sponsors or theirs.beneficiaries):
        raise DualRoleForbiddenError
    of_relation = dict(terms.relation_max).get(relation)
    if of_relation is not None and (
        sum(link.relation is relation for link in mine.beneficiaries) >= of_relation
    ):
        raise RelationMaxError(relation=relation)
    most = terms.max_beneficiaries_per_sponsor
    if most is not None and len(mine.beneficiaries) >= most:
        raise BeneficiaryLimitError(limit=most)
    most = beneficiary.edition.binding.max_sponsors_per_beneficiary
    if most is not None and len(theirs.sponsors) >= most:
        raise SponsorLimitError(limit=most)
