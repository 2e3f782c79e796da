"""How an account's money moves: the fold of every event that touches buckets, caps or holds."""

from typing import TypedDict

from aggregates.account.cap_usage import Spending, spend
from aggregates.account.events import (
    AidReceived,
    AidReturned,
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    Held,
    HoldReleased,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.account.state import Account, AccountHold, BeneficiaryLink, Suspended
from aggregates.vocabulary import Bucket

MoneyEvent = Credited | Debited | DebitReturned | AidReceived | AidReturned
MONEY = (Debited, AidReceived, Credited, DebitReturned, AidReturned)
FundEvent = (
    YearClosed
    | Held
    | HoldReleased
    | ReturnSuspended
    | SuspensePaidOut
    | Corrected
    | PremiumDebited
    | PremiumReturned
)
FUNDS = (
    YearClosed,
    Held,
    HoldReleased,
    ReturnSuspended,
    SuspensePaidOut,
    Corrected,
    PremiumDebited,
    PremiumReturned,
)


class _LentFields(TypedDict, total=False):
    """What changes of an account that lends; nothing where its owner spends for himself."""

    lent: Spending
    beneficiaries: tuple[BeneficiaryLink, ...]


def evolve_money(account: Account, event: MoneyEvent) -> Account:
    """Fold a credit, a debit or a return, and aid received. Never judges."""
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
    return account._replace(
        current_fen=account.current_fen + current_fen,
        prior_fen=account.prior_fen + prior_fen,
        **_lent(account, event, -(current_fen + prior_fen)),
    )


def _lent(
    account: Account, event: Debited | DebitReturned | ReturnSuspended, lent_fen: int
) -> _LentFields:
    """Count what was lent under a binding on its day; own money counts nowhere."""
    if event.binding is None:
        return {}
    return {
        "lent": spend(account.lent, event.on, lent_fen),
        "beneficiaries": tuple(
            link._replace(used=spend(link.used, event.on, lent_fen))
            if link.binding == event.binding
            else link
            for link in account.beneficiaries
        ),
    }


def evolve_funds(account: Account, event: FundEvent) -> Account:
    """Fold what happens to money beside credits, debits and returns. Never judges."""
    match event:
        case YearClosed(year=year):
            return _carried(account, year)
        case Held() | HoldReleased():
            return _held(account, event)
        case ReturnSuspended(ticket=ticket, amount_fen=amount_fen):
            kept = (*account.suspended, Suspended(ticket, amount_fen))
            return account._replace(suspended=kept, **_lent(account, event, -amount_fen))
        case SuspensePaidOut(ticket=paid):
            left = tuple(s for s in account.suspended if s.ticket != paid)
            return account._replace(suspended=left)
        case Corrected() | PremiumDebited() | PremiumReturned():
            return _put_right(account, event)


def _held(account: Account, event: Held | HoldReleased) -> Account:
    others = tuple(hold for hold in account.holds if hold.hold != event.hold)
    if isinstance(event, HoldReleased):
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


def _put_right(account: Account, event: Corrected | PremiumDebited | PremiumReturned) -> Account:
    """Move money that no cap counts."""
    if isinstance(event, Corrected):
        is_current = event.bucket is Bucket.CURRENT
        current_fen, prior_fen = (event.amount_fen, 0) if is_current else (0, event.amount_fen)
    else:
        sign = 1 if isinstance(event, PremiumReturned) else -1
        current_fen, prior_fen = sign * event.current_fen, sign * event.prior_fen
    return account._replace(
        current_fen=account.current_fen + current_fen, prior_fen=account.prior_fen + prior_fen
    )


def _carried(account: Account, year: int) -> Account:
    """Current money is prior money of the new year, and so is what is held of it."""
    return account._replace(
        year=year + 1,
        current_fen=0,
        prior_fen=account.prior_fen + account.current_fen,
        holds=tuple(
            h._replace(current_fen=0, prior_fen=h.prior_fen + h.current_fen) for h in account.holds
        ),
    )
