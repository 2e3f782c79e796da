"""A wrong balance put right: one of the agency proposes, another decides.

What is wrong is a bucket of an account: money comes in or goes off, never below what is held of
it. Nothing comes in after an account's end, but what never should have come still goes off.
"""

from tests.money_model.money import Money
from tests.money_model.rules import year_of
from tests.money_model.world import DONE, Correction, Words, World, words


def propose(world: World, key: str, who: str, by: Money, proposer: str) -> Words:
    """Say what is wrong; no money moves."""
    if refused := _refused(world, who, by):
        return refused
    world.corrections[key] = Correction(who, by, proposer, world.today)
    return DONE


def approve(world: World, key: str, decider: str) -> Words:
    """Agree: the money moves, of the years before if his year ended between."""
    one = world.corrections[key]
    rules = world.rules_of(one.who)
    is_over = year_of(one.on, rules) != year_of(world.today, rules)
    by = one.by.carried() if is_over else one.by
    found = set(_not_his(one, decider) | _refused(world, one.who, by))
    if min(world.free(one.who).plus(by)) < 0:
        found.add("CORRECTION_EXCEEDS")
    if not found:
        person = world.people[one.who]
        person.money = person.money.plus(by)
        world.corrected += by.fen
        one.status = "APPROVED"
    return frozenset(found)


def reject(world: World, key: str, decider: str) -> Words:
    """Do not agree."""
    one = world.corrections[key]
    if refused := _not_his(one, decider):
        return refused
    one.status = "REJECTED"
    return DONE


def _refused(world: World, who: str, by: Money) -> Words:
    refused = world.no_account(who)
    return refused if by.fen > 0 else refused - {"ACCOUNT_ENDED"}


def _not_his(one: Correction, decider: str) -> Words:
    found = set()
    if one.status != "PROPOSED":
        found.add("CORRECTION_DECIDED")
    if decider == one.proposer:
        found.add("DUAL_CONTROL")
    return words(*found)
