"""What always holds in the model's world (policy.md §8.0)."""

from tests.money_model import premiums
from tests.money_model.bills import need_of
from tests.money_model.refunds import mode_of
from tests.money_model.world import Settled, World


def check(world: World) -> None:
    """Every law at once; raises AssertionError where one is broken."""
    no_money_is_lost(world)
    nothing_is_below_zero(world)
    for settled in world.settled.values():
        a_settlement_adds_up(settled)
        own_money_comes_first(settled)


def payable(world: World) -> int:
    """What institutions are owed: own money and aid that went and did not come back, in fen."""
    return sum(one.stays.own + one.stays.aid for one in world.settled.values())


def kept_aside(world: World) -> int:
    """What could not go back to anybody, in fen."""
    return sum(ticket.fen for ticket in world.tickets)


def in_pools(world: World) -> int:
    """What is in all family pools, in fen."""
    return sum(person.pool or 0 for person in world.people.values())


def no_money_is_lost(world: World) -> None:
    """Accounts, pools, suspense, institutions, premiums and payouts are what came in (I9)."""
    accounts = sum(person.money.fen for person in world.people.values())
    accounts += in_pools(world)
    out = kept_aside(world) + payable(world) + premiums.owed(world) + world.paid_out
    assert world.credited + world.corrected == accounts + out


def nothing_is_below_zero(world: World) -> None:
    """No bucket is below zero, nor below what is held of it (I4)."""
    for who, person in world.people.items():
        assert min(person.money) >= 0, who
        assert min(world.free(who)) >= 0, who
        assert min(world.held(who)) >= 0, who
        assert min(world.pool_free(who), world.pool_held(who)) >= 0, who


def a_settlement_adds_up(settled: Settled) -> None:
    """What was decided is the bill, what stays is the bill less what went back (I1, I5)."""
    assert settled.bill.personal == settled.split.own + settled.split.aid + settled.split.cash
    assert settled.split.cash >= 0
    for was, stays in zip(settled.split.shares, settled.stays.shares, strict=True):
        assert 0 <= stays.money.current <= was.money.current, stays
        assert 0 <= stays.money.prior <= was.money.prior, stays
    if settled.live:
        left = settled.bill.personal - sum(settled.back.values())
        assert left == settled.stays.own + settled.stays.aid + settled.stays.cash
        assert settled.stays.cash >= 0


def own_money_comes_first(settled: Settled) -> None:
    """Where aid pays, own money is exhausted, and aid pays nothing it may not (I2, I5).

    A proportional refund keeps neither: it gives back a part of everybody's. Where buckets have
    rules, own money may be left that may pay no line.
    """
    if mode_of(settled) == "PARTIAL_PRORATA" and settled.back:
        return
    by_bucket = bool(settled.rules["bucket_rules"])
    if settled.split.aid and not by_bucket:
        assert settled.own_free == settled.split.own
    if settled.stays.aid and not by_bucket:
        assert settled.stays.own == settled.split.own
    need = need_of(settled.bill, settled.rules, settled.back)
    assert settled.stays.aid <= need.shared
