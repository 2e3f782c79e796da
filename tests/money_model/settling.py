"""Quoting, settling, cancelling and reversing a bill (policy.md §8.1, §8.4, §8.5, §3.4)."""

from datetime import date, datetime, timedelta
from typing import NamedTuple

from tests.money_model import family
from tests.money_model.bills import Bill, need_of
from tests.money_model.cascade import Cap, Reasons, Round, Split, share_out
from tests.money_model.money import Money
from tests.money_model.returns import Paid, give_back
from tests.money_model.rules import Rules, year_of
from tests.money_model.world import DONE, Hold, Settled, Words, World, words


class Quote(NamedTuple):
    """What a counter was shown, and when."""

    bill: Bill
    says: object
    at: datetime


def quote(world: World, bill: Bill) -> Quote:
    """Show what settling now would do."""
    return Quote(bill, plan_says(world, bill), world.now)


def plan_says(world: World, bill: Bill) -> object:
    """What a quote promises: payers, amounts and editions, whatever the balances are."""
    return plan(world, bill).says(), world.edition_since(world.people[bill.patient].region)


def claim_reasons(world: World, bill: Bill, *, order_missing: bool) -> Reasons:
    """What keeps every sponsor from paying this bill."""
    rules, person = world.rules_of(bill.patient), world.people[bill.patient]
    found = set()
    if person.status not in rules["beneficiary_status_ok"]:
        found.add("BENEFICIARY_STATUS")
    if not bill.use_account and rules["account_unused_means"] == "NO_ACCOUNT_NO_AID":
        found.add("ACCOUNT_UNUSED")
    if order_missing:
        found.add("ORDER_NOT_SET")
    if not bill.use_aid:
        found.add("AID_UNUSED")
    if bill.fund and not rules["aid_with_fund_pay"]:
        found.add("FUND_PAYS")
    return frozenset(found)


def plan(world: World, bill: Bill) -> Split:
    """Who would pay a bill now; what is held for the same bill is free for it."""
    but = world.held_at(bill)
    rules = world.rules_of(bill.patient)
    numbers, missing = family.in_order(world, bill.patient, but)
    barred = claim_reasons(world, bill, order_missing=missing)
    most = rules["max_payers_per_settlement"]
    about = Round(
        0,
        _together(world, bill.patient, rules, but),
        most,
        most == 1 and rules["single_payer_shortfall"] == "SKIP_TO_FIRST_THAT_COVERS",
    )
    return share_out(
        need_of(bill, rules, {}),
        family.own_offer(world, bill, but),
        [family.sponsor_offer(world, number, barred, but) for number in numbers],
        rules["own_allocation"],
        about,
    )


def _together(world: World, patient: str, rules: Rules, but: Hold | None) -> Cap | None:
    if rules["cap_scope"] != "PER_BENEFICIARY":
        return None
    caps = family.region_caps(world, rules, ("PER_BENEFICIARY", patient), but)
    return min(caps, default=None)


# ------------------------------------------------------------ settle


def settle(world: World, key: str, bill: Bill, quoted: Quote | None = None) -> Words:
    """Settle a bill, by a quote or without one; a hold on the same bill is given back."""
    refused = _refused(world, key, bill, quoted)
    if refused:
        return refused
    split = plan(world, bill)
    held = world.held_at(bill)
    own_free = family.own_offer(world, bill, held).most
    give_way(world, bill)
    book(
        world,
        key,
        Hold(key, bill, world.rules_of(bill.patient), split, own_free, world.now, world.now),
    )
    return DONE


def give_way(world: World, bill: Bill) -> None:
    """Nothing is held for a bill any more; what ran out is written down with it."""
    for hold in world.holds.values():
        if hold.status == "held" and hold.bill.place == bill.place:
            hold.status = "released"


def _refused(world: World, key: str, bill: Bill, quoted: Quote | None) -> Words:
    if key in world.tombstones:
        return words("REVERSED_BEFORE_ARRIVAL")
    if world.live_at(bill) is not None:
        return words("DUPLICATE_CLAIM")
    return DONE if quoted is None else _against_quote(world, bill, quoted)


def _against_quote(world: World, bill: Bill, quoted: Quote) -> Words:
    rules = world.rules_of(bill.patient)
    sponsors = [world.bindings[n].sponsor for n in family.grants(world, bill.patient)]
    new_year = any(
        year_of(world.today, theirs) != year_of(quoted.at.date(), theirs)
        for theirs in map(world.rules_of, [bill.patient, *sponsors])
    )
    if new_year or world.now - quoted.at > timedelta(seconds=rules["quote_ttl_seconds"]):
        return words("QUOTE_EXPIRED")
    if quoted.bill != bill:
        return words("CLAIM_CHANGED")
    rejects = rules["on_plan_change"] == "REJECT"
    if rejects and quoted.says != plan_says(world, bill):
        return words("PLAN_CHANGED")
    return DONE


