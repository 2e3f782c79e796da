"""Corrections, payouts and corrected bills of the model (policy.md §3.3, §3.4, S71, S73)."""

from datetime import datetime

from tests.money_model import corrections, laws, settling
from tests.money_model.money import Money
from tests.money_model.returns import pay_out
from tests.money_model.rules import P0, Rules, changed
from tests.money_model.towns import bill, left, settled, town, until, yuan_of
from tests.money_model.world import BEIJING, World


def replaced(rules: Rules = P0) -> World:
    """A bill of a hundred yuan, of which S1 paid sixty, one day."""
    world = town({"A": "40.00", "S1": "60.00", "B": None}, rules)
    settled(world, bill("100.00"))
    return world


def test_a_corrected_bill_takes_the_place_of_a_wrong_one() -> None:
    """S71: what went back is there for it, and the day's cap counts the bill once."""
    world = replaced(changed(cap_per_day_fen=6_000))

    assert not settling.replace(world, "new", "k", bill("75.00"))
    assert ["40.00", "35.00", "0.00"] == yuan_of(world.settled["new"].split)
    assert (2_500, 0) == left(world, "S1")
    assert ("cancelled", "settled") == tuple(one.status for one in world.settled.values())
    assert {"ALREADY_CANCELLED"} == settling.replace(world, "again", "k", bill("75.00"))
    laws.check(world)


def test_a_bill_is_not_replaced_by_anothers_or_against_the_rules() -> None:
    """Every reason is told, and nothing moves."""
    world = replaced(changed(refund_mode=("PARTIAL_RECAST",), refund_window="SAME_DAY"))
    other = bill("10.00", "w")
    settled(world, other, "other")
    until(world, datetime(2026, 3, 3, tzinfo=BEIJING))

    assert {
        "REPLACEMENT_NOT_ALLOWED",
        "CANCEL_CLOSED",
        "CLAIM_CHANGED",
        "DUPLICATE_CLAIM",
    } == settling.replace(world, "new", "k", other._replace(patient="B"))
    assert (0, 0) == left(world, "S1")


def test_another_of_the_agency_puts_a_balance_right() -> None:
    """Whoever proposes does not decide, and nobody decides twice."""
    world = town({"A": "40.00"})
    assert not corrections.propose(world, "c", "A", Money(-1_000), "one")

    assert {"DUAL_CONTROL"} == corrections.approve(world, "c", "one")
    assert (4_000, 0) == left(world, "A")
    assert not corrections.approve(world, "c", "two")
    assert (3_000, 0) == left(world, "A")
    assert {"CORRECTION_DECIDED"} == corrections.reject(world, "c", "two")
    laws.check(world)


def test_a_correction_keeps_to_what_is_free_in_its_bucket() -> None:
    """Past New Year that is the years before; after the end money only goes off."""
    world = town({"A": ("40.00", "5.00")})
    assert not corrections.propose(world, "more", "A", Money(-4_001), "one")
    assert not corrections.propose(world, "up", "A", Money(1), "one")
    assert {"CORRECTION_EXCEEDS"} == corrections.approve(world, "more", "two")

    until(world, datetime(2027, 1, 1, tzinfo=BEIJING))
    assert not world.end("A", "DECEASED")
    assert {"ACCOUNT_ENDED"} == corrections.approve(world, "up", "two")
    assert {"ACCOUNT_ENDED"} == corrections.propose(world, "in", "A", Money(1), "one")
    assert not corrections.approve(world, "more", "two")
    assert (0, 499) == left(world, "A")
    laws.check(world)


def test_what_is_kept_aside_is_paid_out_once() -> None:
    """S73: it is in no account and under no ticket any more."""
    world = replaced()
    assert not world.end("S1", "DECEASED")
    assert not settling.cancel(world, "k")
    (ticket,) = world.tickets

    pay_out(world, ticket)
    assert ([], 6_000) == (world.tickets, world.paid_out)
    laws.check(world)
