"""The model against the rows of policy.md §8.6, and the windows and routes of §3.3 and §3.4."""

from datetime import datetime, timedelta

import pytest

from tests.cases.reading import fen
from tests.money_model import family, laws, refunds, settling
from tests.money_model.rules import Rules, changed
from tests.money_model.towns import DAY, Purse, bill, left, settled, town, until, yuan_of
from tests.money_model.world import BEIJING, World

S05: dict[str, Purse] = {"A": "50.00", "S1": "120.00", "S2": "500.00"}
S06: dict[str, Purse] = {"A": "50.00", "S1": "120.00", "S2": "79.99"}
SPLIT_OF_TWO = [("full_self_pay", "50.00"), ("in_scope", "70.00")]
PRORATA = changed(refund_mode=("PARTIAL_PRORATA", "PARTIAL_RECAST"))


def stays(world: World) -> list[str]:
    """What everybody still pays, in yuan."""
    return yuan_of(world.settled["k"].stays)


def test_all_goes_back_to_who_paid() -> None:
    """S65 and S66: whatever became of bindings and order since."""
    world = town(S05, order=["S1", "S2"])
    settled(world, bill("300.00"))
    assert not family.set_order(world, "A", ["S2", "S1"])
    assert not family.release(world, 0)

    assert not settling.cancel(world, "k")
    assert [5_000, 12_000, 50_000] == [left(world, who)[0] for who in S05]
    laws.check(world)


def test_cash_goes_back_first_and_the_last_sponsor_next() -> None:
    """S67 and S69: what stays is the split of the smaller bill; more than stays is refused."""
    world = town(S06)
    settled(world, bill("300.00"))

    assert not refunds.refund(world, "k", 10_000)
    assert ["50.00", "120.00", "30.00", "0.00"] == stays(world)
    assert not refunds.refund(world, "k", 4_000)
    assert ["50.00", "110.00", "0.00", "0.00"] == stays(world)
    assert {"REFUND_EXCEEDS"} == refunds.refund(world, "k", 16_001)
    assert not refunds.refund(world, "k", 16_000)
    assert ["0.00", "0.00", "0.00", "0.00"] == stays(world)
    laws.check(world)


def test_a_bill_settled_anew_counts_once() -> None:
    """S71: an item comes back, the bill is settled anew, and the day's cap counts it once."""
    world = town({"A": "40.00", "S1": "60.00"}, changed(cap_per_day_fen=6_000))
    settled(world, bill("100.00"))
    assert not settling.cancel(world, "k")

    assert ["40.00", "35.00", "0.00"] == yuan_of(settled(world, bill("75.00"), "k2"))
    assert (2_500, 0) == left(world, "S1")
    assert 3_500 == family.spent(world, "day", ("PER_SPONSOR", "S1"), None)


def test_a_frozen_account_is_credited_and_spends_nothing() -> None:
    """S72: the money is back, and the next bill is paid in cash."""
    world = town({"A": None, "S1": "60.00"})
    settled(world, bill("60.00"))
    assert not world.stand("S1", "FROZEN")

    assert not refunds.refund(world, "k", 6_000)
    assert (6_000, 0) == left(world, "S1")
    split = settled(world, bill("60.00", "w"), "k2")
    assert "FROZEN" in split.shares[1].reasons
    assert 6_000 == split.cash


@pytest.mark.parametrize(
    ("keys", "how", "heir", "kept", "left_of"),
    [
        ({}, "DECEASED", None, 6_000, {"S1": 4_000}),
        ({}, "TRANSFERRED", None, 6_000, {"S1": 4_000}),
        ({}, "TRANSFERRED", "N", 0, {"S1": 4_000, "N": 6_000}),
        ({}, "TRANSFERRED", "E", 6_000, {"S1": 4_000, "E": 0}),
        ({"refund_to_closed": "CREDIT"}, "CLOSED", None, 0, {"S1": 10_000}),
    ],
)
def test_an_ended_account_gets_nothing_back(
    keys: dict[str, object], how: str, heir: str | None, kept: int, left_of: dict[str, int]
) -> None:
    """S73: to the living successor, else aside with a ticket, or to it where a region says so."""
    world = town({"A": None, "S1": "100.00", "N": "0.00", "E": "0.00"}, changed(**keys))
    assert not world.end("E", "CLOSED")
    settled(world, bill("60.00"))
    assert not world.end("S1", how, successor=heir)

    assert not refunds.refund(world, "k", 6_000)
    assert kept == laws.kept_aside(world)
    assert left_of == {who: left(world, who)[0] for who in left_of}
    laws.check(world)


def test_money_follows_who_moved_twice() -> None:
    """The successor's successor is known too; a frozen one is asked what the region says."""
    world = town({"A": None, "S1": "90.00", "N": "0.00", "M": "0.00"})
    settled(world, bill("90.00"))
    assert not world.end("S1", "TRANSFERRED", successor="N")
    assert not refunds.refund(world, "k", 3_000)
    assert not world.end("N", "TRANSFERRED", successor="M")
    assert not refunds.refund(world, "k", 3_000)
    world.settled["k"].rules = changed(refund_to_frozen="SUSPENSE")
    assert not world.stand("M", "FROZEN")

    assert not settling.cancel(world, "k")
    assert [3_000, 3_000] == [left(world, who)[0] for who in ("N", "M")]
    assert 3_000 == laws.kept_aside(world)
    laws.check(world)


def test_a_frozen_accounts_money_may_be_kept_aside() -> None:
    """A region may keep aside what would go back to a frozen account."""
    world = town({"A": None, "S1": "60.00"}, changed(refund_to_frozen="SUSPENSE"))
    settled(world, bill("60.00"))
    assert not world.stand("S1", "FROZEN")

    assert not settling.cancel(world, "k")
    assert ((0, 0), 6_000) == (left(world, "S1"), laws.kept_aside(world))


