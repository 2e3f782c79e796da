"""Settlement lists (结算清单, 4101) of an institution's bills.

Of a list its digest and time are kept, no word of what it says of the patient.
"""

from msgspec import json

from aggregates import visit as rules
from aggregates.refusals import AlreadyCancelledError, UnknownError
from aggregates.visit import SettlementListUploaded
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.settlement.returns import own_settlement
from service.visit.visits import VisitRef, own_visit

NUMBER_SIZE = 9
"""The characters that the national interface has for a list's number."""
LIVE = (SettlementStatus.SETTLED, SettlementStatus.PART_REFUNDED)


async def upload_list(
    context: ServiceContext, request: Request, ref: VisitRef, settlement: StreamId, said: bytes
) -> Reply:
    """Record a bill's list by its digest; the answer is the list's number, in quotes.

    A bill has one number, also when its list comes again with other content.

    Raises:
        UnknownError: no such visit or bill of the institution; AlreadyCancelledError: the bill was
        returned in full; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    number = context.vault.name("settlement list", settlement).hex()[:NUMBER_SIZE]
    digest = context.vault.name("settlement list's text", f"{settlement}\0{said.hex()}").hex()

    def decide(reads: ReadSet, now: Instant) -> Decision:
        visit = own_visit(reads, context.vault, request.caller, ref)
        bill = own_settlement(reads, context.vault, request.caller, settlement)
        if bill.settled is None or bill.settled.claim.beneficiary != visit.beneficiary:
            raise UnknownError
        if bill.status not in LIVE:
            raise AlreadyCancelledError
        event = SettlementListUploaded(
            settlement=settlement, number=number, digest=digest, at=now.at
        )
        events = rules.upload_list(visit, event)
        return Decision(answer=json.encode(number), events=[(ref.visit, e) for e in events])

    return await context.do(request, decide)
