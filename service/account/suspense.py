"""Pay out what is kept aside under a ticket. The money leaves the ledger: it is in no balance."""

from dataclasses import dataclass

from aggregates.account.decisions import pay_out as decide_pay_out
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
    """What the agency paid, of which ticket; `reference` says to whom, in its own books."""

    person_no: str
    ticket: str
    reference: str


async def pay_out(context: ServiceContext, request: Request, command: PayOut) -> Reply:
    """Write down that the agency of the account's region paid a ticket out, once.

    Raises:
        UnknownError: no such account or ticket, not the agency's, or paid out before; the rest
        as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        of = own_region(reads, context.vault, request.caller, command.person_no)
        account_id, account = of
        check_names_nobody(reads, context.vault, account_id, command.reference)
        event = decide_pay_out(account, command.ticket, command.reference)
        return changed(reads, of, [(account_id, event)], now)

    return await context.do(request, decide)
