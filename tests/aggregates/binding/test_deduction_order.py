"""Which sponsor pays first, and which order can be set (policy.md §3.2 `order_*`, §8.3)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregates.account.events import OrderChanged
from aggregates.account.state import Account, SponsorLink
from aggregates.binding.deduction_order import change_order, in_order
from aggregates.policy.choices import OrderMissing, OrderStrategy
from aggregates.policy.edition import OrderTerms
from aggregates.refusals import RefusalError, SponsorInvalidError, VersionStaleError
from aggregates.vocabulary import Relation, StreamId
from tests.aggregates.binding.grants import an_account
from tests.aggregates.settlement.families import P0

HOME, AWAY = "990000", "990100"


def b(number: int) -> StreamId:
    return StreamId(f"bnd_{number}")


def links(*days: int) -> tuple[SponsorLink, ...]:
    """Sponsors 1, 2, …, bound on these days of January 2025."""
    first = datetime(2024, 12, 31, 9, 0, tzinfo=UTC)
    return tuple(
        SponsorLink(b(n), StreamId(f"acc_{n}"), Relation.SIBLING, None, first + timedelta(days=day))
        for n, day in enumerate(days, start=1)
    )


def terms(
    strategy: OrderStrategy,
    then: OrderStrategy | None = None,
    missing: OrderMissing = OrderMissing.SKIP,
    fallback: OrderStrategy | None = None,
) -> OrderTerms:
    return replace(
        P0.order,
        order_strategy=strategy,
        order_missing=missing,
        order_fallback=fallback,
        order_then=then,
    )


def ordered(
    sponsors: tuple[SponsorLink, ...],
    order: Sequence[int] | None,
    region_terms: OrderTerms,
    balances: Sequence[int] = (0, 0, 0),
    regions: Sequence[str] = (HOME, HOME, HOME),
) -> list[int] | None:
    """The sponsors' numbers in paying order."""
    named = None if order is None else tuple(b(n) for n in order)
    account = an_account(sponsors=sponsors, order=named)
    ids = [link.sponsor for link in sponsors]
    in_paying_order = in_order(
        account,
        account.sponsors,
        region_terms,
        dict(zip(ids, regions, strict=False)).__getitem__,
        dict(zip(ids, balances, strict=False)).__getitem__,
    )
    return None if in_paying_order is None else [int(link.binding[4:]) for link in in_paying_order]


BY_HAND = terms(OrderStrategy.BENEFICIARY_SET)


@pytest.mark.parametrize(
    ("order", "expected"),
    [([3, 1, 2], [3, 1, 2]), ([3], [3, 2, 1]), ([1], [1, 2, 3]), ([], [2, 3, 1])],
)
def test_an_order_that_was_set_counts_and_the_rest_follow_by_age(
    order: list[int], expected: list[int]
) -> None:
    """Named sponsors pay as named, the others after them by age (S10, S40)."""
    assert expected == ordered(links(3, 1, 2), order, BY_HAND)


def test_a_released_sponsor_leaves_no_gap() -> None:
    """An order may name a former sponsor; the others keep their places."""
    assert [2, 1] == ordered(links(1, 2), [9, 2, 1], BY_HAND)


@pytest.mark.parametrize("strategy", [OrderStrategy.BENEFICIARY_SET, OrderStrategy.SPONSOR_SET])
@pytest.mark.parametrize("missing", [OrderMissing.SKIP, OrderMissing.REJECT_BINDING])
def test_no_order_is_guessed(strategy: OrderStrategy, missing: OrderMissing) -> None:
    """With two sponsors, no order set and no fallback there is no order (S37)."""
    assert None is ordered(links(1, 2), None, terms(strategy, missing=missing))


@pytest.mark.parametrize("sponsors", [(), links(1)])
def test_one_sponsor_needs_no_order(sponsors: tuple[SponsorLink, ...]) -> None:
    """A missing order matters only with two sponsors or more."""
    assert [int(s.binding[4:]) for s in sponsors] == ordered(sponsors, None, BY_HAND)


