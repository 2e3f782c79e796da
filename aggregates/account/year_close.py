"""The year close: current money becomes prior money (policy.md §3.3).

Nothing runs at midnight. The first event of an account in a new year closes the old year first.
Until then the account is read as if the year were closed, so an unused account costs nothing.
"""

from aggregates.account.events import YearClosed
from aggregates.account.fold import evolve
from aggregates.account.state import Account
from aggregates.vocabulary import Instant


def closing(account: Account, now: Instant) -> YearClosed | None:
    """The event that closes the years before today's; None if none is open, or for residents."""
    if account.year >= now.on.year or not account.has_funds:
        return None
    return YearClosed(year=now.on.year - 1, carried_fen=account.current_fen)


def turned(account: Account, now: Instant) -> Account:
    """An account with its old year closed, whether or not that event is stored yet."""
    event = closing(account, now)
    return account if event is None else evolve(account, event)
