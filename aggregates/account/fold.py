"""The fold of an insured person's account: money, insurance status and family ties.

Every insured person has an account; a resident's holds no money. All binding counts come from
this fold, so two confirmations at the same instant conflict at the append.
"""

from collections.abc import Callable
from typing import Any, get_args

from aggregates.account import events
from aggregates.account.cap_usage import NOTHING
from aggregates.account.fold_money import (
    BalanceEvent,
    PoolSideEvent,
    ReserveEvent,
    SpendingEvent,
    evolve_balance,
    evolve_pool_side,
    evolve_reserve,
    evolve_spending,
)
from aggregates.account.insurance_year import insurance_year
from aggregates.account.state import (
    Account,
    BeneficiaryLink,
    ChronicFiling,
    Filing,
    HeldCredential,
    PastTie,
    ShownCode,
    SponsorLink,
)
from aggregates.vocabulary import Parting

FamilyEvent = (
    events.OrderChanged
    | events.InvitationReceived
    | events.SponsorLinked
    | events.SponsorUnlinked
    | events.BeneficiaryLinked
    | events.BeneficiaryUnlinked
)
StandingEvent = (
    events.AccountFrozen
    | events.AccountUnfrozen
    | events.InsuranceSuspended
    | events.InsuranceResumed
    | events.AccountClosed
    | events.FilingMade
    | events.FlagsChanged
    | events.PersonErased
)
ChronicEvent = (
    events.ChronicDiseaseFiled | events.ChronicDiseaseReviewed | events.ChronicFilingWithdrawn
)
CredentialEvent = events.CredentialAdded | events.CredentialWithdrawn
AccountEvent = (
    events.AccountOpened
    | SpendingEvent
    | BalanceEvent
    | ReserveEvent
    | FamilyEvent
    | StandingEvent
    | CredentialEvent
    | ChronicEvent
    | PoolSideEvent
    | events.QuotaBegun
    | events.BalanceOpened
    | events.AuthoriserCodeShown
    | events.InsuranceYearMoved
)


def evolve(account: Account | None, event: AccountEvent) -> Account:
    """Fold one event into an account. Nothing is validated: the event has happened."""
    if isinstance(event, events.AccountOpened):
        return Account(
            region=event.region,
            insurance=event.insurance,
            standing=event.standing,
            flags=event.flags,
            year=insurance_year(event.on, event.insurance_year_from),
            insured_place=event.insured_place,
            year_from=event.insurance_year_from,
        )
    assert account is not None, "an account begins with AccountOpened"
    return _FOLDS[type(event)](account, event)


def _evolve_standing(account: Account, event: StandingEvent) -> Account:
    match event:
        case events.AccountFrozen() | events.AccountUnfrozen():
            return account._replace(is_frozen=isinstance(event, events.AccountFrozen))
        case events.InsuranceSuspended() | events.InsuranceResumed():
            return account._replace(standing=event.standing)
        case events.AccountClosed(ending=ending, successor=successor):
            return account._replace(ending=ending, successor=successor)
        case events.FilingMade():
            filing = Filing(event.place, event.kind, event.from_on, event.until_on)
            others = tuple(f for f in account.filings if f.place != event.place)
            return account._replace(filings=(*others, filing))
        case events.FlagsChanged(flags=flags):
            return account._replace(flags=flags)
        case events.PersonErased():
            return account._replace(is_erased=True, credentials=(), chronic=())


def _evolve_chronic(account: Account, event: ChronicEvent) -> Account:
    others = tuple(f for f in account.chronic if f.filing != event.filing)
    match event:
        case events.ChronicDiseaseFiled():
            filed = ChronicFiling(
                event.filing,
                event.institution,
                event.disease,
                event.name,
                event.begins_on,
                event.ends_on,
            )
            return account._replace(chronic=(*others, filed))
        case events.ChronicDiseaseReviewed(is_granted=True):
            granted = tuple(
                f._replace(is_granted=f.is_granted or f.filing == event.filing)
                for f in account.chronic
            )
            return account._replace(chronic=granted)
        case events.ChronicDiseaseReviewed() | events.ChronicFilingWithdrawn():
            return account._replace(chronic=others)


