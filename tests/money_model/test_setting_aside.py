"""Holds and premiums of the model (policy.md §3.2, §4, §8.9)."""

from datetime import datetime, timedelta

from tests.money_model import family, holding, laws, premiums, refunds, settling
from tests.money_model.money import Money
from tests.money_model.rules import changed
from tests.money_model.taxing import TaxSide
from tests.money_model.towns import Purse, bill, left, settled, town, until, yuan_of
from tests.money_model.world import BEIJING, World

HOUR = timedelta(hours=1)
AUTUMN = datetime(2026, 10, 1, 10, tzinfo=BEIJING)


def holding_town() -> World:
    """Sixty yuan of S1 are held for A's bill, and ten of A's own."""
    world = town({"A": "10.00", "S1": "100.00", "B": None}, changed(cap_per_day_fen=8_000))
    family.bind(world, "S1", "B")
    assert not holding.hold(world, "h", bill("70.00"), HOUR)
    return world


def test_held_money_is_nobody_elses() -> None:
    """Neither balance nor cap gives what is held; what is over is free again."""
    world = holding_town()
    other = bill("90.00", "w")._replace(patient="B")

    assert ["0.00", "40.00", "50.00"] == yuan_of(settling.plan(world, other))
    assert ["0.00", "20.00", "70.00"] == yuan_of(settling.plan(world, bill("90.00", "w")))
    world.wait(HOUR - timedelta(seconds=1))
    assert Money(6_000) == world.held("S1")
    world.wait(timedelta(seconds=1))
    assert Money() == world.held("S1")
    assert {"HOLD_VOID"} == holding.capture(world, "h", "k", None)
    assert ["0.00", "80.00", "10.00"] == yuan_of(settling.plan(world, other))
    laws.check(world)


def test_a_capture_takes_what_is_held_whatever_happened() -> None:
    """Neither release, freeze nor suspension stands in its way, and it counts on its day."""
    world = holding_town()
    world.holds["h"].expires_at += timedelta(days=2)
    assert not family.release(world, 0)
    assert not world.stand("S1", "SUSPENDED")
    assert not world.stand("A", "FROZEN")
    world.wait(timedelta(days=1))

    assert not holding.capture(world, "h", "k", None)
    assert ["10.00", "60.00", "0.00"] == yuan_of(world.settled["k"].split)
    assert 0 == family.spent(world, "day", ("PER_SPONSOR", "S1"), None)
    assert 6_000 == family.spent(world, "month", ("PER_SPONSOR", "S1"), None)
    assert {"HOLD_VOID"} == holding.capture(world, "h", "k2", None)
    laws.check(world)


def test_a_smaller_bill_takes_less() -> None:
    """What is captured is the cascade of the smaller bill on what was held; more is refused."""
    world = holding_town()

    assert {"CAPTURE_EXCEEDS"} == holding.capture(world, "h", "k", bill("70.01"))
    assert not holding.capture(world, "h", "k", bill("30.00"))
    assert ["10.00", "20.00", "0.00"] == yuan_of(world.settled["k"].split)
    assert Money() == world.held("S1")
    assert not refunds.refund(world, "k", 2_500)
    assert ["5.00", "0.00", "0.00"] == yuan_of(world.settled["k"].stays)
    laws.check(world)


def test_the_end_of_a_payer_voids_a_hold() -> None:
    """A hold is one: where a payer ends everybody's money is free, and nothing is captured."""
    world = holding_town()
    assert not world.end("S1", "CLOSED")

    assert (Money(), Money()) == (world.held("S1"), world.held("A"))
    assert {"HOLD_VOID"} == holding.release(world, "h")
    assert {"HOLD_VOID"} == holding.capture(world, "h", "k", None)
    laws.check(world)


def test_a_settlement_for_a_held_bill_decides_anew() -> None:
    """The hold is given back in the same moment, and the bill is settled once."""
    world = holding_town()

    assert not holding.hold(world, "h2", bill("1.00"), HOUR)
    assert Money(100) == world.held("A")
    assert {"HOLD_VOID"} == holding.capture(world, "h", "k", None)
    assert ["10.00", "80.00", "10.00"] == yuan_of(settled(world, bill("100.00")))
    assert {"HOLD_VOID"} == holding.capture(world, "h2", "k2", None)
    assert {"DUPLICATE_CLAIM"} == holding.hold(world, "h2", bill("1.00"), HOUR)
    laws.check(world)


def test_a_released_hold_is_over() -> None:
    """What was held is free, and the bill may be held anew."""
    world = holding_town()

    assert not holding.release(world, "h")
    assert {"HOLD_VOID"} == holding.release(world, "h")
    assert not holding.hold(world, "h2", bill("1.00"), HOUR)


def test_held_money_turns_the_year_too() -> None:
    """What was held of this year's money is captured from the years' before."""
    world = town({"A": ("10.00", "5.00")}, at=datetime(2026, 12, 31, 23, tzinfo=BEIJING))
    assert not holding.hold(world, "h", bill("12.00"), timedelta(hours=2))
    until(world, datetime(2027, 1, 1, tzinfo=BEIJING))

    assert Money(0, 1_200) == world.held("A")
    assert not holding.capture(world, "h", "k", bill("11.00"))
    assert (0, 400) == left(world, "A")
    assert not settling.cancel(world, "k")
    assert (0, 1_500) == left(world, "A")
    laws.check(world)


