"""The sums that caps are compared with: day, month and year in Beijing."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.cap_usage import NOTHING, Spending, counted_on, spend

LATE = date(2026, 12, 31)

days = st.dates(date(2025, 12, 28), date(2026, 3, 3))
spent = st.lists(st.tuples(days, st.integers(-500, 1_000)), min_size=1, max_size=12)


def counted(entries: list[tuple[date, int]], on: date) -> Spending:
    """The sums by definition: all amounts of that day, month and year."""
    return Spending(
        on,
        sum(fen for day, fen in entries if day == on),
        sum(fen for day, fen in entries if (day.year, day.month) == (on.year, on.month)),
        sum(fen for day, fen in entries if day.year == on.year),
    )


def told(entries: list[tuple[date, int]]) -> Spending:
    spending = NOTHING
    for day, fen in entries:
        spending = spend(spending, day, fen)
    return spending


@given(spent)
def test_the_counters_are_the_sums_of_the_newest_day(entries: list[tuple[date, int]]) -> None:
    """In any order of days, the sums are those of the newest day's periods."""
    assert counted(entries, max(day for day, _ in entries)) == told(entries)


@given(spent, st.integers(0, 500))
def test_a_later_day_sees_what_lies_in_its_periods(
    entries: list[tuple[date, int]], days_later: int
) -> None:
    """On a later day the sums of ended periods are 0."""
    later = max(day for day, _ in entries) + timedelta(days=days_later)

    assert counted(entries, later) == counted_on(told(entries), later)


@given(spent, days, st.integers(1, 1_000))
def test_taking_back_is_counting_less(entries: list[tuple[date, int]], day: date, fen: int) -> None:
    """An amount that is returned on its day leaves the sums unchanged."""
    newest = max(day, *(on for on, _ in entries))

    expected = counted_on(told(entries), newest)
    assert expected == counted_on(told([*entries, (day, fen), (day, -fen)]), newest)


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2026, 12, 31), Spending(date(2026, 12, 31), 30, 30, 30)),
        (date(2027, 1, 1), Spending(date(2027, 1, 1), 0, 0, 0)),
    ],
)
def test_new_year_ends_day_month_and_year(on: date, expected: Spending) -> None:
    """Spending on 31 December counts in no period of the next year (S75)."""
    assert expected == counted_on(spend(NOTHING, LATE, 30), on)


def test_the_same_day_of_another_month_is_another_day() -> None:
    """A day of the same number in another month is another day."""
    before = spend(NOTHING, date(2026, 1, 31), 30)

    assert Spending(date(2026, 3, 31), 0, 0, 30) == counted_on(before, date(2026, 3, 31))


def test_the_same_month_of_another_year_is_another_month() -> None:
    """March of last year is not this March."""
    before = spend(NOTHING, date(2025, 3, 31), 30)

    assert Spending(date(2026, 3, 31), 0, 0, 0) == counted_on(before, date(2026, 3, 31))


def test_a_debit_that_comes_in_after_midnight_counts_on_its_own_day() -> None:
    """A late debit counts in its own month and year, and not today (S89)."""
    today = spend(NOTHING, date(2026, 3, 3), 10)

    assert Spending(date(2026, 3, 3), 10, 15, 15) == spend(today, date(2026, 3, 2), 5)
