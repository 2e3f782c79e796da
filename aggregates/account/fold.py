"""An insured person's account: his money, his standing, and whom it is tied to.

Everybody insured has one; a resident's holds no money. All counts of bindings
fold from here, so that two confirmations at the same instant conflict.
"""

from aggregates.account.cap_usage import NOTHING
from aggregates.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    FilingMade,
    InsuranceResumed,
    InsuranceSuspended,
    InvitationReceived,
    OrderChanged,
    PersonErased,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.account.fold_money import (
    FUNDS,
    MONEY,
    FundEvent,
    MoneyEvent,
    evolve_funds,
    evolve_money,
)
from aggregates.account.state import Account, BeneficiaryLink, Filing, PastTie, SponsorLink
from aggregates.vocabulary import Parting

FamilyEvent = (
    OrderChanged
    | InvitationReceived
    | SponsorLinked
    | SponsorUnlinked
    | BeneficiaryLinked
    | BeneficiaryUnlinked
)
FAMILY = (
    OrderChanged,
    InvitationReceived,
    SponsorLinked,
    SponsorUnlinked,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
)
StandingEvent = (
    AccountFrozen
    | AccountUnfrozen
    | InsuranceSuspended
    | InsuranceResumed
    | AccountClosed
    | FilingMade
    | PersonErased
)


AccountEvent = AccountOpened | MoneyEvent | FundEvent | FamilyEvent | StandingEvent


def evolve(account: Account | None, event: AccountEvent) -> Account:
    """Fold one event into an account. Never judges: what happened, happened."""
    if isinstance(event, AccountOpened):
        return Account(
            region=event.region,
            insurance=event.insurance,
            standing=event.standing,
            flags=event.flags,
            year=event.on.year,
        )
    assert account is not None, "an account begins with AccountOpened"
    if isinstance(event, MONEY):
        return evolve_money(account, event)
    if isinstance(event, FAMILY):
        return _evolve_family(account, event)
    if isinstance(event, FUNDS):
        return evolve_funds(account, event)
    return _evolve_standing(account, event)


def _evolve_standing(account: Account, event: StandingEvent) -> Account:
    match event:
        case AccountFrozen() | AccountUnfrozen():
            return account._replace(is_frozen=isinstance(event, AccountFrozen))
        case InsuranceSuspended(standing=standing) | InsuranceResumed(standing=standing):
            return account._replace(standing=standing)
        case AccountClosed(ending=ending, successor=successor):
            return account._replace(ending=ending, successor=successor)
        case FilingMade():
            filing = Filing(event.place, event.kind, event.from_on, event.until_on)
            others = tuple(f for f in account.filings if f.place != event.place)
            return account._replace(filings=(*others, filing))
        case PersonErased():
            return account._replace(is_erased=True)


def _evolve_family(account: Account, event: FamilyEvent) -> Account:
    match event:
        case OrderChanged(bindings=bindings):
            return account._replace(order=bindings, order_version=account.order_version + 1)
        case InvitationReceived(binding=binding, sponsor=sponsor):
            return account._replace(invitations=(*account.invitations, (binding, sponsor)))
        case SponsorLinked(binding=binding, sponsor=sponsor, relation=relation):
            link = SponsorLink(binding, sponsor, relation, event.parent, event.linked_at)
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=(*account.sponsors, link),
                order_version=_order_moved(account),
            )
        case SponsorUnlinked(binding=binding):
            left = tuple(s for s in account.sponsors if s.binding != binding)
            is_gone = len(left) != len(account.sponsors)
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=left,
                order_version=_order_moved(account) if is_gone else account.order_version,
            )
        case BeneficiaryLinked():
            return _linked(account, event)
        case BeneficiaryUnlinked():
            return _unlinked(account, event)


def _order_moved(account: Account) -> int:
    """The order's version after a sponsor came or went; before an order is set it is 0."""
    return account.order_version + (account.order is not None)


def _linked(account: Account, event: BeneficiaryLinked) -> Account:
    who = event.beneficiary
    link = BeneficiaryLink(event.binding, who, event.relation, event.parent, NOTHING)
    others = tuple(tie for tie in account.ever if tie.beneficiary != who)
    return account._replace(
        beneficiaries=(*account.beneficiaries, link), ever=(*others, PastTie(who, None))
    )


def _unlinked(account: Account, event: BeneficiaryUnlinked) -> Account:
    """The tie is over: remembered with its day, and counted where somebody released it."""
    gone = {b.beneficiary for b in account.beneficiaries if b.binding == event.binding}
    year, count = account.releases
    if event.parting is Parting.RELEASED:
        year, count = event.on.year, count + 1 if year == event.on.year else 1
    return account._replace(
        beneficiaries=tuple(b for b in account.beneficiaries if b.binding != event.binding),
        ever=tuple(
            PastTie(tie.beneficiary, event.on) if tie.beneficiary in gone else tie
            for tie in account.ever
        ),
        releases=(year, count),
    )
