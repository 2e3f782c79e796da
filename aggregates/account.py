"""An insured person's account: his money, his standing, and whom it is tied to.

Everybody insured has one; a resident's holds no money. All counts of bindings
fold from here, so that two confirmations at the same instant conflict.
"""

from datetime import date, datetime
from typing import NamedTuple

from aggregates.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    AidReceived,
    AidReturned,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    Credited,
    Debited,
    DebitReturned,
    FilingMade,
    InsuranceResumed,
    InsuranceSuspended,
    InvitationReceived,
    OrderChanged,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.spending import NOTHING, Spending, spend
from aggregates.vocabulary import (
    Bucket,
    Ending,
    FilingKind,
    Insurance,
    ParentSex,
    Parting,
    Relation,
    Standing,
    StreamId,
)

AMOUNT_MAX_FEN = 9_999_999_999_999_999
"""The largest amount of numeric(16,2), in fen."""


class SponsorLink(NamedTuple):
    """A sponsor behind this account's owner, and when he came."""

    binding: StreamId
    sponsor: StreamId
    relation: Relation
    parent: ParentSex | None
    linked_at: datetime


class BeneficiaryLink(NamedTuple):
    """A beneficiary of this account, and what he has used."""

    binding: StreamId
    beneficiary: StreamId
    relation: Relation
    parent: ParentSex | None
    used: Spending


class PastTie(NamedTuple):
    """A beneficiary this account ever had, and the day they last parted."""

    beneficiary: StreamId
    parted_on: date | None


class Filing(NamedTuple):
    """Where the owner filed to be treated, from when until when (both days included)."""

    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


class Account(NamedTuple):
    """An account as its events left it. Amounts in fen."""

    region: str
    insurance: Insurance
    standing: Standing
    flags: tuple[str, ...]
    is_frozen: bool = False
    ending: Ending | None = None
    successor: StreamId | None = None
    current_fen: int = 0
    prior_fen: int = 0
    invitations: tuple[tuple[StreamId, StreamId], ...] = ()
    sponsors: tuple[SponsorLink, ...] = ()
    order: tuple[StreamId, ...] | None = None
    order_version: int = 0
    beneficiaries: tuple[BeneficiaryLink, ...] = ()
    lent: Spending = NOTHING
    received: Spending = NOTHING
    ever: tuple[PastTie, ...] = ()
    releases: tuple[int, int] = (0, 0)
    filings: tuple[Filing, ...] = ()

    @property
    def has_funds(self) -> bool:
        """Whether money can be held here at all."""
        return self.insurance is Insurance.EMPLOYEE

    @property
    def balance_fen(self) -> int:
        """Both buckets together."""
        return self.current_fen + self.prior_fen

    @property
    def status(self) -> str:
        """One word for how the account stands: an ending, FROZEN, or the insurance's standing."""
        if self.ending is not None:
            return self.ending
        return "FROZEN" if self.is_frozen else self.standing


AccountEvent = (
    AccountOpened
    | Credited
    | Debited
    | DebitReturned
    | AidReceived
    | AidReturned
    | OrderChanged
    | InvitationReceived
    | SponsorLinked
    | SponsorUnlinked
    | BeneficiaryLinked
    | BeneficiaryUnlinked
    | AccountFrozen
    | AccountUnfrozen
    | InsuranceSuspended
    | InsuranceResumed
    | AccountClosed
    | FilingMade
)


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
)
MoneyEvent = Credited | Debited | DebitReturned | AidReceived | AidReturned
MONEY = (Debited, AidReceived, Credited, DebitReturned, AidReturned)


def evolve(account: Account | None, event: AccountEvent) -> Account:
    """Fold one event into an account. Never judges: what happened, happened."""
    if isinstance(event, AccountOpened):
        return Account(
            region=event.region,
            insurance=event.insurance,
            standing=event.standing,
            flags=event.flags,
        )
    assert account is not None, "an account begins with AccountOpened"
    if isinstance(event, MONEY):
        return _evolve_money(account, event)
    if isinstance(event, FAMILY):
        return _evolve_family(account, event)
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


def _evolve_money(account: Account, event: MoneyEvent) -> Account:
    match event:
        case Debited(current_fen=current_fen, prior_fen=prior_fen):
            return _moved(account, event, -current_fen, -prior_fen)
        case DebitReturned(current_fen=current_fen, prior_fen=prior_fen):
            return _moved(account, event, current_fen, prior_fen)
        case AidReceived(amount_fen=amount_fen, on=on):
            return account._replace(received=spend(account.received, on, amount_fen))
        case AidReturned(amount_fen=amount_fen, on=on):
            return account._replace(received=spend(account.received, on, -amount_fen))
        case Credited(bucket=Bucket.CURRENT, amount_fen=amount_fen):
            return account._replace(current_fen=account.current_fen + amount_fen)
        case Credited(amount_fen=amount_fen):
            return account._replace(prior_fen=account.prior_fen + amount_fen)


def _moved(
    account: Account, event: Debited | DebitReturned, current_fen: int, prior_fen: int
) -> Account:
    """Move money, and count it where it was lent under a binding."""
    if event.binding is None:
        return account._replace(
            current_fen=account.current_fen + current_fen,
            prior_fen=account.prior_fen + prior_fen,
        )
    lent_fen = -(current_fen + prior_fen)
    return account._replace(
        current_fen=account.current_fen + current_fen,
        prior_fen=account.prior_fen + prior_fen,
        lent=spend(account.lent, event.on, lent_fen),
        beneficiaries=tuple(
            link._replace(used=spend(link.used, event.on, lent_fen))
            if link.binding == event.binding
            else link
            for link in account.beneficiaries
        ),
    )


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
            )
        case SponsorUnlinked(binding=binding):
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=tuple(s for s in account.sponsors if s.binding != binding),
            )
        case BeneficiaryLinked():
            return _linked(account, event)
        case BeneficiaryUnlinked():
            return _unlinked(account, event)


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
