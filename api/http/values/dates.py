"""Dates from outside: from 1900 to a year ahead of the business day.

A date outside of that is a program's default ("0001-01-01") or a mistake, and stored dates are
read for ever.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from aggregates.vocabulary import BEIJING

FIRST = date(1900, 1, 1)
LAST = date(2199, 12, 31)
"""The last day where today is not given."""
LEAP = (2, 29)


@lru_cache(maxsize=8)
def last_day(today: date | None) -> date:
    """A year ahead of today."""
    if today is None:
        return LAST
    if (today.month, today.day) == LEAP:
        return date(today.year + 1, 2, 28)
    return today.replace(year=today.year + 1)


def is_within(sent: date, today: date | None) -> bool:
    """Whether a day, or the Beijing day of an aware moment, is within the bounds."""
    if not isinstance(sent, datetime):
        return FIRST <= sent <= last_day(today)
    first, beyond = _moments(last_day(today))
    return first <= sent < beyond


@lru_cache(maxsize=8)
def _moments(last: date) -> tuple[datetime, datetime]:
    beyond = last + timedelta(days=1)
    return datetime.combine(FIRST, time(), BEIJING), datetime.combine(beyond, time(), BEIJING)
