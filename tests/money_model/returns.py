"""Where money goes that comes back (policy.md §3.3, §3.4)."""

from datetime import datetime
from typing import NamedTuple

from tests.money_model.money import Money
from tests.money_model.rules import Rules, year_of
from tests.money_model.world import Ticket, World


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
    is_his = person.end is not None and rules["refund_to_closed"] == "CREDIT"
    heir = who if is_his else _heir(world, who)
    keeps = not is_his and rules["refund_to_frozen"] == "SUSPENSE"
    if heir is None or (keeps and world.people[heir].frozen):
        world.tickets.append(Ticket(who, money.fen))
        return
    theirs = world.rules_of(heir)
    is_over = year_of(paid.at.date(), theirs) != year_of(world.today, theirs)
    if paid.pooled or (is_over and rules["refund_bucket_after_rollover"] == "CARRY_TO_PRIOR"):
        money = money.carried()
    world.people[heir].money = world.people[heir].money.plus(money)


def pay_out(world: World, ticket: Ticket) -> None:
    """The agency pays out all that is kept under a ticket: it is in no account any more."""
    world.tickets.remove(ticket)
    world.paid_out += ticket.fen


def _heir(world: World, who: str) -> str | None:
    """Who stands where somebody stood: himself, or where he and his like moved to, if anybody."""
    person, seen = world.people[who], {who}
    while person.end == "TRANSFERRED" and person.successor not in {None, *seen}:
        assert person.successor is not None
        seen.add(person.successor)
        who, person = person.successor, world.people[person.successor]
    return None if person.end or person.moneyless else who
