"""The fold of every event that moves an account's buckets, cap usage or holds."""

from typing import TypedDict

from aggregates.account import events
from aggregates.account.cap_usage import Spending, spend
from aggregates.account.state import Account, AccountHold, BeneficiaryLink, Suspended
from aggregates.vocabulary import Bucket

SpendingEvent = events.Debited | events.DebitReturned | events.AidReceived | events.AidReturned
BalanceEvent = (
    events.Credited
    | events.Corrected
    | events.PremiumDebited
    | events.PremiumReturned
    | events.YearClosed
)
PoolSideEvent = events.FamilyPoolOpened | events.MovedToPool | events.MovedFromPool
ReserveEvent = events.Held | events.HoldReleased | events.ReturnSuspended | events.SuspensePaidOut


class _LentFields(TypedDict, total=False):
    """The fields of a sponsor's account that a debit under a binding changes."""

    lent: Spending
    beneficiaries: tuple[BeneficiaryLink, ...]


def evolve_spending(account: Account, event: SpendingEvent) -> Account:
    """Fold what a settlement moves: debits, aid received, and their returns."""
    match event:
        case events.Debited(current_fen=current_fen, prior_fen=prior_fen):
            return _move(account, event, -current_fen, -prior_fen)
        case events.DebitReturned(current_fen=current_fen, prior_fen=prior_fen):
            return _move(account, event, current_fen, prior_fen)
        case events.AidReceived(amount_fen=amount_fen, on=on):
            return account._replace(
                received=spend(account.received, on, amount_fen, account.year_from)
            )
        case events.AidReturned(amount_fen=amount_fen, on=on):
            received = spend(account.received, on, -amount_fen, account.year_from)
            return account._replace(received=received)


def _move(
    account: Account, event: events.Debited | events.DebitReturned, current_fen: int, prior_fen: int
) -> Account:
    """Move money, and count it against the caps if it was debited under a binding."""
    return account._replace(
        current_fen=account.current_fen + current_fen,
        prior_fen=account.prior_fen + prior_fen,
        **_lent(account, event, -(current_fen + prior_fen)),
    )


def _lent(
    account: Account,
    event: events.Debited | events.DebitReturned | events.ReturnSuspended,
    lent_fen: int,
) -> _LentFields:
    """Count what was lent under a binding on its day; the owner's own spending is not counted."""
    if event.binding is None:
        return {}
    return {
        "lent": spend(account.lent, event.on, lent_fen, account.year_from),
        "beneficiaries": tuple(
            link._replace(
                used=spend(link.used, event.on, lent_fen, account.year_from),
                quota_used_fen=_counted(link.quota_used_fen, lent_fen),
            )
            if link.binding == event.binding
            else link
            for link in account.beneficiaries
        ),
    }


def _counted(used_fen: int | None, lent_fen: int) -> int | None:
    """What counts in a quota; the return of what was paid before it began counts nothing."""
    return None if used_fen is None else max(0, used_fen + lent_fen)


def evolve_balance(account: Account, event: BalanceEvent) -> Account:
    """Fold what moves the buckets and no cap counts: credits, corrections, premiums, year ends."""
    match event:
        case events.Credited(amount_fen=amount_fen) | events.Corrected(amount_fen=amount_fen):
            if event.bucket is Bucket.CURRENT:
                return account._replace(current_fen=account.current_fen + amount_fen)
            return account._replace(prior_fen=account.prior_fen + amount_fen)
        case events.PremiumDebited() | events.PremiumReturned():
            sign = 1 if isinstance(event, events.PremiumReturned) else -1
            return account._replace(
                current_fen=account.current_fen + sign * event.current_fen,
                prior_fen=account.prior_fen + sign * event.prior_fen,
            )
        case events.YearClosed(year=year):
            return _carry_over(account, year)


def evolve_pool_side(account: Account, event: PoolSideEvent) -> Account:
    """Fold what the owner moves into the family pool, and what comes back from it."""
    match event:
        case events.FamilyPoolOpened(pool=pool):
            return account._replace(pool=pool)
        case events.MovedFromPool(amount_fen=amount_fen):
            return account._replace(prior_fen=account.prior_fen + amount_fen)
        case events.MovedToPool(on=on):
            year, month, count = account.pool_transfers
            is_same = (year, month) == (on.year, on.month)
            return account._replace(
                current_fen=account.current_fen - event.current_fen,
                prior_fen=account.prior_fen - event.prior_fen,
                pool_transfers=(on.year, on.month, count + 1 if is_same else 1),
            )


def evolve_reserve(account: Account, event: ReserveEvent) -> Account:
    """Fold holds, and money in suspense."""
    match event:
        case events.Held() | events.HoldReleased():
            return _replace_hold(account, event)
        case events.ReturnSuspended(ticket=ticket, amount_fen=amount_fen):
            suspended = (*account.suspended, Suspended(ticket, amount_fen))
            return account._replace(suspended=suspended, **_lent(account, event, -amount_fen))
        case events.SuspensePaidOut():
            left = tuple(s for s in account.suspended if s.ticket != event.ticket)
            return account._replace(suspended=left)


def _replace_hold(account: Account, event: events.Held | events.HoldReleased) -> Account:
    others = tuple(hold for hold in account.holds if hold.hold != event.hold)
    if isinstance(event, events.HoldReleased):
        return account._replace(holds=others)
    hold = AccountHold(
        event.hold,
        event.binding,
        event.current_fen,
        event.prior_fen,
        event.aid_fen,
        event.on,
        event.expires_at,
    )
    return account._replace(holds=(*others, hold))


def _carry_over(account: Account, year: int) -> Account:
    """Current money becomes prior money of the new year, held money too."""
    return account._replace(
        year=year + 1,
        current_fen=0,
        prior_fen=account.prior_fen + account.current_fen,
        holds=tuple(
            h._replace(current_fen=0, prior_fen=h.prior_fen + h.current_fen) for h in account.holds
        ),
    )