def book(world: World, key: str, hold: Hold) -> None:
    """Debit everybody what was decided; it counts on the day of the decision."""
    for share in hold.split.shares:
        person = world.people[share.who]
        if share.pooled and person.pool is not None:
            person.pool -= share.money.fen
        elif not share.pooled:
            person.money = person.money.less(share.money)
    world.settled[key] = Settled(
        key,
        hold.bill,
        hold.rules,
        hold.split,
        hold.own_free,
        settled_at=world.now,
        counted_on=hold.placed_at.date(),
        stays=hold.split,
    )


# ------------------------------------------------------------ cancel and reverse


def closed(world: World, settled: Settled) -> bool:
    """Whether the window of the settlement's edition is over."""
    window, on = settled.rules["refund_window"], settled.settled_at.date()
    if window == "SAME_DAY":
        return world.today != on
    if window == "UNTIL_CLEARED":
        return is_cleared(world, settled)
    return bool(window != "UNLIMITED" and (world.today - on).days > window["days"])


def is_cleared(world: World, settled: Settled) -> bool:
    """Whether the institution's days are cleared up to the day of the settlement."""
    through = world.cleared.get(settled.bill.institution)
    return through is not None and settled.settled_at.date() <= through


def clear(world: World, institution: str, through: date) -> None:
    """The institution's days are settled with it up to this one."""
    world.cleared[institution] = through


def cancel(world: World, key: str) -> Words:
    """Give back what still stays, and let the bill be settled anew."""
    settled = world.settled[key]
    if not settled.live:
        return words(f"ALREADY_{settled.status.upper()}")
    if closed(world, settled):
        return words("CANCEL_CLOSED")
    give_back_all(world, settled, "cancelled")
    return DONE


def replace(world: World, key: str, of: str, bill: Bill) -> Words:
    """Cancel a settlement whole and settle its bill anew, on the money that went back (S71)."""
    settled = world.settled[of]
    refused = _irreplaceable(world, settled, bill)
    if key in world.tombstones:
        refused |= {"REVERSED_BEFORE_ARRIVAL"}
    if refused:
        return refused
    give_back_all(world, settled, "cancelled")
    assert not settle(world, key, bill), "what could be refused was asked before"
    return DONE


def _irreplaceable(world: World, settled: Settled, bill: Bill) -> Words:
    if not settled.live:
        return words(f"ALREADY_{settled.status.upper()}")
    minutes = settled.rules["second_swipe_minutes"]
    swipes = minutes is not None and bill.use_aid and not settled.bill.use_aid
    unlike = settled.bill._replace(use_aid=True, batch="", institution="") != bill._replace(
        batch="", institution=""
    )
    late = minutes is not None and world.now - settled.settled_at > timedelta(minutes=minutes)
    facts = {
        "REPLACEMENT_NOT_ALLOWED": not swipes
        and "FULL_RESETTLE" not in settled.rules["refund_mode"],
        "CANCEL_CLOSED": closed(world, settled),
        "CLAIM_CHANGED": settled.bill.patient != bill.patient or (swipes and unlike),
        "SECOND_SWIPE_CLOSED": swipes and late,
        "DUPLICATE_CLAIM": world.live_at(bill) not in (None, settled),
    }
    return frozenset(word for word, so in facts.items() if so)


def reverse(world: World, key: str) -> Words:
    """Undo a message by its key, for good; a message that has not come yet never will.

    What is undone already stays as it is.
    """
    settled = world.settled.get(key)
    if settled is None:
        world.tombstones.add(key)
        return DONE
    if not settled.live:
        return DONE
    if is_cleared(world, settled):
        return words("USE_REFUND")
    give_back_all(world, settled, "reversed")
    return DONE


def give_back_all(world: World, settled: Settled, status: str) -> None:
    """Everything that stays goes back where it came from."""
    for share in settled.stays.shares:
        paid = Paid(settled.rules, settled.settled_at, share.pooled)
        give_back(world, share.who, share.money, paid)
    nothing = tuple(share._replace(money=Money()) for share in settled.stays.shares)
    settled.stays = Split(nothing, 0)
    settled.status = status
