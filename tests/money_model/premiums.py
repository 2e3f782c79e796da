"""A resident's premium, paid whole by one sponsor (policy.md §4, §8.9). One held state.

Whether it is given back is asked by the rules it was paid by, as for any refund (§3.3).
"""

from datetime import timedelta

from tests.money_model.family import grants, is_pooled, purse_of
from tests.money_model.returns import Paid, give_back
from tests.money_model.rules import Rules
from tests.money_model.world import DONE, Premium, Words, World, words


def pay(world: World, key: str, sponsor: str, payee: str, year: int) -> Words:
    """Hold the standard on the sponsor's account until the tax side answers; all or nothing."""
    rules, person = world.rules_of(sponsor), world.people[sponsor]
    numbers = [n for n in grants(world, payee) if world.bindings[n].sponsor == sponsor]
    if not numbers:
        return _no_grant(world, sponsor, payee)
    pooled, free = is_pooled(rules), purse_of(world, sponsor)
    standard, way = rules["premium_standard_fen"], "ALL" if pooled else rules["sponsor_buckets"]
    reserve = 0 if pooled else rules["reserve_fen"]
    usable = person.standing == "SUSPENDED" and rules["sponsor_suspended_usable"]
    payable = year_paid_now(world, rules)
    before = paid(world, payee, year)
    facts = {
        "USE_NOT_GRANTED": "premium" not in world.bindings[numbers[0]].uses,
        "PAYEE_NOT_RESIDENT": not world.people[payee].resident,
        "WINDOW_CLOSED": payable is None,
        "DATE_INVALID": payable not in {None, year},
        "PREMIUM_IN_PROGRESS": before is not None and before.status != "CONFIRMED",
        "PREMIUM_ALREADY_PAID": before is not None and before.status == "CONFIRMED",
        "FROZEN": person.frozen,
        "SPONSOR_STATUS": person.standing not in rules["sponsor_status_ok"] and not usable,
        "INSUFFICIENT": min(free.within(way), free.fen - reserve) < standard,
    }
    found = frozenset(word for word, so in facts.items() if so)
    if not found:
        money = free.take(standard, way)
        world.premiums[key] = Premium(sponsor, payee, year, rules, money, world.now, pooled)
    return found


def _no_grant(world: World, sponsor: str, payee: str) -> Words:
    """Strangers know nothing of each other; who was bound once is told that he is no more."""
    if sponsor == payee:
        return words("SELF_BINDING")
    ever = any((b.sponsor, b.beneficiary) == (sponsor, payee) for b in world.bindings.values())
    return words("NOT_ACTIVE") if ever else words("UNKNOWN")


def paid(world: World, payee: str, year: int) -> Premium | None:
    """The premium of a payee and year that is paid or being paid."""
    for one in world.premiums.values():
        if (one.payee, one.year) == (payee, year) and one.status not in {"REJECTED", "REVERSED"}:
            return one
    return None


def year_paid_now(world: World, rules: Rules) -> int | None:
    """The year that is paid today: the coming one, or past New Year in a window over it this."""
    since, until = rules["premium_window"]
    today = world.today.month, world.today.day
    if since <= until:
        return world.today.year + 1 if since <= today <= until else None
    if today >= since:
        return world.today.year + 1
    return world.today.year if today <= until else None


def confirm(world: World, key: str) -> Words:
    """The tax side has the money, whatever became of the binding since (S115)."""
    premium = world.premiums[key]
    if premium.status != "HELD":
        return words("PREMIUM_NOT_HELD")
    person = world.people[premium.sponsor]
    if premium.pooled and person.pool is not None:
        person.pool -= premium.money.fen
    elif not premium.pooled:
        person.money = person.money.less(premium.money)
    premium.status, premium.at = "CONFIRMED", world.now
    return DONE


def reject(world: World, key: str, code: str = "TAX_REFUSED") -> Words:
    """The tax side says no: nothing is held any more (S107)."""
    premium = world.premiums[key]
    if premium.status != "HELD":
        return words("PREMIUM_NOT_HELD")
    premium.status, premium.code = "REJECTED", code
    return DONE


def no_to_payment(world: World, key: str) -> Words:
    """The tax side's no to a payment, as it stands now."""
    code = world.premiums[key].code
    return words(code) if code else DONE


# ------------------------------------------------------------ back


def ask_back(world: World, key: str) -> Words:
    """Ask the tax side for a paid premium, if nothing of the region's list forbids it (S112)."""
    premium = world.premiums[key]
    if premium.status in {"HELD", "REVERSE_REQUESTED"}:
        return words("PREMIUM_IN_PROGRESS")
    if premium.status != "CONFIRMED":
        return words("PREMIUM_NOT_PAID")
    rules = premium.rules
    facts = {
        "SPONSOR_ENDED": world.people[premium.sponsor].end is not None,
        "WINDOW_CLOSED": year_paid_now(world, rules) != premium.year,
    }
    found = {word for word, so in facts.items() if so and word in rules["premium_reverse_block"]}
    if world.now - premium.at < timedelta(minutes=rules["premium_reverse_min_age_minutes"]):
        found.add("TOO_EARLY")
    if not found:
        premium.status = "REVERSE_REQUESTED"
    return frozenset(found)


def give(world: World, key: str) -> None:
    """The tax side gives it back."""
    premium = world.premiums[key]
    paid = Paid(premium.rules, premium.at, premium.pooled)
    give_back(world, premium.sponsor, premium.money, paid)
    premium.status = "REVERSED"


def keep(world: World, key: str, code: str) -> None:
    """The tax side keeps it: it stays paid."""
    premium = world.premiums[key]
    premium.refusals.append(code)
    premium.status = "CONFIRMED"


def no_to_reversal(world: World, key: str, attempt: int) -> Words:
    """The tax side's no to one of the requests, from 0; none while it has not answered."""
    refusals = world.premiums[key].refusals
    return words(refusals[attempt]) if attempt < len(refusals) else DONE


def owed(world: World) -> int:
    """What the tax side has, in fen."""
    had = {"CONFIRMED", "REVERSE_REQUESTED"}
    return sum(one.money.fen for one in world.premiums.values() if one.status in had)
