"""Who may be bound to whom: the parties, limits and waiting periods of policy.md §3.2.

All counts come from the two accounts, so that concurrent confirmations conflict at the append.
"""

from dataclasses import dataclass
from datetime import timedelta

from aggregates import refusals
from aggregates.account.state import Account
from aggregates.policy.choices import Activation, BeneficiaryScope, OrderMissing
from aggregates.policy.edition import BindingTerms, Edition
from aggregates.vocabulary import (
    Instant,
    Insurance,
    InsuranceStatus,
    ParentSex,
    Relation,
    StreamId,
)

SCOPE_DIGITS = {
    BeneficiaryScope.SAME_POOLING_REGION: 6,
    BeneficiaryScope.SAME_PROVINCE: 2,
    BeneficiaryScope.ANY: 0,
}
"""The leading digits that the codes of both regions share."""


@dataclass(frozen=True, slots=True)
class Side:
    """One party of a binding: its account, and its region's rules."""

    account_id: StreamId
    account: Account
    edition: Edition


def activation_of(terms: BindingTerms, relation: Relation) -> Activation:
    """Who makes a binding of this relation active (`activation_by_relation`, `activation`).

    A grandparent or grandchild of either line is of the one that leaves the line open.
    """
    for stated, activation in terms.activation_by_relation.items():
        if stated is relation:
            return activation
    for stated, activation in terms.activation_by_relation.items():
        if stated.startswith("GRAND") and relation.startswith(stated):
            return activation
    return terms.activation


E_CREDENTIAL_ACTIVE = "E_CREDENTIAL_ACTIVE"
"""The mark on a person whose medical e-credential is active (医保电子凭证已激活)."""


def account_of_stranger(region: str, now: Instant) -> Account:
    """An account assumed for an unknown person: insured in a region, without bindings."""
    return Account(
        region=region,
        insurance=Insurance.RESIDENT,
        standing=InsuranceStatus.NORMAL,
        flags=(E_CREDENTIAL_ACTIVE,),
        year=now.on.year,
    )


def check_parties(sponsor: Side, beneficiary: Side) -> None:
    """Check that the region accepts both persons, their status, and their regions.

    Raises:
        SponsorExcludedError, AccountEndedError, NoFundsError, PartyStatusError,
        CredentialInactiveError, ScopeError.
    """
    terms = sponsor.edition.binding
    if is_excluded(terms, sponsor.account, beneficiary.account):
        raise refusals.SponsorExcludedError
    if sponsor.account.ending is not None or beneficiary.account.ending is not None:
        raise refusals.AccountEndedError
    if sponsor.account.insurance is not Insurance.EMPLOYEE:
        raise refusals.NoFundsError
    if sponsor.account.status not in terms.sponsor_status_ok:
        raise refusals.PartyStatusError(side="sponsor")
    if beneficiary.account.status not in terms.beneficiary_status_ok:
        raise refusals.PartyStatusError(side="beneficiary")
    if terms.both_credentials_active:
        _check_credential(sponsor.account, "sponsor")
        _check_credential(beneficiary.account, "beneficiary")
    check_scope(sponsor, beneficiary.account.region)


def _check_credential(account: Account, side: str) -> None:
    if E_CREDENTIAL_ACTIVE not in account.flags:
        raise refusals.CredentialInactiveError(side=side)


def is_excluded(terms: BindingTerms, sponsor: Account, beneficiary: Account) -> bool:
    """Whether a mark on one of the two excludes the binding (`excluded_persons`, `_sponsors`)."""
    either = {*sponsor.flags, *beneficiary.flags}.intersection(terms.excluded_persons)
    return bool(either) or bool(set(sponsor.flags).intersection(terms.excluded_sponsors))


def check_scope(sponsor: Side, region: str) -> None:
    """Check that the sponsor's region allows beneficiaries of another region (S118).

    Raises:
        ScopeError: it does not.
    """
    scope = sponsor.edition.binding.beneficiary_scope
    digits = SCOPE_DIGITS[scope]
    if region[:digits] != sponsor.account.region[:digits]:
        raise refusals.ScopeError(scope=scope)


def check_limits(
    relation: Relation, parent: ParentSex | None, sponsor: Side, beneficiary: Side, now: Instant
) -> None:
    """Check the limits before another binding.

    Raises:
        AlreadyBoundError, DualRoleForbiddenError, RelationMaxError, BeneficiaryLimitError,
        SponsorLimitError, LifetimeLimitError, RebindLockedError, OrderNotSetError.
    """
    mine, theirs = sponsor.account, beneficiary.account
    terms = sponsor.edition.binding
    if any(link.sponsor == sponsor.account_id for link in theirs.sponsors):
        raise refusals.AlreadyBoundError
    if not terms.allow_dual_role and (mine.sponsors or theirs.beneficiaries):
        raise refusals.DualRoleForbiddenError
    _check_relation(relation, parent, sponsor, beneficiary)
    most = terms.max_beneficiaries_per_sponsor
    if most is not None and len(mine.beneficiaries) >= most:
        raise refusals.BeneficiaryLimitError(limit=most)
    most = beneficiary.edition.binding.max_sponsors_per_beneficiary
    if most is not None and len(theirs.sponsors) >= most:
        raise refusals.SponsorLimitError(limit=most)
    _check_past(terms, mine, beneficiary.account_id, now)
    order = beneficiary.edition.order
    needs_order = order.order_missing is OrderMissing.REJECT_BINDING
    if needs_order and theirs.sponsors and theirs.order is None:
        raise refusals.OrderNotSetError


def _check_relation(
    relation: Relation, parent: ParentSex | None, sponsor: Side, beneficiary: Side
) -> None:
    """Check the region's limit of one relation, on both sides of a binding.

    A spouse counts on either side; a person's father may be beneficiary or sponsor.
    """
    most = sponsor.edition.binding.relation_max
    mine, theirs = sponsor.account, beneficiary.account
    count = sum(link.relation is relation for link in mine.beneficiaries)
    if relation is Relation.SPOUSE:
        spouses = sum(link.relation is relation for link in theirs.sponsors)
        count = max(
            count + sum(link.relation is relation for link in mine.sponsors),
            spouses + sum(link.relation is relation for link in theirs.beneficiaries),
        )
    if relation in most and count >= most[relation]:
        raise refusals.RelationMaxError(relation=relation)
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
        raise refusals.RelationMaxError(relation=parent)


def _check_past(terms: BindingTerms, mine: Account, beneficiary: StreamId, now: Instant) -> None:
    """Check the lifetime limit of beneficiaries, and the wait before a binding is renewed."""
    past = {tie.beneficiary: tie.parted_on for tie in mine.ever}
    most = terms.max_lifetime_distinct_beneficiaries
    if most is not None and beneficiary not in past and len(past) >= most:
        raise refusals.LifetimeLimitError(limit=most)
    ended_on = past.get(beneficiary)
    if ended_on is not None:
        earliest = ended_on + timedelta(days=terms.rebind_lock_days)
        if now.on < earliest:
            raise refusals.RebindLockedError(earliest=earliest.isoformat())
