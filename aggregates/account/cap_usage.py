"""What was spent in a day, a month and an insurance year: the sums that caps are compared with.

`begins` is the day MM-DD on which the insurance year begins.
"""

from datetime import date
from typing import NamedTuple

from aggregates.account.insurance_year import NEW_YEAR, insurance_year


class Spending(NamedTuple):
    """Sums in fen for the day `on`, its month and its insurance year; earlier ones are not kept."""

    on: date
    day_fen: int
    month_fen: int
    year_fen: int


NOTHING = Spending(date.min, 0, 0, 0)


def counted_on(spending: Spending, on: date, begins: str = NEW_YEAR) -> Spending:
    """The sums that count on a later day: those of a period that has ended are 0."""
    then = spending.on
    if then == on:
        return spending
    return Spending(
        on,
        0,
        spending.month_fen if (then.year, then.month) == (on.year, on.month) else 0,
        spending.year_fen if insurance_year(then, begins) == insurance_year(on, begins) else 0,
    )


def together(one: Spending, other: Spending, begins: str = NEW_YEAR) -> Spending:
    """What counts of two sums on the newer of their days."""
    newest = max(one.on, other.on)
    _, *these = counted_on(one, newest, begins)
    _, *those = counted_on(other, newest, begins)
    return Spending(newest, *(fen + more for fen, more in zip(these, those, strict=True)))


def spend(spending: Spending, on: date, amount_fen: int, begins: str = NEW_YEAR) -> Spending:
    """Add an amount to the sums of its day; a negative amount is a return.

    A day before the newest one still counts in its month and year (policy.md §3.4 rule 5),
    because two processes may pass midnight in different order.
    """
    newest = max(spending.on, on)
    _, day_fen, month_fen, year_fen = counted_on(spending, newest, begins)
    is_year = insurance_year(on, begins) == insurance_year(newest, begins)
    return Spending(
        newest,
        day_fen + (amount_fen if on == newest else 0),
        month_fen + (amount_fen if (on.year, on.month) == (newest.year, newest.month) else 0),
        year_fen + (amount_fen if is_year else 0),
    )