# ------------------------------------------------------------ premiums


def autumn(people: dict[str, Purse]) -> World:
    """A town inside the window."""
    return town({"A": None, **people}, at=AUTUMN)


def test_a_premium_is_held_and_then_paid() -> None:
    """S104, S105 and S115: held, confirmed though the binding is released, paid once."""
    world = autumn({"S1": "1000.00", "S2": "1000.00"})

    assert not premiums.pay(world, "p", "S1", "A", 2027)
    assert Money(40_000) == world.held("S1")
    assert {"PREMIUM_IN_PROGRESS"} == premiums.pay(world, "q", "S2", "A", 2027)
    assert not family.release(world, 0)
    assert not premiums.confirm(world, "p")
    assert (60_000, 0) == left(world, "S1")
    assert {"PREMIUM_ALREADY_PAID"} == premiums.pay(world, "q", "S2", "A", 2027)
    assert 40_000 == premiums.owed(world)
    laws.check(world)


def test_a_premium_that_the_tax_side_refuses_is_free() -> None:
    """S107: nothing is held, and another sponsor may pay."""
    world = autumn({"S1": "1000.00", "S2": "1000.00"})
    assert not premiums.pay(world, "p", "S1", "A", 2027)

    assert not premiums.reject(world, "p")
    assert Money() == world.held("S1")
    assert not premiums.pay(world, "q", "S2", "A", 2027)
    laws.check(world)


def test_a_premium_is_never_split() -> None:
    """S108 and S113: who cannot pay it whole pays nothing, nor outside the window."""
    world = autumn({"S1": "399.99", "S2": "1000.00"})

    assert {"INSUFFICIENT"} == premiums.pay(world, "p", "S1", "A", 2027)
    until(world, datetime(2027, 1, 1, tzinfo=BEIJING))
    assert {"WINDOW_CLOSED"} == premiums.pay(world, "p", "S2", "A", 2028)


def test_a_grant_of_care_pays_no_premium() -> None:
    """S117: what was not granted is refused, and care is paid."""
    world = autumn({"S1": "1000.00"})
    world.bindings[0].uses = ("care",)

    assert {"USE_NOT_GRANTED"} == premiums.pay(world, "p", "S1", "A", 2027)
    assert ["0.00", "30.00", "0.00"] == yuan_of(settled(world, bill("30.00")))


def test_a_premium_comes_back_unless_something_forbids_it() -> None:
    """S112: the region's list, two hours, and what the tax side knows."""
    world, tax = autumn({"S1": "1000.00"}), TaxSide()
    assert not tax.pay(world, "p", ("S1", "A", 2027))

    assert {"TOO_EARLY"} == tax.reverse(world, "p")
    world.wait(timedelta(hours=2))
    for how in ("benefit_used", "cleared"):
        tax.how = how
        assert {how.upper()} == tax.reverse(world, "p")
    tax.how = "normal"
    assert not tax.reverse(world, "p")
    assert (100_000, 0) == left(world, "S1")
    assert 0 == premiums.owed(world)
    laws.check(world)
    assert not tax.pay(world, "q", ("S1", "A", 2027))
    assert not world.end("S1", "CLOSED")
    until(world, datetime(2027, 1, 1, tzinfo=BEIJING))
    assert {"SPONSOR_ENDED", "WINDOW_CLOSED"} == tax.reverse(world, "q")


def test_what_the_tax_side_does_not_answer_stays_held() -> None:
    """S110: nobody else may pay meanwhile, and asking again finds out; so it is with a return."""
    world, tax = autumn({"S1": "1000.00", "S2": "1000.00"}), TaxSide()
    for how in ("pending", "down"):
        tax.how = how
        assert not tax.pay(world, how, ("S1", "A", 2027))
        tax.resolve(world)
        assert (Money(40_000), 0) == (world.held("S1"), premiums.owed(world))
        assert {"PREMIUM_IN_PROGRESS"} == tax.pay(world, "q", ("S2", "A", 2027))
        tax.how = "normal"
        tax.resolve(world)
        assert (Money(), 40_000) == (world.held("S1"), premiums.owed(world))
        world.wait(timedelta(hours=2))
        tax.how = "garbled"
        assert not tax.reverse(world, how)
        assert 40_000 == premiums.owed(world)
        tax.how = "normal"
        tax.resolve(world)
        assert (100_000, 0) == left(world, "S1")
        laws.check(world)


def test_a_window_over_new_year_pays_this_year_after_it() -> None:
    """§4: the year that is paid is the coming one, and the same one after New Year."""
    world = autumn({"S1": "1000.00"})
    rules = changed(premium_window=((12, 1), (2, 28)))

    assert premiums.year_paid_now(world, rules) is None
    for now in (datetime(2026, 12, 1, tzinfo=BEIJING), datetime(2027, 2, 28, tzinfo=BEIJING)):
        until(world, now)
        assert 2027 == premiums.year_paid_now(world, rules)
