"""What a premium costs and which money pays it, held against the independent money model."""

from datetime import date, datetime

from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.state import Account
from aggregates.binding.kinship import age_on
from aggregates.policy.choices import PremiumType, SponsorBuckets
from aggregates.policy.edition import PremiumTerms
from aggregates.premium.payment import (
    PremiumOrder,
    amount_of,
    amounts_of,
    by_bucket,
)
from aggregates.premium.refusals import InsufficientError
from aggregates.vocabulary import BEIJING, Insurance, InsuranceStatus, StreamId, instant
from tests.cases.world import P0, changed
from tests.money_model.money import Money
from tests.money_model.premiums import Row, payable_from, price

ON = date(2026, 10, 5)
KIND = PremiumType.COMMERCIAL_PUBLIC
FEN = st.integers(0, 500)
TIERS = st.sampled_from((None, "high", "low"))
ROWS = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 30), TIERS, st.integers(1, 900)))


def terms_with(rows: list[tuple[int, int, str | None, int]]) -> PremiumTerms:
    tiers = [
        {"type": KIND, "from_age": low, "to_age": low + more, "tier": tier, "fen": fen}
        for low, more, tier, fen in rows
    ]
    offered = {"premium.premium_types": [KIND], "premium.premium_standard_fen": {KIND: 1000}}
    return changed(P0, offered | {"premium.premium_tiers": tiers}).premium


@given(rows=ROWS, tier=TIERS, born=st.none() | st.dates(date(1930, 1, 1), ON))
def test_a_price_is_the_model_s(
    rows: list[tuple[int, int, str | None, int]], tier: str | None, born: date | None
) -> None:
    """The first row of the age and tier, the standard without a tier; one of the possible ones."""
    terms = terms_with(rows)
    order = PremiumOrder(StreamId("prm_1"), KIND, 2027, tier, born)
    age = None if born is None else age_on(born, ON)
    expected = price(
        [Row(range(low, low + more + 1), t, fen) for low, more, t, fen in rows], 1000, age, tier
    )
    amount = amount_of(order, terms, ON)

    assert expected == amount
    assert amount is None or amount in amounts_of(KIND, tier, terms)


def test_an_age_is_complete_on_the_birthday() -> None:
    """The day before, the person is a year younger; of 29 February it is 1 March."""
    assert [59, 60] == [age_on(date(1966, 10, d), ON) for d in (6, 5)]
    born = date(2008, 2, 29)
    assert [17, 18] == [age_on(born, date(2026, *on)) for on in ((2, 28), (3, 1))]


@given(
    current=FEN,
    prior=FEN,
    amount=st.integers(1, 600),
    care=FEN,
    own=st.none() | FEN,
    way=st.sampled_from(SponsorBuckets),
)
def test_the_buckets_and_reserves_of_a_type_are_the_model_s(
    current: int, prior: int, amount: int, care: int, own: int | None, way: SponsorBuckets
) -> None:
    """A premium is paid exactly if the model says so, and from the buckets of its type."""
    keys = {"money.reserve_fen": care, "premium.premium_buckets": {KIND: way}}
    reserve = {} if own is None else {"premium.premium_reserve_fen": {KIND: own}}
    edition = changed(P0, keys | reserve)
    account = Account("990000", Insurance.EMPLOYEE, InsuranceStatus.NORMAL, (), 2026)
    account = account._replace(current_fen=current, prior_fen=prior)
    now = instant(datetime(2026, 10, 5, 10, tzinfo=BEIJING))
    try:
        taken = by_bucket(amount, KIND, account, edition, now)
    except InsufficientError:
        taken = None

    assert (taken is not None) == (payable_from(Money(current, prior), way, care, own) >= amount)
    if taken is not None:
        assert amount == sum(taken)
        assert taken[0] <= (0 if way is SponsorBuckets.PRIOR_ONLY else current)
        assert taken[1] <= prior
