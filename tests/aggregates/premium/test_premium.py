"""A premium's states: what each event and each answer does in each state."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.account import fold as accounts
from aggregates.account.events import (
    AccountClosed,
    Held,
    HoldReleased,
    PremiumDebited,
    ReturnSuspended,
    YearClosed,
)
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.policy.edition import PremiumWindow
from aggregates.premium import premium as rules
from aggregates.premium import reversal
from aggregates.premium.payment import year_paid_on
from aggregates.premium.premium import OPEN, Premium, PremiumConfirmed, PremiumHeld, PremiumRejected
from aggregates.vocabulary import Bucket, Ending, HoldEnd, PremiumStatus, StreamId, instant
from tests.aggregates.account.account_events import credited, opened
from tests.cases.world import P0
from tests.given_when_then import fold
from tests.projections.recorded_premiums import AT, LIVES, ON, a_held, a_premium

PREMIUM, SPONSOR = StreamId("prm_1"), StreamId("acc_sponsor")
PARTIES = StreamId("acc_payee"), SPONSOR, StreamId("bnd_1")
NOW = instant(AT + timedelta(days=1))
STATUSES = ("held", "sent_to_tax", "unknown", "confirmed", "rejected", "reverse_requested")


def a_premium_at(number: int) -> Premium:
    return fold(rules.evolve, *a_premium(PARTIES, number))


def a_sponsor(current_fen: int = 30_000, prior_fen: int = 10_000) -> Account:
    """A sponsor with 500.00, of which a premium holds 400.00."""
    aside = Held(
        hold=PREMIUM,
        binding=None,
        current_fen=current_fen,
        prior_fen=prior_fen,
        aid_fen=0,
        on=ON,
        expires_at=None,
    )
    money = credited(current_fen), credited(prior_fen + 10_000, Bucket.PRIOR)
    return fold(accounts.evolve, opened(), *money, aside)


def after(sponsor: Account, moved: rules.PremiumEvents) -> Account:
    """A sponsor's account after these events."""
    for stream, event in moved:
        if stream == SPONSOR:
            sponsor = accounts.evolve(sponsor, event)  # type: ignore[arg-type]
    return sponsor


def test_every_way_ends_where_it_should() -> None:
    """The eight ways of a premium end in the seven states, one of them twice."""
    ends = [a_premium_at(number).status for number in range(len(LIVES))]

    assert [*STATUSES, "confirmed", "reversed"] == ends
    assert set(PremiumStatus) == set(ends)


@pytest.mark.parametrize("number", range(len(LIVES)))
def test_an_answer_counts_in_its_state_alone(number: int) -> None:
    """Each step is only possible in its own state."""
    premium, sponsor = a_premium_at(number), a_sponsor()
    was_sent = premium.status in rules.SENT
    is_asked = premium.status is PremiumStatus.REVERSE_REQUESTED
    back = reversal.give_back(PREMIUM, premium, {SPONSOR: sponsor}, P0, "tkt_1", NOW)

    is_held = premium.status is PremiumStatus.HELD
    assert is_held == bool(rules.send(PREMIUM, premium, sponsor, NOW))
    assert was_sent == bool(rules.confirm(PREMIUM, premium, sponsor, None, NOW))
    assert was_sent == bool(rules.reject(PREMIUM, premium, sponsor, "CODE"))
    assert (number == 1) == bool(rules.doubt(PREMIUM, premium, "TIMEOUT"))
    assert is_asked == bool(back)
    assert is_asked == bool(reversal.refuse_reversal(PREMIUM, premium, "CODE"))
    assert (is_held or was_sent or is_asked) == (premium.status in OPEN)


def test_what_comes_back_to_a_full_account_is_kept_aside() -> None:
    """A reversal that does not fit on the account is suspended."""
    premium = a_premium_at(STATUSES.index("reverse_requested"))
    full = fold(accounts.evolve, opened(), credited(AMOUNT_MAX_FEN))
    ((to, suspended), _) = reversal.give_back(PREMIUM, premium, {SPONSOR: full}, P0, "tkt_1", NOW)

    assert SPONSOR == to
    assert isinstance(suspended, ReturnSuspended)
    assert premium.current_fen + premium.prior_fen == suspended.amount_fen


def test_what_is_confirmed_leaves_where_it_was_held() -> None:
    """The hold ends in the debit, bucket by bucket; nothing else moves."""
    moved = rules.confirm(PREMIUM, a_premium_at(1), a_sponsor(), "R", NOW)
    account = after(a_sponsor(), moved)

    assert (0, 10_000, ()) == (account.current_fen, account.prior_fen, account.holds)
    assert (PREMIUM, 30_000, 10_000, 0) == told(moved)


