"""The turn of the year: what was current money is prior money (policy.md §3.3).

Nothing runs at midnight. Whatever happens first to an account in a new year closes the old one
before, so that an account nobody touches costs nothing, and looks as if it had been closed.
"""

from aggregates.account.events import YearClosed
from aggregates.account.fold import evolve
from aggregates.account.state import Account
from aggregates.vocabulary import Instant


def closing(account: Account, now: Instant) -> YearClosed | None:
    """What ends the years before this one, if they are still open; a resident has no buckets."""
    if account.year >= now.on.year or not account.has_funds:
        return None
    return YearClosed(year=now.on.year - 1, carried_fen=account.current_fen)


def turned(account: Account, now: Instant) -> Account:
    """An account as it counts now, whether its old year was closed yet or not."""
    closed = closing(account, now)
    return account if closed is None else evolve(account, closed)
