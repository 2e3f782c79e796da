"""Setting a whole cascade aside for a bill, and taking it later (policy.md §3.2)."""

from datetime import timedelta

from tests.money_model import family, settling
from tests.money_model.bills import Bill, need_of
from tests.money_model.cascade import recast, without_aid
from tests.money_model.world import DONE, Hold, Words, World, words


def hold(world: World, key: str, bill: Bill, for_: timedelta) -> Words:
    """Set aside what everybody would pay now, until a moment that counts from now.

    A hold of the same bill gives way.
    """
    if world.live_at(bill) is not None:
        return words("DUPLICATE_CLAIM")
    split, before = settling.plan(world, bill), world.held_at(bill)
    own_free = family.own_offer(world, bill, before).most
    settling.give_way(world, bill)
    rules = world.rules_of(bill.patient)
    world.holds[key] = Hold(key, bill, rules, split, own_free, world.now, world.now + for_)
    return DONE


def release(world: World, key: str) -> Words:
    """Give back what was set aside; what ran out is free already, and is let go once."""
    held = world.holds[key]
    if held.status != "held":
        return words("HOLD_VOID")
    held.status = "released"
    return DONE


def is_void(world: World, held: Hold) -> bool:
    """Whether nothing is held any more; an account that ended has made it void."""
    return held.status != "held" or world.now >= held.expires_at


def capture(world: World, key: str, at: str, final: Bill | None) -> Words:
    """Debit what was set aside, or the part of it that a smaller final bill asks for.

    Nothing but an ended account stands in the way, whatever happened to bindings, order, rules
    or standing since.
    """
    held = world.holds[key]
    bill = held.bill if final is None else final
    found = set()
    if at in world.tombstones:
        found.add("REVERSED_BEFORE_ARRIVAL")
    if is_void(world, held):
        found.add("HOLD_VOID")
    if bill.personal > held.bill.personal:
        found.add("CAPTURE_EXCEEDS")
    if found:
        return frozenset(found)
    need = need_of(bill, held.rules, {})
    is_closed = bill.fund and not held.rules["aid_with_fund_pay"]
    before = without_aid(held.split) if is_closed else held.split
    split = recast(before, need, held.rules["own_allocation"])
    held.status = "captured"
    taken = Hold(at, bill, held.rules, split, held.own_free, held.placed_at, held.expires_at)
    settling.book(world, at, taken)
    return DONE
