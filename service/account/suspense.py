"""Pay out the money in suspense under a ticket. It is in no balance, and leaves the ledger."""

from dataclasses import dataclass

from aggregates.account import decisions as rules
from aggregates.vocabulary import Instant
from service.account.accounts import changed
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import own_region


@dataclass(frozen=True, slots=True, kw_only=True)
class PayOut:
    """A ticket that the agency paid out; `reference` is the entry in its own books."""

    person_no: str
    ticket: str
    reference: str


async def pay_out(context: ServiceContext, request: Request, command: PayOut) -> Reply:
    """Record that the agency of the account's region paid a ticket out, once.

    Raises:
        UnknownError: no such account or ticket, another region's, or paid out before; the rest
        as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        check_names_nobody(reads, context.vault, account_id, command.reference)
        event = rules.pay_out(account, command.ticket, command.reference)
        return changed(reads, (account_id, account), [(account_id, event)], now)

    return await context.do(request, decide)
