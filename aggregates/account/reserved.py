"""Held money: it is still in the account, but balances and caps count it as spent."""

from aggregates.account.events import AidReceived, Debited
from aggregates.account.fold import evolve
from aggregates.account.state import Account, AccountHold
from aggregates.vocabulary import Instant


def live_holds(account: Account, now: Instant) -> tuple[AccountHold, ...]:
    """The holds that have not expired."""
    return tuple(h for h in account.holds if h.expires_at is None or h.expires_at > now.at)


def held_fen(account: Account, now: Instant) -> int:
    """How much of an account's own money is held, both buckets together."""
    return sum(hold.current_fen + hold.prior_fen for hold in live_holds(account, now))


def assert_sound(account: Account, now: Instant) -> None:
    """Assert that no bucket is below zero or contains less than is held of it."""
    assert min(account.current_fen, account.prior_fen) >= 0, "no bucket is below zero"
    if account.holds:
        free = as_spent(account, now)
        assert min(free.current_fen, free.prior_fen) >= 0, "held money is in its bucket"


def as_spent(account: Account, now: Instant) -> Account:
    """An account as if all held money were debited, so that balance and caps count it."""
    for hold in live_holds(account, now) if account.holds else ():
        if hold.current_fen + hold.prior_fen:
            debit = Debited(
                settlement=hold.hold,
                binding=hold.binding,
                current_fen=hold.current_fen,
                prior_fen=hold.prior_fen,
                on=hold.on,
            )
            account = evolve(account, debit)
        if hold.aid_fen:
            aid = AidReceived(settlement=hold.hold, amount_fen=hold.aid_fen, on=hold.on)
            account = evolve(account, aid)
    return account
