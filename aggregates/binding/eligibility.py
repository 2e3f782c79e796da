"""Who may be bound to whom: parties, counts and locks of policy.md §3.2.

All counts fold from the two accounts, so that two confirmations at one instant conflict.
"""

from dataclasses import dataclass
from datetime import timedelta

from aggregates.account.state import Account
from aggregates.policy.choices import BeneficiaryScope, OrderMissing
from aggregates.policy.edition import BindingTerms, Edition
from aggregates.refusals import (
    AccountEndedError,
    AlreadyBoundError,
    BeneficiaryLimitError,
    DualRoleForbiddenError,
    LifetimeLimitError,
    NoFundsError,
    OrderNotSetError,
    PartyStatusError,
    RebindLockedError,
    RelationMaxError,
    ScopeError,
    SponsorExcludedError,
    SponsorLimitError,
)
from aggregates.vocabulary import (
    Instant,
    Insurance,
    InsuranceStatus,
    ParentSex,
    Relation,
    StreamId,
)


@dataclass(frozen=True, slots=True)
class Side:
    """One party of a binding: who, his account, and the rules of his region."""

    account_id: StreamId
    account: Account
    edition: Edition


def nobody(region: str, now: Instant) -> Account:
    """Somebody of whom nothing is known: insured in a region, and tied to no one."""
    return Account(
        region=region,
        insurance=Insurance.RESIDENT,
        standing=InsuranceStatus.NORMAL,
        flags=(),
        year=now.on.year,
    )


def check_parties(sponsor: Side, beneficiary: Side) -> None:
    """Each side is a person the region takes, in good standing, and near enough.

    Raises:
        SponsorExcludedError, AccountEndedError, NoFundsError, PartyStatusError, ScopeError.
    """
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
    check_near(sponsor, beneficiary.account.region)


def check_near(sponsor: Side, region: str) -> None:
    """Who is insured in a region is within the reach of the sponsor's (S118).

    Raises:
        ScopeError: too far.
    """
    scope = sponsor.edition.binding.beneficiary_scope
    if not _near_enough(scope, sponsor.account.region, region):
        raise ScopeError(scope=scope)


def check_numbers(
    relation: Relation, parent: ParentSex | None, sponsor: Side, beneficiary: Side, now: Instant
) -> None:
    """Count before another tie is made.

    Raises:
        AlreadyBoundError, DualRoleForbiddenError, RelationMaxError, BeneficiaryLimitError,
        SponsorLimitError, LifetimeLimitError, RebindLockedError, OrderNotSetError.
    """
    mine, theirs = sponsor.account, beneficiary.account
    terms = sponsor.edition.binding
    if any(link.sponsor == sponsor.account_id for link in theirs.sponsors):
        raise AlreadyBoundError
    if not terms.allow_dual_role and (mine.sponsors or theirs.beneficiaries):
        raise DualRoleForbiddenError
    _check_relation(relation, parent, sponsor, beneficiary)
    most = terms.max_beneficiaries_per_sponsor
    if most is not None and len(mine.beneficiaries) >= most:
        raise BeneficiaryLimitError(limit=most)
    most = beneficiary.edition.binding.max_sponsors_per_beneficiary
    if most is not None and len(theirs.sponsors) >= most:
        raise SponsorLimitError(limit=most)
    _check_past(terms, mine, beneficiary.account_id, now)
    order = beneficiary.edition.order
    needs_order = order.order_missing is OrderMissing.REJECT_BINDING
    if needs_order and theirs.sponsors and theirs.order is None:
        raise OrderNotSetError


def _near_enough(scope: BeneficiaryScope, home: str, region: str) -> bool:
    match scope:
        case BeneficiaryScope.SAME_POOLING_REGION:
            return region == home
        case BeneficiaryScope.SAME_PROVINCE:
            return region[:2] == home[:2]
        case BeneficiaryScope.ANY:
            return True


def _check_relation(
    relation: Relation, parent: ParentSex | None, sponsor: Side, beneficiary: Side
) -> None:
    """Nobody has more of a relation than the region's number, on whichever side of a tie.

    A spouse is a spouse both ways; a person's father may be his beneficiary or his sponsor.
    """
    most = sponsor.edition.binding.relation_max
    mine, theirs = sponsor.account, beneficiary.account
    counts = {relation: sum(link.relation is relation for link in mine.beneficiaries)}
    if relation is Relation.SPOUSE:
        spouses = sum(link.relation is relation for link in theirs.sponsors)
        counts[relation] = max(
            counts[relation] + sum(link.relation is relation for link in mine.sponsors),
            spouses + sum(link.relation is relation for link in theirs.beneficiaries),
        )
    for limited, count in counts.items():
        if limited in most and count >= most[limited]:
            raise RelationMaxError(relation=limited)
    if parent is None or parent not in most:
        return
    child, other = (mine, beneficiary) if relation is Relation.PARENT else (theirs, sponsor)
    parents = {
        link.beneficiary
        for link in child.beneficiaries
        if link.relation is Relation.PARENT and link.parent is parent
    } | {
        link.sponsor
        for link in child.sponsors
        if link.relation is Relation.CHILD and link.parent is parent
    }
    if len(parents - {other.account_id}) >= most[parent]:
        raise RelationMaxError(relation=parent)


def _check_past(terms: BindingTerms, mine: Account, beneficiary: StreamId, now: Instant) -> None:
    """Whom the sponsor ever had counts for ever, and who parted waits before the next time."""
    past = {tie.beneficiary: tie.parted_on for tie in mine.ever}
    most = terms.max_lifetime_distinct_beneficiaries
    if most is not None and beneficiary not in past and len(past) >= most:
        raise LifetimeLimitError(limit=most)
    parted_on = past.get(beneficiary)
    if parted_on is not None:
        opens_on = parted_on + timedelta(days=terms.rebind_lock_days)
        if now.on < opens_on:
            raise RebindLockedError(earliest=opens_on.isoformat())
