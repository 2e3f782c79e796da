"""The insurance year: the year of buckets and of yearly caps (regions.md §4 row 5).

An area's edition says on which day it begins (`money.insurance_year_from`). An account has the day
of its own area's edition in force. What is no money of an account follows the calendar: the year of
a premium, the number of releases in a year, and the sums of bills that hospitals ask for.
"""

from datetime import date

NEW_YEAR = "01-01"
"""The day on which the calendar year begins, as MM-DD."""


def insurance_year(day: date, begins: str) -> int:
    """The insurance year of a day: the calendar year in which it began, on the day MM-DD."""
    if begins == NEW_YEAR or day.isoformat()[5:] >= begins:
        return day.year
    return day.year - 1


def first_day(year: int, begins: str) -> date:
    """The first day of an insurance year."""
    return date.fromisoformat(f"{year:04d}-{begins}")


def has_turned(before: date, on: date, begins: str) -> bool:
    """Whether an insurance year began between two days."""
    return insurance_year(before, begins) < insurance_year(on, begins)
