"""Take a whole settlement back to the accounts and buckets it came from."""

from msgspec import json

from aggregates.refusals import CancelClosedError
from aggregates.settlement import settlement as rules
from aggregates.settlement.returns import everything
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.serializers import moment, yuan
from service.settlement.claims import visit_of
from service.settlement.returns import (
    RefundableSettlement,
    back_answer,
    check_open,
    give_back,
    paid_by,
    unmake_visit,
)


async def cancel(
    context: ServiceContext, request: Request, settlement_id: StreamId, reason: str
) -> Reply:
    """Cancel what stays of a settlement of the caller's own; its bill may be settled anew.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        paid = paid_by(reads, context.vault, request.caller, settlement_id)
        patient = paid.settled.claim.beneficiary
        check_names_nobody(reads, context.vault, patient, reason)
        check_open(reads, paid, CancelClosedError, now)
        event = rules.cancel(paid.settlement, reason)
        stay = rules.check_stays(paid.settlement)
        answer = {
            "settlement_id": settlement_id,
            "status": "cancelled",
            "outcome": "applied",
            "returned": back_answer(stay.own_fen, stay.aid_fen, stay.cash_fen),
            "own_balance_after": _own_after(reads, paid, stay.own_fen),
            "cancelled_at": moment(now.at),
            "reason": reason,
        }
        return Decision(
            answer=json.encode(answer),
            events=[
                *give_back(reads, paid, everything(stay), now),
                *unmake_visit(reads, paid, now),
                (settlement_id, event),
            ],
            frees={visit_of(context.vault, paid.settled.claim)},
        )

    return await context.do(request, decide)


def _own_after(reads: ReadSet, paid: RefundableSettlement, own_fen: int) -> str | None:
    """The patient's own balance once his money is back; None where he has no such account."""
    account = reads.account(paid.settled.claim.beneficiary)
    return yuan(account.balance_fen + own_fen) if account.has_funds else None
