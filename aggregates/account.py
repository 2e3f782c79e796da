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
    InsuranceResumed,
    InsuranceSuspended,
    InvitationReceived,
    OrderChanged,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.refusals import (
    AccountEndedError,
    AmountOutOfRangeError,
    DateInvalidError,
    NoFundsError,
    StatusUnchangedError,
)
from aggregates.spending import NOTHING, Spending, spend
from aggregates.vocabulary import (
    Bucket,
    Ending,
    Instant,
    Insurance,
    Relation,
    Standing,
    StreamId,
)

AMOUNT_MAX_FEN = 9_999_999_999_999_999
"""The largest amount of numeric(16,2), in fen."""

IN_ORDER = (Standing.NORMAL, Standing.RETIRED)


class SponsorLink(NamedTuple):
    """A sponsor behind this account's owner, and when he came."""

    binding: StreamId
    sponsor: StreamId
    relation: Relation
    linked_at: datetime


class BeneficiaryLink(NamedTuple):
    """A beneficiary of this account, and what he has used."""

    binding: StreamId
    beneficiary: StreamId
    relation: Relation
    used: Spending


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
    if isinstance(event, AccountFrozen | AccountUnfrozen):
        return account._replace(is_frozen=isinstance(event, AccountFrozen))
    if isinstance(event, InsuranceSuspended | InsuranceResumed):
        return account._replace(standing=event.standing)
    if isinstance(event, AccountClosed):
        return account._replace(ending=event.ending, successor=event.successor)
    return _evolve_family(account, event)


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


def _evolve_family(
    account: Account,
    event: OrderChanged
    | InvitationReceived
    | SponsorLinked
    | SponsorUnlinked
    | BeneficiaryLinked
    | BeneficiaryUnlinked,
) -> Account:
    match event:
        case OrderChanged(bindings=bindings):
            return account._replace(order=bindings, order_version=account.order_version + 1)
        case InvitationReceived(binding=binding, sponsor=sponsor):
            return account._replace(invitations=(*account.invitations, (binding, sponsor)))
        case SponsorLinked(binding=binding, sponsor=sponsor, relation=relation, linked_at=at):
            link = SponsorLink(binding, sponsor, relation, at)
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=(*account.sponsors, link),
            )
        case SponsorUnlinked(binding=binding):
            return account._replace(
                invitations=tuple(i for i in account.invitations if i[0] != binding),
                sponsors=tuple(s for s in account.sponsors if s.binding != binding),
            )
        case BeneficiaryLinked(binding=binding, beneficiary=beneficiary, relation=relation):
            mine = BeneficiaryLink(binding, beneficiary, relation, NOTHING)
            return account._replace(beneficiaries=(*account.beneficiaries, mine))
        case BeneficiaryUnlinked(binding=binding):
            return account._replace(
                beneficiaries=tuple(b for b in account.beneficiaries if b.binding != binding),
            )


def credit(account: Account, bucket: Bucket, amount_fen: int, reference: str | None) -> Credited:
    """Bring money in.

    Raises:
        AccountEndedError: nothing comes in after the end; NoFundsError: a resident's account;
        AmountOutOfRangeError: not above zero, or the balance would pass numeric(16,2).
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if not account.has_funds:
        raise NoFundsError
    if not 0 < amount_fen <= AMOUNT_MAX_FEN - account.balance_fen:
        raise AmountOutOfRangeError(field="amount")
    return Credited(bucket=bucket, amount_fen=amount_fen, reference=reference)


def change_status(
    account: Account,
    status: str,
    reason: str,
    effective_on: date,
    now: Instant,
    successor: StreamId | None = None,
) -> AccountEvent:
    """Freeze, unfreeze, suspend, resume or end an account (policy.md §3.3).

    `status` is what the account should be: NORMAL, RETIRED, SUSPENDED, ARREARS, FROZEN,
    DECEASED, TRANSFERRED or CLOSED. NORMAL or RETIRED on a frozen account lifts the freeze
    when the standing is that already.

    Raises:
        AccountEndedError: an ending is final; StatusUnchangedError: it is so already;
        DateInvalidError: an effective day ahead of today.
    """
    if account.ending is not None:
        raise AccountEndedError(status=account.status)
    if effective_on > now.on:
        raise DateInvalidError(field="effective_on")
    if status == account.status:
        raise StatusUnchangedError(status=status)
    if status in Ending.__members__:
        return AccountClosed(
            ending=Ending(status), reason=reason, effective_on=effective_on, successor=successor
        )
    if status == "FROZEN":
        return AccountFrozen(reason=reason)
    if account.is_frozen and status == account.standing:
        return AccountUnfrozen(reason=reason)
    standing = Standing(status)
    kind = InsuranceResumed if standing in IN_ORDER else InsuranceSuspended
    return kind(standing=standing, reason=reason, effective_on=effective_on)
