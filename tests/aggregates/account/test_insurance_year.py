"""The insurance year as a pure function, and accounts whose area begins it on another day."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.cap_usage import NOTHING, Spending, counted_on, spend
from aggregates.account.events import InsuranceYearMoved, YearClosed
from aggregates.account.fold import evolve
from aggregates.account.insurance_year import NEW_YEAR, first_day, has_turned, insurance_year
from aggregates.account.state import Account
from aggregates.account.year_close import YearDay, turned, turning
from aggregates.vocabulary import BEIJING, Instant, instant
from tests.aggregates.account.account_events import credited, opened
from tests.given_when_then import fold

JULY = "07-01"
days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
beginnings = days.map(lambda day: f"{day:%m-%d}").filter(lambda begins: begins != "02-29")
Moves = list[tuple[date, str]]


def on(day: date) -> Instant:
    return instant(datetime.combine(day, time(9), BEIJING))


@given(days, days, beginnings)
def test_a_later_day_is_of_no_earlier_year(one: date, other: date, begins: str) -> None:
    """The year is monotone in the day."""
    first, last = sorted((one, other))

    assert insurance_year(first, begins) <= insurance_year(last, begins)


@given(days, beginnings)
def test_a_year_begins_on_its_day_alone(day: date, begins: str) -> None:
    """The year changes, by one, exactly where the day before was the last one."""
    step = insurance_year(day, begins) - insurance_year(day - timedelta(days=1), begins)

    assert step == (f"{day:%m-%d}" == begins)


@given(days)
def test_from_new_year_on_it_is_the_calendars(day: date) -> None:
    """An edition that says nothing keeps the calendar year."""
    assert day.year == insurance_year(day, NEW_YEAR)


@given(days, beginnings)
def test_a_day_is_within_its_year(day: date, begins: str) -> None:
    """A year has its first day, named by the calendar year, and ends before the next one's."""
    year = insurance_year(day, begins)

    assert first_day(year, begins) <= day < first_day(year + 1, begins)
    assert year == first_day(year, begins).year


@given(days, days, beginnings)
def test_turned_says_that_a_first_day_lies_between(one: date, other: date, begins: str) -> None:
    """Money is of an earlier year once a first day came after it."""
    next_first = first_day(insurance_year(one, begins) + 1, begins)

    assert has_turned(one, other, begins) == (next_first <= other)


@given(st.lists(st.tuples(days, st.integers(0, 99)), max_size=9), days, beginnings)
def test_a_yearly_cap_counts_its_insurance_year(
    entries: list[tuple[date, int]], day: date, begins: str
) -> None:
    """The folded sum of a year is that of the entries of the year, told on any later day."""
    spending = NOTHING
    for then, fen in sorted(entries):
        spending = spend(spending, then, fen, begins)
    day = max(day, spending.on)

    this_year = insurance_year(day, begins)
    total = sum(fen for then, fen in entries if insurance_year(then, begins) == this_year)
    assert total == counted_on(spending, day, begins).year_fen


def test_a_shanghai_year_counts_across_new_year() -> None:
    """What was spent in December still counts in June, and no more on 1 July."""
    spending = spend(NOTHING, date(2026, 12, 31), 70, JULY)

    assert Spending(date(2027, 6, 30), 0, 0, 70) == counted_on(spending, date(2027, 6, 30), JULY)
    assert Spending(date(2027, 7, 1), 0, 0, 0) == counted_on(spending, date(2027, 7, 1), JULY)


def shanghai(day: date) -> Account:
    told = replace(opened(), insurance_year_from=JULY, on=day)
    return fold(evolve, told, credited(1_000))


def test_an_account_opened_in_spring_is_of_the_year_before() -> None:
    """Its money is this year's until 1 July, over New Year too."""
    account = shanghai(date(2026, 12, 1))

    assert [] == turning(account, on(date(2027, 6, 30)))
    closed = YearClosed(year=2026, carried_fen=1_000)
    assert [closed] == turning(account, on(date(2027, 7, 1)))
    assert (2026, 2027) == (account.year, turned(account, on(date(2027, 7, 1))).year)
    assert 2026 == shanghai(date(2027, 3, 1)).year


CALENDAR = fold(evolve, replace(opened(), on=date(2026, 3, 2)), credited(1_000))
MOVED = (YearDay(date(2020, 1, 1), NEW_YEAR), YearDay(date(2027, 3, 1), JULY))
MOVE = InsuranceYearMoved(begins=JULY)


def test_a_day_moves_with_its_edition() -> None:
    """The old day closes what it had ended; the new one goes on from there."""
    closed = YearClosed(year=2026, carried_fen=1_000)

    assert [] == turning(CALENDAR, on(date(2026, 12, 31)), MOVED)
    assert [closed] == turning(CALENDAR, on(date(2027, 2, 28)), MOVED)
    assert [closed, MOVE] == turning(CALENDAR, on(date(2027, 3, 1)), MOVED)
    assert [closed, MOVE] == turning(CALENDAR, on(date(2028, 6, 30)), MOVED)
    later = YearClosed(year=2027, carried_fen=0)
    assert [closed, MOVE, later] == turning(CALENDAR, on(date(2028, 7, 1)), MOVED)


def test_a_year_does_not_go_back_when_the_day_moves() -> None:
    """In March 2027 the new day would say 2026; the account stays in 2027 until July 2028."""
    account = turned(CALENDAR, on(date(2027, 3, 1)), MOVED)
    account = evolve(account, credited(50))

    assert (2027, 50, 1_000) == (account.year, account.current_fen, account.prior_fen)
    assert account == turned(account, on(date(2028, 6, 30)), MOVED)
    later = turned(account, on(date(2028, 7, 1)), MOVED)
    assert (2028, 0, 1_050) == (later.year, later.current_fen, later.prior_fen)


@given(
    st.lists(
        st.tuples(days, beginnings),
        max_size=4,
        unique_by=(lambda pair: pair[0], lambda pair: pair[1]),
    ),
    st.lists(days, max_size=6),
    days,
)
def test_nobody_can_tell_which_events_came_between(
    editions: Moves, touched: list[date], last: date
) -> None:
    """The year never goes back, and is the same whenever the account had its events."""
    told = tuple(YearDay(since, begins) for since, begins in sorted(editions))
    told = (YearDay(date(2019, 5, 5), NEW_YEAR), *told)
    told = tuple(day for day in told if day.begins != NEW_YEAR or day == told[0])
    began = fold(evolve, replace(opened(), on=date(2019, 5, 5)), credited(1_000))
    account = began
    for day in sorted(day for day in touched if day <= last):
        before, account = account, turned(account, on(day), told)
        assert account.year >= before.year

    assert turned(account, on(last), told) == turned(began, on(last), told)
