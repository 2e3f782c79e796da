"""A resident's premium, paid whole by one sponsor (policy.md §4, §8.9). One held state."""

from datetime import timedelta

from tests.money_model.family import grants
from tests.money_model.money import Money
from tests.money_model.returns import give_back
from tests.money_model.world import DONE, Premium, Words, World, words


def pay(world: World, key: str, sponsor: str, payee: str, year: int) -> Words:
    """Hold the standard on the sponsor's account until the tax side answers; all or nothing."""
    rules, person = world.rules_of(sponsor), world.people[sponsor]
    numbers = [n for n in grants(world, payee) if world.bindings[n].sponsor == sponsor]
    if not numbers:
        return words("NOT_ACTIVE")
    standard, way, free = (
        rules["premium_standard_fen"],
        rules["sponsor_buckets"],
        world.free(sponsor),
    )
    facts = {
        "USE_NOT_GRANTED": "premium" not in world.bindings[numbers[0]].uses,
        "WINDOW_CLOSED": not _open(world, sponsor),
        "PREMIUM_ALREADY_PAID": paid(world, payee, year) is not None,
        "FROZEN": person.frozen,
        "SPONSOR_STATUS": person.standing not in rules["sponsor_status_ok"],
        "INSUFFICIENT": min(free.within(way), free.fen - rules["reserve_fen"]) < standard,
    }
    found = frozenset(word for word, so in facts.items() if so)
    if not found:
        world.premiums[key] = Premium(sponsor, payee, year, free.take(standard, way), world.now)
    return found


def paid(world: World, payee: str, year: int) -> Premium | None:
    """The premium of a payee and year that is paid or being paid."""
    for one in world.premiums.values():
        if (one.payee, one.year) == (payee, year) and one.status in {"HELD", "CONFIRMED"}:
            return one
    return None


def _open(world: World, who: str) -> bool:
    since, until = world.rules_of(who)["premium_window"]
    return bool(since <= (world.today.month, world.today.day) <= until)


def confirm(world: World, key: str) -> Words:
    """The tax side has the money, whatever became of the binding since (S115)."""
    premium = world.premiums[key]
    if premium.status != "HELD":
        return words("PREMIUM_NOT_HELD")
    person = world.people[premium.sponsor]
    person.money = person.money.less(premium.money)
    premium.status, premium.at = "CONFIRMED", world.now
    return DONE


def reject(world: World, key: str) -> Words:
    """The tax side says no: nothing is held any more (S107)."""
    premium = world.premiums[key]
    if premium.status != "HELD":
        return words("PREMIUM_NOT_HELD")
    premium.status = "REJECTED"
    return DONE


def reverse(world: World, key: str, *, drawn: bool = False, cleared: bool = False) -> Words:
    """Give a confirmed premium back to the sponsor, if nothing of the region's list forbids it."""
    premium = world.premiums[key]
    if premium.status != "CONFIRMED":
        return words("PREMIUM_NOT_CONFIRMED")
    rules = world.rules_of(premium.sponsor)
    ended = world.people[premium.sponsor].end is not None
    facts = {
        "BENEFIT_USED": drawn,
        "CLEARED": cleared,
        "SPONSOR_ENDED": ended,
        "WINDOW_CLOSED": not _open(world, premium.sponsor),
    }
    found = {word for word in rules["premium_reverse_block"] if facts[word]}
    if world.now - premium.at < timedelta(minutes=rules["premium_reverse_min_age_minutes"]):
        found.add("TOO_EARLY")
    if not found:
        give_back(world, premium.sponsor, premium.money, rules, premium.at)
        premium.status = "REVERSED"
    return frozenset(found)


def owed(world: World) -> int:
    """What the tax side has, in fen."""
    return sum(one.money.fen for one in world.premiums.values() if one.status == "CONFIRMED")


def money_of(world: World, key: str) -> Money:
    """What a premium takes from which bucket."""
    return world.premiums[key].money
