"""The year close: current money becomes prior money (policy.md §3.3, regions.md §4 row 5).

Nothing runs at midnight. The first event of an account in a new year closes the old year first.
Until then the account is read as if the year were closed, so an unused account costs nothing.

Where an edition moves the day, the year that the old day had begun counts on: a year never goes
back, and money that became prior money stays prior money. The sums of yearly caps are kept, and
count on while their newest day is of today's year by the new day.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from aggregates.account.events import InsuranceYearMoved, YearClosed
from aggregates.account.fold import evolve
from aggregates.account.insurance_year import insurance_year
from aggregates.account.state import Account
from aggregates.vocabulary import Instant

YearEvent = YearClosed | InsuranceYearMoved


class YearDay(NamedTuple):
    """From `since` on, an area's insurance year begins on the day `begins`, MM-DD."""

    since: date
    begins: str


def closing(account: Account, now: Instant) -> YearClosed | None:
    """The event that closes the years before today's; None if none is open, or for residents."""
    return _closing(account, now.on)


def _closing(account: Account, on: date) -> YearClosed | None:
    year = insurance_year(on, account.year_from)
    if account.year >= year or not account.has_funds:
        return None
    return YearClosed(year=year - 1, carried_fen=account.current_fen)


def turning(account: Account, now: Instant, days: Sequence[YearDay] = ()) -> list[YearEvent]:
    """The events that bring an account into today's insurance year, in order; mostly none.

    `days` are its area's, oldest first; without any the account keeps its own. What its area had
    decided since the account's own day was last its area's is made up for, edition by edition.
    """
    events: list[YearEvent] = []
    for day in _missed(account.year_from, days, now.on):
        closed = _closing(account, day.since - timedelta(days=1))
        turns: list[YearEvent] = [closed] if closed else []
        turns.append(InsuranceYearMoved(begins=day.begins))
        account = _after(account, turns)
        events += turns
    closed = _closing(account, now.on)
    return [*events, closed] if closed else events


def turned(account: Account, now: Instant, days: Sequence[YearDay] = ()) -> Account:
    """An account in today's insurance year, whether or not those events are stored yet."""
    return _after(account, turning(account, now, days))


def _after(account: Account, events: Sequence[YearEvent]) -> Account:
    for event in events:
        account = evolve(account, event)
    return account


def _missed(begins: str, days: Sequence[YearDay], on: date) -> Iterator[YearDay]:
    """The days that an area went over to, one after another, since it last had the day `begins`."""
    begun = [day for day in days if day.since <= on]
    own = max((number for number, day in enumerate(begun) if day.begins == begins), default=-1)
    for day in begun[own + 1 :]:
        if day.begins != begins:
            yield day
        begins = day.begins
