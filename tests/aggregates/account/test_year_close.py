"""The year close: the next event or a batch closes it, with the same result."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.events import (
    BeneficiaryLinked,
    Corrected,
    Held,
    HoldReleased,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account
from aggregates.account.year_close import closing, turned
from aggregates.vocabulary import (
    BEIJING,
    Bucket,
    HoldEnd,
    Instant,
    Insurance,
    Relation,
    StreamId,
    instant,
)
from tests.aggregates.account.account_events import STL, credited, debited, opened, returned
from tests.given_when_then import fold

BEGAN = datetime(2026, 12, 1, 10, 0, tzinfo=BEIJING)
BINDING = StreamId("bnd_1")
LENDS = BeneficiaryLinked(
    binding=BINDING, beneficiary=StreamId("acc_child"), relation=Relation.CHILD, parent=None
)
LENT_IN_DECEMBER = fold(evolve, opened(), LENDS, credited(1_000), credited(500, Bucket.PRIOR))

days = st.dates(date(2026, 11, 30), date(2029, 2, 2))
amounts = st.integers(0, 5_000)
buckets = st.sampled_from(Bucket)
ties = st.sampled_from([None, BINDING])
holds = st.sampled_from([StreamId("hld_1"), StreamId("hld_2"), StreamId("prm_1")])
debits = st.builds(debited, amounts, amounts, ties, days)
moments = st.datetimes(datetime(2026, 12, 1), datetime(2029, 2, 2), timezones=st.just(BEIJING))  # noqa: DTZ001 -- bounds
kept = st.sampled_from(["tkt_1", "tkt_2"])
events = st.one_of(
    st.builds(credited, amounts, buckets),
    debits,
    debits.map(returned),
    st.builds(
        Held,
        hold=holds,
        binding=ties,
        current_fen=amounts,
        prior_fen=amounts,
        aid_fen=amounts,
        on=days,
        expires_at=st.none() | moments,
    ),
    st.builds(HoldReleased, hold=holds, why=st.sampled_from(HoldEnd)),
    st.builds(
        ReturnSuspended,
        payment=st.just(STL),
        binding=ties,
        ticket=kept,
        amount_fen=amounts,
        on=days,
        returned_on=days,
    ),
    st.builds(SuspensePaidOut, ticket=kept, amount_fen=amounts, reference=st.just("told")),
    st.builds(
        Corrected,
        correction=st.just(StreamId("cor_1")),
        bucket=buckets,
        amount_fen=st.integers(-5_000, 5_000),
    ),
    st.builds(
        PremiumDebited,
        premium=st.just(StreamId("prm_1")),
        binding=st.just(BINDING),
        current_fen=amounts,
        prior_fen=amounts,
    ),
    st.builds(
        PremiumReturned,
        premium=st.just(StreamId("prm_1")),
        binding=st.just(BINDING),
        current_fen=amounts,
        prior_fen=amounts,
    ),
)
waits = st.sampled_from([0, 0, 1, 20, 31, 365, 800])
lives = st.lists(st.tuples(waits, st.none() | events), max_size=14)
"""An event, and the days before it; None is the batch that closes every open year."""


def closed(account: Account, now: Instant) -> Account:
    """An account after its old year was closed, if it was over."""
    event = closing(account, now)
    return account if event is None else evolve(account, event)


def lived(life: list[tuple[int, AccountEvent | None]], *, is_batched: bool) -> Account:
    """An account at the end of a history, with or without the batches."""
    at, account = BEGAN, LENT_IN_DECEMBER
    for wait, event in life:
        at += timedelta(days=wait)
        if event is not None:
            account = evolve(closed(account, instant(at)), event)
        elif is_batched:
            account = closed(account, instant(at))
    return turned(account, instant(at))


@given(lives)
def test_lazy_or_batched_it_is_the_same(life: list[tuple[int, AccountEvent | None]]) -> None:
    """Buckets, holds, sums and suspense do not depend on when the year was closed."""
    assert lived(life, is_batched=False) == lived(life, is_batched=True)


def test_the_year_is_closed_once() -> None:
    """A closed year is not closed again; one event closes two years at once."""
    later = instant(datetime(2028, 1, 1, tzinfo=BEIJING))
    event = closing(LENT_IN_DECEMBER, later)

    assert YearClosed(year=2027, carried_fen=1_000) == event
    assert event is not None
    account = evolve(LENT_IN_DECEMBER, event)
    assert closing(account, later) is None
    assert (0, 1_500, 2028) == (account.current_fen, account.prior_fen, account.year)


@pytest.mark.parametrize(
    ("at", "is_over"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, 999_999, BEIJING), False),
        (datetime(2027, 1, 1, tzinfo=BEIJING), True),
    ],
)
def test_the_year_turns_in_beijing(at: datetime, *, is_over: bool) -> None:
    """It turns at midnight in Beijing; a resident has no year to close."""
    account = LENT_IN_DECEMBER._replace(year=2026)

    assert is_over == (closing(account, instant(at)) is not None)
    resident = account._replace(insurance=Insurance.RESIDENT)
    assert closing(resident, instant(at)) is None
