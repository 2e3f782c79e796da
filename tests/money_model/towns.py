"""Worlds to begin with, in yuan as the tables write them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from tests.cases.reading import fen
from tests.money_model import family, settling
from tests.money_model.bills import Bill, Line
from tests.money_model.cascade import Split
from tests.money_model.money import Money
from tests.money_model.rules import P0, Rules
from tests.money_model.world import BEIJING, World

HOME = "990000"
MORNING = datetime(2026, 3, 2, 10, 0, tzinfo=BEIJING)
Purse = str | tuple[str, str] | None
"""This year's money, both buckets, or nothing at all for a resident."""


def town(
    people: dict[str, Purse],
    rules: Rules = P0,
    *,
    order: Sequence[str] = (),
    at: datetime = MORNING,
    caps: dict[str, int | None] | None = None,
) -> World:
    """Somebody `A`, his sponsors `S1`, `S2`, … bound in this order, and others."""
    world = World(editions={HOME: [(date(2020, 1, 1), rules)]}, now=at)
    for who, purse in people.items():
        world.come(who, resident=purse is None)
        if purse is not None:
            current, prior = (purse, "0.00") if isinstance(purse, str) else purse
            assert not world.credit(who, Money(fen(current), fen(prior)))
    for who in people:
        if who.startswith("S"):
            family.bind(world, who, "A", caps)
    if order:
        assert not family.set_order(world, "A", order)
    return world


def bill(
    personal: str | Sequence[tuple[str, str]], visit: str = "v", *, use_account: bool = True
) -> Bill:
    """A bill of `A`: an amount in scope, or lines of drugs by part and amount."""
    if isinstance(personal, str):
        return Bill("A", visit, fen(personal), use_account=use_account)
    lines = tuple(
        Line(str(number + 1), "drug", part, fen(amount))
        for number, (part, amount) in enumerate(personal)
    )
    return Bill("A", visit, lines, use_account=use_account)


def settled(world: World, asked: Bill, key: str = "k") -> Split:
    """Settle a bill that nothing speaks against."""
    refused = settling.settle(world, key, asked)
    assert not refused, refused
    return world.settled[key].split


def yuan_of(split: Split) -> list[str]:
    """What everybody gives, and the cash, as the tables write it."""
    fens = [*(share.money.fen for share in split.shares), split.cash]
    return [f"{one // 100}.{one % 100:02}" for one in fens]


def left(world: World, who: str) -> Money:
    """Somebody's two buckets, in fen."""
    return world.people[who].money


def until(world: World, at: datetime) -> None:
    """Wait for a moment."""
    assert at >= world.now
    world.wait(at - world.now)


DAY = timedelta(days=1)