def test_the_turn_of_the_year_takes_the_hold_along() -> None:
    """After the year's end a hold of current money is debited as prior money."""
    turned = accounts.evolve(a_sponsor(), YearClosed(year=2026, carried_fen=30_000))
    turned = accounts.evolve(turned, credited(500))
    moved = rules.confirm(PREMIUM, a_premium_at(2), turned, "R", NOW)
    account = after(turned, moved)

    assert (500, 10_000) == (account.current_fen, account.prior_fen)
    assert (PREMIUM, 0, 40_000, 0) == told(moved)


@pytest.mark.parametrize(
    ("left", "parts"),
    [((30_000, 10_000), (20_000, 20_000, 0)), ((100, 0), (100, 10_000, 29_900))],
)
def test_an_account_that_ended_gives_what_is_there(
    left: tuple[int, int], parts: tuple[int, int, int]
) -> None:
    """If the account ended, what it lacks is recorded, and no bucket is below 0."""
    ended = fold(
        accounts.evolve,
        opened(),
        credited(left[0]),
        credited(left[1] + 10_000, Bucket.PRIOR),
        AccountClosed(ending=Ending.DECEASED, reason="", effective_on=ON, successor=None),
    )
    moved = rules.confirm(PREMIUM, a_premium_at(2), ended, None, NOW)
    account = after(ended, moved)

    assert (PREMIUM, *parts) == told(moved)
    assert min(account.current_fen, account.prior_fen) >= 0
    assert ended.balance_fen - account.balance_fen == parts[0] + parts[1]


def test_nothing_is_debited_where_nothing_is() -> None:
    """If an empty account ended, the whole amount is recorded, without an empty debit."""
    moved = rules.confirm(PREMIUM, a_premium_at(2), accounts.evolve(None, opened()), None, NOW)

    assert (PREMIUM, 0, 0, 40_000) == told(moved)
    assert 1 == len(moved)


def test_an_order_whose_hold_is_gone_is_not_sent() -> None:
    """A premium without its hold is never sent."""
    empty = accounts.evolve(None, opened())

    moved = rules.send(PREMIUM, a_premium_at(0), empty, NOW)

    assert [(PREMIUM, PremiumRejected(code="ACCOUNT_ENDED"))] == moved


def test_a_rejection_frees_the_money() -> None:
    """A rejection releases the hold and keeps the balance."""
    moved = rules.reject(PREMIUM, a_premium_at(1), a_sponsor(), "PREMIUM_ALREADY_PAID")
    account = after(a_sponsor(), moved)

    assert (50_000, ()) == (account.balance_fen, account.holds)
    assert (SPONSOR, HoldReleased(hold=PREMIUM, why=HoldEnd.RELEASED)) == moved[0]


def told(moved: rules.PremiumEvents) -> tuple[StreamId, int, int, int]:
    """The confirmation among the events, checked against the debit."""
    confirmed = moved[-1][1]
    assert isinstance(confirmed, PremiumConfirmed)
    debits = [event for _, event in moved if isinstance(event, PremiumDebited)]
    assert confirmed.current_fen + confirmed.prior_fen == sum(
        debit.current_fen + debit.prior_fen for debit in debits
    )
    return moved[-1][0], confirmed.current_fen, confirmed.prior_fen, confirmed.uncovered_fen


def test_a_premium_begins_with_its_hold() -> None:
    """A premium begins with no other event."""
    premium_held: PremiumHeld = a_held(SPONSOR, PARTIES[0], PARTIES[2])

    assert PremiumStatus.HELD is rules.evolve(None, premium_held).status
    with pytest.raises(AssertionError, match="begins with PremiumHeld"):
        rules.evolve(None, PremiumRejected(code="CODE"))


windows = st.sampled_from([("09-01", "12-31"), ("10-01", "02-28"), ("02-29", "02-29")])


@given(windows, st.dates(date(2024, 1, 1), date(2032, 12, 31)))
def test_a_day_pays_for_one_year_at_most(window: tuple[str, str], on: date) -> None:
    """A day of the window pays for one year, any other day for none."""
    year = year_paid_on(PremiumWindow(from_=window[0], to=window[1]), on)
    before = year_paid_on(PremiumWindow(from_=window[0], to=window[1]), on - timedelta(days=1))

    assert year in {None, on.year, on.year + 1}
    assert (year == on.year) == (year is not None and window[0] > window[1] and on.month < 3)
    assert None in {year, before} or year == before or "02-29" in window


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 9, 30), None),
        (date(2026, 10, 1), 2027),
        (date(2026, 12, 31), 2027),
        (date(2027, 1, 1), 2027),
        (date(2027, 2, 28), 2027),
        (date(2028, 2, 29), None),
    ],
)
def test_a_window_over_new_year_is_one(day: date, year: int | None) -> None:
    """The window includes both ends, and pays for the year that begins in it."""
    assert year == year_paid_on(PremiumWindow(from_="10-01", to="02-28"), day)
