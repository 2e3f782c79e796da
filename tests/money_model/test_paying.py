"""The model against the rows of policy.md §8.1, §8.3, §8.5 and §8.7."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.money_model import family, laws, settling
from tests.money_model.rules import changed
from tests.money_model.towns import Purse, bill, left, settled, town, until, yuan_of
from tests.money_model.world import BEIJING

S94 = (("in_scope", "70.00"), ("full_self_pay", "50.00"))

ROWS: dict[
    str, tuple[dict[str, object], dict[str, Purse], str | Sequence[tuple[str, str]], list[str]]
] = {
    "S01": ({}, {"A": "300.00", "S1": "500.00"}, "64.25", ["64.25", "0.00", "0.00"]),
    "S02": ({}, {"A": "20.00", "S1": "500.00"}, "64.25", ["20.00", "44.25", "0.00"]),
    "S04": ({}, {"A": None, "S1": "100.00"}, "35.10", ["0.00", "35.10", "0.00"]),
    "S05": (
        {},
        {"A": "50.00", "S1": "120.00", "S2": "500.00"},
        "300.00",
        ["50.00", "120.00", "130.00", "0.00"],
    ),
    "S06": (
        {},
        {"A": "50.00", "S1": "120.00", "S2": "79.99"},
        "300.00",
        ["50.00", "120.00", "79.99", "50.01"],
    ),
    "S12": ({}, {"A": "10.00", "S1": "10.00"}, "0.00", ["0.00", "0.00", "0.00"]),
    "S15": (
        {},
        {"A": None, "S1": "2000.00", "S2": "1000.00"},
        "3218.47",
        ["0.00", "2000.00", "1000.00", "218.47"],
    ),
    "S36b": (
        {"order_strategy": "BIND_TIME_DESC"},
        {"A": None, "S1": "50.00", "S2": "50.00"},
        "60.00",
        ["0.00", "50.00", "10.00", "0.00"],
    ),
    "S37": (
        {"order_missing": "SKIP", "order_fallback": None},
        {"A": None, "S1": "50.00", "S2": "50.00"},
        "30.00",
        ["0.00", "0.00", "0.00", "30.00"],
    ),
    "S78": (
        {"reserve_fen": 100_000},
        {"A": None, "S1": "1030.00"},
        "44.25",
        ["0.00", "30.00", "14.25"],
    ),
    "S79a": (
        {"reserve_fen": 100_000},
        {"A": None, "S1": "1000.00"},
        "44.25",
        ["0.00", "0.00", "44.25"],
    ),
    "S79b": (
        {"reserve_fen": 100_000},
        {"A": None, "S1": "999.99"},
        "44.25",
        ["0.00", "0.00", "44.25"],
    ),
    "S81a": (
        {"cap_per_settlement_fen": 10_000},
        {"A": None, "S1": "500.00", "S2": "500.00"},
        "100.00",
        ["0.00", "100.00", "0.00", "0.00"],
    ),
    "S81b": (
        {"cap_per_settlement_fen": 10_000},
        {"A": None, "S1": "500.00", "S2": "500.00"},
        "100.01",
        ["0.00", "100.00", "0.01", "0.00"],
    ),
    "S86": (
        {"sponsor_buckets": "PRIOR_ONLY"},
        {"A": None, "S1": ("300.00", "25.00")},
        "40.00",
        ["0.00", "25.00", "15.00"],
    ),
    "S94a": ({}, {"A": "30.00", "S1": "500.00"}, S94, ["30.00", "70.00", "20.00"]),
    "S94b": (
        {"own_allocation": "ELIGIBLE_FIRST"},
        {"A": "30.00", "S1": "500.00"},
        S94,
        ["30.00", "40.00", "50.00"],
    ),
    "SKIP": (
        {"cap_per_settlement_fen": 10_000, "cap_on_exceed": "SKIP"},
        {"A": None, "S1": "500.00", "S2": "70.00"},
        "100.01",
        ["0.00", "0.00", "70.00", "30.01"],
    ),
    "one payer": (
        {"max_payers_per_settlement": 1},
        {"A": "10.00", "S1": "50.00", "S2": "500.00"},
        "100.00",
        ["10.00", "50.00", "0.00", "40.00"],
    ),
    "one who covers": (
        {"max_payers_per_settlement": 1, "single_payer_shortfall": "SKIP_TO_FIRST_THAT_COVERS"},
        {"A": "10.00", "S1": "50.00", "S2": "500.00"},
        "100.00",
        ["10.00", "0.00", "90.00", "0.00"],
    ),
    "per beneficiary": (
        {"cap_per_settlement_fen": 10_000, "cap_scope": "PER_BENEFICIARY"},
        {"A": None, "S1": "70.00", "S2": "500.00"},
        "200.00",
        ["0.00", "70.00", "30.00", "100.00"],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_bill_is_shared_out_as_the_tables_say(row: str) -> None:
    """Own money, the sponsors in order and cash are those of the table."""
    keys, people, personal, expected = ROWS[row]
    world = town(people, changed(**keys))
    # two bound at the same instant are not two bound one after the other
    for number, binding in world.bindings.items():
        binding.bound_at += timedelta(days=number)

    assert expected == yuan_of(settled(world, bill(personal)))
    laws.check(world)


def test_the_order_beats_the_time_of_binding() -> None:
    """S10 and S40: who is named pays first, who is not follows."""
    people: dict[str, Purse] = {"A": None, "S1": "50.00", "S2": "50.00", "S3": "50.00"}
    split = settled(town(people, order=["S2", "S1"]), bill("110.00"))

    assert ["A", "S2", "S1", "S3"] == [share.who for share in split.shares]
    assert ["0.00", "50.00", "50.00", "10.00", "0.00"] == yuan_of(split)


def test_own_money_stands_in_no_order() -> None:
    """S11: an order that places the patient's own account is refused."""
    world = town({"A": "10.00", "S1": "10.00"})

    assert {"OWN_FIRST_MANDATORY"} == family.set_order(world, "A", ["S1", "A"])


