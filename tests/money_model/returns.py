"""Where money goes that comes back (policy.md §3.3, §3.4)."""

from datetime import datetime
from typing import NamedTuple

from tests.money_model.money import Money
from tests.money_model.rules import Rules
from tests.money_model.world import Person, Ticket, World


class Paid(NamedTuple):
    """The rules that money was paid by, when, and whether from a pool."""

    rules: Rules
    at: datetime
    pooled: bool = False


def give_back(world: World, who: str, money: Money, paid: Paid) -> None:
    """Money goes to the account and bucket that paid, or where the edition says.

    A pool gets its own back while its owner has not ended; then it is money of the years before.
    """
    person, rules = world.people[who], paid.rules
    if not money.fen:
        return
    if paid.pooled and person.pool is not None and not person.end:
        person.pool += money.fen
        return
    carries = rules["refund_bucket_after_rollover"] == "CARRY_TO_PRIOR"
    if paid.pooled or (carries and paid.at.year != world.now.year):
        money = money.carried()
    if person.end and rules["refund_to_closed"] == "CREDIT":
        person.money = person.money.plus(money)
        return
    heir = _heir(world, who)
    kept = heir is not None and heir.frozen and rules["refund_to_frozen"] == "SUSPENSE"
    if heir is None or kept:
        world.tickets.append(Ticket(who, money.fen))
    else:
        heir.money = heir.money.plus(money)


def pay_out(world: World, ticket: Ticket) -> None:
    """The agency pays out all that is kept under a ticket: it is in no account any more."""
    world.tickets.remove(ticket)
    world.paid_out += ticket.fen


def _heir(world: World, who: str) -> Person | None:
    """Who stands where somebody stood: himself, or where he and his like moved to, if anybody."""
    person, seen = world.people[who], {who}
    while person.end == "TRANSFERRED" and person.successor not in {None, *seen}:
        assert person.successor is not None
        seen.add(person.successor)
        person = world.people[person.successor]
    return None if person.end or person.moneyless else person
