"""Money set aside: it is still in the account, and counts as spent wherever it is asked."""

from aggregates.account.events import AidReceived, Debited
from aggregates.account.fold import evolve
from aggregates.account.state import Account, AccountHold
from aggregates.vocabulary import Instant


def live_holds(account: Account, now: Instant) -> tuple[AccountHold, ...]:
    """The holds that have not run out."""
    return tuple(h for h in account.holds if h.expires_at is None or h.expires_at > now.at)


def held_fen(account: Account, now: Instant) -> int:
    """What is set aside of an account's own money, both buckets together."""
    return sum(hold.current_fen + hold.prior_fen for hold in live_holds(account, now))


def assert_sound(account: Account, now: Instant) -> None:
    """What holds for an account after every decision, whoever made it.

    Raises:
        AssertionError: a bucket is below zero, or has less in it than is set aside of it.
    """
    assert min(account.current_fen, account.prior_fen) >= 0, "no bucket is below zero"
    if account.holds:
        free = as_spent(account, now)
        assert min(free.current_fen, free.prior_fen) >= 0, "what is set aside is there"


def as_spent(account: Account, now: Instant) -> Account:
    """An account as if everything held had left it, so that balance and caps both count it."""
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
