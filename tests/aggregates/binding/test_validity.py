"""The period of a grant, up to the end of the calendar."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from aggregates.binding.binding import evolve
from aggregates.binding.validity import last_day_of, months_later
from tests.aggregates.binding.grants import NOW, TODAY, confirmed, sent
from tests.aggregates.settlement.families import P0


@pytest.mark.parametrize(
    ("on", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(9998, 12, 31), 12, date(9999, 12, 31)),
        (date(9998, 12, 31), 13, date.max),
        (date(2026, 3, 2), 10**9, date.max),
        (date(2026, 3, 2), 10**20, date.max),
        (date.max, 1, date.max),
    ],
)
def test_months_later_is_a_day_of_the_calendar(on: date, months: int, later: date) -> None:
    """A date is cut to a shorter month, and to the last day of the calendar."""
    assert later == months_later(on, months)


@pytest.mark.parametrize(("default", "furthest"), [(10**9, None), (None, 10**9), (10**9, 10**9)])
def test_more_months_than_the_calendar_has_are_all_it_has(
    default: int | None, furthest: int | None
) -> None:
    """An edition from before there were bounds does not fail."""
    terms = replace(P0.binding, binding_default_months=default, binding_max_months=furthest)

    assert date.max - timedelta(days=1) == last_day_of(None, TODAY, terms, NOW)


@pytest.mark.parametrize(("months", "ends"), [(0, TODAY), (10**9, date.max), (None, TODAY)])
def test_a_grant_that_renews_itself_ends_some_day(months: int | None, ends: date) -> None:
    """A renewal of no months keeps the end; a very long one moves it to the calendar's end."""
    invited = evolve(None, replace(sent(valid_until=TODAY), renews_months=months))

    assert ends == evolve(invited, confirmed()).ends_on(TODAY + timedelta(days=1))