def test_an_unused_account_gets_no_aid() -> None:
    """S16: neither own money nor aid, or aid alone where the region says so."""
    people: dict[str, Purse] = {"A": "100.00", "S1": "100.00"}
    asked = bill("64.25", use_account=False)

    assert ["0.00", "0.00", "64.25"] == yuan_of(settled(town(people), asked))
    rules = changed(account_unused_means="AID_ONLY")
    assert ["0.00", "64.25", "0.00"] == yuan_of(settled(town(people, rules), asked))


@pytest.mark.parametrize(
    ("way", "expected"), [("CURRENT_THEN_PRIOR", (0, 500)), ("PRIOR_THEN_CURRENT", (500, 0))]
)
def test_own_buckets_are_emptied_in_order(way: str, expected: tuple[int, int]) -> None:
    """S88: the region says which bucket goes first."""
    world = town({"A": ("10.00", "20.00")}, changed(own_buckets_order=way))
    settled(world, bill("25.00"))

    assert expected == left(world, "A")


def test_a_years_cap_that_is_used_up_skips_the_sponsor() -> None:
    """S83: the sponsor gives nothing, because of his cap."""
    world = town({"A": None, "S1": "3000.00"}, changed(cap_per_year_fen=200_000))
    settled(world, bill("2000.00"))
    split = settled(world, bill("5.00", "w"), "k2")

    assert ["0.00", "0.00", "5.00"] == yuan_of(split)
    assert {"CAP"} == split.shares[1].reasons


def test_the_lower_cap_wins() -> None:
    """S85: of the region's cap and the sponsor's own the lower binds."""
    rules = changed(cap_per_settlement_fen=30_000)
    world = town({"A": None, "S1": "500.00"}, rules, caps={"settlement": 20_000})

    assert ["0.00", "200.00", "50.00"] == yuan_of(settled(world, bill("250.00")))