def _evolve_credentials(account: Account, event: CredentialEvent) -> Account:
    if isinstance(event, events.CredentialAdded):
        held = HeldCredential(event.kind, event.sealed)
        return account._replace(credentials=(*account.credentials, held))
    left = tuple(held for held in account.credentials if held.sealed != event.sealed)
    return account._replace(credentials=left)


def _evolve_family(account: Account, event: FamilyEvent) -> Account:
    match event:
        case events.OrderChanged(bindings=bindings):
            return account._replace(order=bindings, order_version=account.order_version + 1)
        case events.InvitationReceived(binding=binding, sponsor=sponsor):
            return account._replace(invitations=(*account.invitations, (binding, sponsor)))
        case events.SponsorLinked(binding=binding, sponsor=sponsor, relation=relation):
            link = SponsorLink(binding, sponsor, relation, event.parent, event.linked_at)
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=(*account.sponsors, link),
                by_name=event.by_name or account.by_name,
                order_version=_next_order_version(account),
            )
        case events.SponsorUnlinked(binding=binding):
            left = tuple(s for s in account.sponsors if s.binding != binding)
            is_gone = len(left) != len(account.sponsors)
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=left,
                order_version=_next_order_version(account) if is_gone else account.order_version,
            )
        case events.BeneficiaryLinked():
            return _link_beneficiary(account, event)
        case events.BeneficiaryUnlinked():
            return _unlink_beneficiary(account, event)


def _next_order_version(account: Account) -> int:
    """The order's version after a sponsor came or went; it stays 0 until an order is set."""
    return account.order_version + (account.order is not None)


def _link_beneficiary(account: Account, event: events.BeneficiaryLinked) -> Account:
    who = event.beneficiary
    link = BeneficiaryLink(event.binding, who, event.relation, event.parent, NOTHING)
    others = tuple(tie for tie in account.ever if tie.beneficiary != who)
    return account._replace(
        beneficiaries=(*account.beneficiaries, link), ever=(*others, PastTie(who, None))
    )


def _unlink_beneficiary(account: Account, event: events.BeneficiaryUnlinked) -> Account:
    """Keep the tie with the day it ended; count it among the year's releases if it was one."""
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


def _begin_quota(account: Account, event: events.QuotaBegun) -> Account:
    links = (
        link._replace(quota_used_fen=0) if link.binding == event.binding else link
        for link in account.beneficiaries
    )
    return account._replace(beneficiaries=tuple(links))


def _keep_code(account: Account, event: events.AuthoriserCodeShown) -> Account:
    return account._replace(shown_code=ShownCode(event.code, event.expires_at))


def _move_year(account: Account, event: events.InsuranceYearMoved) -> Account:
    return account._replace(year_from=event.begins)


def _open_balance(account: Account, event: events.BalanceOpened) -> Account:
    return account._replace(is_balance_open=True, year=event.year)


_FOLDS: dict[type, Callable[[Account, Any], Account]] = {
    event_class: fold
    for group, fold in (
        (SpendingEvent, evolve_spending),
        (BalanceEvent, evolve_balance),
        (PoolSideEvent, evolve_pool_side),
        (ReserveEvent, evolve_reserve),
        (FamilyEvent, _evolve_family),
        (StandingEvent, _evolve_standing),
        (CredentialEvent, _evolve_credentials),
        (ChronicEvent, _evolve_chronic),
    )
    for event_class in get_args(group)
} | {
    events.QuotaBegun: _begin_quota,
    events.BalanceOpened: _open_balance,
    events.AuthoriserCodeShown: _keep_code,
    events.InsuranceYearMoved: _move_year,
}
"""The fold of each event class. A lookup is faster than a chain of isinstance."""