@pytest.mark.parametrize(
    ("rollover", "expected"), [("CARRY_TO_PRIOR", 0), ("ORIGINAL_YEAR", 3_000)]
)
def test_after_new_year_money_goes_back_as_the_region_says(rollover: str, expected: int) -> None:
    """S75: the bucket, and the cap of the year in which it was counted."""
    at = datetime(2026, 12, 31, 10, tzinfo=BEIJING)
    rules = changed(refund_bucket_after_rollover=rollover, cap_per_year_fen=3_000)
    world = town({"A": None, "S1": "100.00"}, rules, at=at)
    settled(world, bill("30.00"))
    until(world, datetime(2027, 1, 2, 10, tzinfo=BEIJING))
    assert (0, 7_000) == left(world, "S1")

    assert not refunds.refund(world, "k", 3_000)
    assert (expected, 10_000 - expected) == left(world, "S1")
    assert 0 == family.spent(world, "year", ("PER_SPONSOR", "S1"), None)
    laws.check(world)


def test_an_item_that_aid_may_not_pay_is_recast() -> None:
    """S77: own money moves over to what aid paid, and aid and cash go back."""
    world = town({"A": "30.00", "S1": "70.00"})
    settled(world, bill(SPLIT_OF_TWO))
    assert ["30.00", "70.00", "20.00"] == stays(world)

    assert not refunds.refund(world, "k", {"1": 5_000})
    assert ["30.00", "40.00", "0.00"] == stays(world)
    laws.check(world)


def test_an_amount_goes_to_the_lines_nobody_pays_first() -> None:
    """By amount: unpayable lines, own money's lines, then aid's, the last line first."""
    world = town({"A": "30.00", "S1": "500.00"})
    lines = [
        ("in_scope", "10.00"),
        ("unknown", "5.00"),
        ("over_limit", "7.00"),
        ("in_scope", "3.00"),
    ]
    settled(world, bill(lines))

    assert not refunds.refund(world, "k", 600)
    assert {"2": 500, "3": 100} == {n: one for n, one in world.settled["k"].back.items() if one}
    assert not refunds.refund(world, "k", {"1": 200})
    assert not refunds.refund(world, "k", 1_000)
    assert {"1": 300, "2": 500, "3": 700, "4": 300} == world.settled["k"].back
    assert {"REFUND_EXCEEDS"} == refunds.refund(world, "k", {"4": 1})
    laws.check(world)


def test_a_share_of_everybody_goes_back_where_the_region_says() -> None:
    """In proportion to what stays, the largest remainder first, ties to the later."""
    world = town({"A": "1.00", "S1": "1.00"}, PRORATA)
    settled(world, bill("3.00"))

    assert not refunds.refund(world, "k", 100)
    assert ["0.67", "0.67", "0.66"] == stays(world)
    assert not refunds.refund(world, "k", 2)
    assert ["0.66", "0.66", "0.66"] == stays(world)
    assert not settling.cancel(world, "k")
    assert [100, 100] == [left(world, who)[0] for who in ("A", "S1")]
    laws.check(world)


def test_a_region_may_refund_whole_settlements_alone() -> None:
    """Without a partial mode a part is refused."""
    world = town({"A": "1.00"}, changed(refund_mode=("FULL_RESETTLE",)))
    settled(world, bill("1.00"))

    assert {"PARTIAL_REFUND_NOT_ALLOWED"} == refunds.refund(world, "k", 50)
    assert not settling.cancel(world, "k")


@pytest.mark.parametrize(
    ("window", "last", "clears"),
    [
        ("SAME_DAY", 0, False),
        ({"days": 2}, 2, False),
        ("UNTIL_CLEARED", 0, True),
        ("UNLIMITED", 400, True),
    ],
)
def test_a_window_closes(window: object, last: int, *, clears: bool) -> None:
    """What the edition of the settlement allows, to the last day and not a day longer."""
    rules: Rules = changed(refund_window=window)
    world = town({"A": "10.00"}, rules)
    settled(world, bill("5.00"))
    world.wait(last * DAY)
    assert not refunds.refund(world, "k", 100)
    if clears:
        settling.clear(world, "H1", world.today)
    world.wait(DAY)
    open_still = window == "UNLIMITED"

    assert open_still == (not refunds.refund(world, "k", 100))
    expected = frozenset() if open_still else {"CANCEL_CLOSED"}
    assert expected == settling.cancel(world, "k")


def test_what_is_cancelled_is_what_stays() -> None:
    """A cancellation after a part refund gives back the rest, and frees the bill."""
    world = town({"A": "50.00", "S1": "120.00"})
    settled(world, bill("100.00"))
    assert not refunds.refund(world, "k", 3_000)
    assert not settling.cancel(world, "k")

    assert {"ALREADY_CANCELLED"} == refunds.refund(world, "k", 1)
    assert {"ALREADY_CANCELLED"} == settling.cancel(world, "k")
    assert ["50.00", "50.00", "0.00"] == yuan_of(settled(world, bill("100.00"), "k2"))
    laws.check(world)


def test_what_a_sponsor_paid_after_his_death_is_marked() -> None:
    """S100: the settlement stands, and what he paid after his last day is to be recovered."""
    world = town({"A": None, "S1": "100.00"})
    settled(world, bill("60.00"))
    world.wait(timedelta(days=5))
    assert not world.end("S1", "DECEASED", on=datetime(2026, 3, 1, tzinfo=BEIJING).date())

    assert {("k", "S1"): fen("60.00")} == world.recover
    assert (4_000, 0) == left(world, "S1")
    assert ["0.00", "5.00"] == yuan_of(settled(world, bill("5.00", "w"), "k2"))