@pytest.mark.parametrize(
    ("strategy", "then", "expected"),
    [
        (OrderStrategy.BIND_TIME_ASC, None, [3, 1, 2]),
        (OrderStrategy.BIND_TIME_DESC, None, [2, 1, 3]),
        (OrderStrategy.BALANCE_DESC, None, [2, 3, 1]),
        (OrderStrategy.SAME_REGION_FIRST, OrderStrategy.BIND_TIME_ASC, [3, 2, 1]),
        (OrderStrategy.SAME_REGION_FIRST, OrderStrategy.BIND_TIME_DESC, [2, 3, 1]),
        (OrderStrategy.SAME_REGION_FIRST, OrderStrategy.BALANCE_DESC, [2, 3, 1]),
    ],
)
def test_each_strategy_has_its_order(
    strategy: OrderStrategy, then: OrderStrategy | None, expected: list[int]
) -> None:
    """Every strategy orders the same three sponsors, also as the fallback."""
    sponsors, balances, regions = links(2, 3, 1), (10, 30, 20), (AWAY, HOME, HOME)
    rule = terms(strategy, then)
    fallback = terms(OrderStrategy.BENEFICIARY_SET, then, OrderMissing.FALLBACK, strategy)

    assert expected == ordered(sponsors, None, rule, balances, regions)
    assert expected == ordered(sponsors, None, fallback, balances, regions)


def test_an_order_that_was_set_beats_the_fallback() -> None:
    """The fallback counts only while no order is set."""
    fallback = terms(
        OrderStrategy.BENEFICIARY_SET,
        missing=OrderMissing.FALLBACK,
        fallback=OrderStrategy.BIND_TIME_ASC,
    )

    assert [2, 1] == ordered(links(1, 2), [2, 1], fallback)


@pytest.mark.parametrize(
    "strategy",
    [OrderStrategy.BIND_TIME_ASC, OrderStrategy.BIND_TIME_DESC, OrderStrategy.BALANCE_DESC],
)
def test_ties_fall_to_the_smaller_binding_id(strategy: OrderStrategy) -> None:
    """The binding id breaks ties (`order_tiebreak`)."""
    same = links(1, 1, 1)

    assert [1, 2, 3] == ordered(same[::-1], None, terms(strategy), (5, 5, 5))


def an_ordered_account() -> Account:
    return an_account(sponsors=links(1, 2), order_version=4)


@pytest.mark.parametrize("numbers", [[1, 2], [2, 1], [2], []])
def test_an_order_over_some_or_all_sponsors_can_be_set(numbers: list[int]) -> None:
    """An order may leave sponsors out; they follow by age."""
    named = tuple(b(n) for n in numbers)

    account = an_ordered_account()
    assert OrderChanged(bindings=named) == change_order(account, account.sponsors, named, 4)


@pytest.mark.parametrize(
    ("numbers", "version", "error"),
    [
        ([1, 1], 4, SponsorInvalidError),
        ([1, 9], 4, SponsorInvalidError),
        ([1, 2], 3, VersionStaleError),
        ([1, 2], 5, VersionStaleError),
    ],
)
def test_an_order_is_refused(numbers: list[int], version: int, error: type[RefusalError]) -> None:
    """A duplicate, a stranger (S44) and a stale version are refused."""
    account = an_ordered_account()
    with pytest.raises(RefusalError) as refusal:
        change_order(account, account.sponsors, [b(n) for n in numbers], version)

    assert error is type(refusal.value)


def test_a_stale_version_is_told_todays() -> None:
    """The refusal of a stale version has the current one."""
    account = an_ordered_account()
    with pytest.raises(VersionStaleError) as refusal:
        change_order(account, account.sponsors, [b(1)], 3)

    assert {"version": 4} == refusal.value.fields
