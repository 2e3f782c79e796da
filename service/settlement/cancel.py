"""Cancel a settlement: all its money goes back to the accounts and buckets it came from."""

from msgspec import json

from aggregates.refusals import CancelClosedError
from aggregates.settlement import settlement as rules
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.serializers import burden_answer, moment, yuan
from service.settlement.claims import visit_of
from service.settlement.returns import check_open, refundable, take_back


async def cancel(
    context: ServiceContext, request: Request, settlement_id: StreamId, reason: str
) -> Reply:
    """Cancel what is left of a settlement of the caller's; its bill may be settled again."""
    check_role(request.caller, Role.INSTITUTION)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        paid = refundable(reads, vault, request.caller, settlement_id)
        patient_id, stay = paid.settled.claim.beneficiary, paid.stay
        check_names_nobody(reads, vault, patient_id, reason)
        check_open(paid, CancelClosedError, now)
        event = rules.cancel(paid.settlement, reason)
        patient = reads.account(patient_id)
        own_after = yuan(patient.balance_fen + stay.own_fen) if patient.has_funds else None
        answer = {
            "settlement_id": settlement_id,
            "status": "cancelled",
            "outcome": "applied",
            "returned": burden_answer(stay.own_fen, stay.aid_fen, stay.cash_fen),
            "own_balance_after": own_after,
            "cancelled_at": moment(now.at),
            "reason": reason,
        }
        return Decision(
            answer=json.encode(answer),
            events=take_back(reads, paid, event, now),
            frees={visit_of(vault, paid.settled.claim)},
        )

    return await context.do(request, decide)
