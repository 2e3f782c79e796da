"""A family pool (家庭共济账户): what its owner moves in, and takes back (regions.md §4 row 1)."""

from tests.money_model import family
from tests.money_model.world import DONE, Words, World, words


def open_pool(world: World, who: str) -> Words:
    """A pool of one's own, once."""
    found = set(world.no_account(who))
    if not family.is_pooled(world.rules_of(who)):
        found.add("POOL_NOT_OFFERED")
    if world.people[who].pool is not None:
        found.add("POOL_EXISTS")
    if not found:
        world.people[who].pool = 0
    return frozenset(found)


def move_in(world: World, who: str, fen: int) -> Words:
    """Move money above the floor in, so often a month; the oldest money goes first."""
    rules, person = world.rules_of(who), world.people[who]
    if not family.is_pooled(rules):
        return words("POOL_NOT_OFFERED")
    often, least = rules["pool_transfers_per_month"], rules["pool_min_transfer_fen"]
    month = world.today.year, world.today.month
    made = sum((on.year, on.month) == month for on in person.moved_on)
    free = world.free(who)
    facts = {
        "ACCOUNT_ENDED": person.end is not None,
        "FROZEN": person.frozen,
        "POOL_TRANSFER_LIMIT": often is not None and made >= often,
        "POOL_TRANSFER_TOO_SMALL": least is not None and fen < least,
        "POOL_FLOOR": free.fen - fen < rules["pool_floor_fen"],
    }
    found = frozenset(word for word, so in facts.items() if so)
    if not found:
        person.money = person.money.less(free.take(fen, "PRIOR_THEN_CURRENT"))
        person.pool = (person.pool or 0) + fen
        person.moved_on.append(world.today)
    return found


def take_back(world: World, who: str) -> Words:
    """Take all that is free back, once nobody may spend it."""
    bound = any(b.live and b.sponsor == who for b in world.bindings.values())
    if bound and family.is_pooled(world.rules_of(who)):
        return words("POOL_HAS_MEMBERS")
    if not world.pool_free(who):
        return words("AMOUNT_OUT_OF_RANGE")
    world.drain(who)
    return DONE