def test_a_days_cap_begins_anew_at_midnight() -> None:
    """S89: 23:59:59 and 00:00:00 in Beijing are two days."""
    at = datetime(2026, 3, 2, 23, 59, 59, tzinfo=BEIJING)
    world = town({"A": None, "S1": "500.00"}, changed(cap_per_day_fen=10_000), at=at)
    settled(world, bill("100.00"))
    until(world, at + timedelta(seconds=1))

    assert ["0.00", "100.00", "0.00"] == yuan_of(settled(world, bill("100.00", "w"), "k2"))


def test_a_bill_is_settled_once() -> None:
    """S53 to S55: a repeat is the same answer, another body and another key are refused."""
    world = town({"A": "100.00"})
    asked = bill("30.00")
    first = world.once("k", asked, lambda: settling.settle(world, "k", asked))

    assert first == world.once("k", asked, lambda: settling.settle(world, "k", asked))
    other = bill("30.01")
    refused = world.once("k", other, lambda: settling.settle(world, "k", other))
    assert {"IDEMPOTENCY_KEY_REUSED"} == refused
    assert {"DUPLICATE_CLAIM"} == settling.settle(world, "k2", asked)
    assert (7_000, 0) == left(world, "A")


def test_a_reversal_takes_all_back_once() -> None:
    """S59: a reversal gives everything back; repeated it moves nothing."""
    world = town({"A": "10.00", "S1": "50.00"})
    settled(world, bill("30.00"))

    assert not settling.reverse(world, "k")
    assert not settling.reverse(world, "k")
    assert (1_000, 0) == left(world, "A")
    assert (5_000, 0) == left(world, "S1")
    assert {"ALREADY_REVERSED"} == settling.cancel(world, "k")
    laws.check(world)


def test_a_reversal_that_comes_first_stops_the_original() -> None:
    """S60: the original is refused for ever, and nothing is debited."""
    world = town({"A": "10.00"})

    assert not settling.reverse(world, "k")
    assert {"REVERSED_BEFORE_ARRIVAL"} == settling.settle(world, "k", bill("5.00"))
    assert not settling.reverse(world, "k")
    assert (1_000, 0) == left(world, "A")


def test_a_cleared_day_is_refunded_and_not_reversed() -> None:
    """S62: after clearing a reversal is refused."""
    world = town({"A": "10.00"}, changed(refund_window="UNLIMITED"))
    settled(world, bill("5.00"))
    settling.clear(world, "H1", world.today)

    assert {"USE_REFUND"} == settling.reverse(world, "k")
    assert not settling.cancel(world, "k")
    assert not settling.reverse(world, "k")
    assert "cancelled" == world.settled["k"].status


def test_a_quote_says_what_settling_does() -> None:
    """S46, S50 and S52: another plan, a late quote and another bill are refused."""
    world = town({"A": None, "S1": "100.00", "S2": "100.00"}, order=["S1", "S2"])
    asked = bill("60.00")
    quoted = settling.quote(world, asked)

    assert {"CLAIM_CHANGED"} == settling.settle(world, "k1", bill("61.00"), quoted)
    assert not family.set_order(world, "A", ["S2", "S1"])
    assert {"PLAN_CHANGED"} == settling.settle(world, "k2", asked, quoted)
    world.wait(timedelta(seconds=901))
    assert {"QUOTE_EXPIRED"} == settling.settle(world, "k3", asked, quoted)


def test_a_quote_ends_with_its_year() -> None:
    """§3.3: at New Year a quote expires, however young it is."""
    world = town({"A": "10.00"}, at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=BEIJING))
    asked = bill("5.00")
    quoted = settling.quote(world, asked)
    world.wait(timedelta(seconds=1))

    assert {"QUOTE_EXPIRED"} == settling.settle(world, "k", asked, quoted)
    assert not settling.settle(world, "k2", asked, settling.quote(world, asked))
