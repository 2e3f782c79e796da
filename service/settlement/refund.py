"""Refund a part of a bill, by amount or by line."""

from dataclasses import dataclass
from typing import Any

from msgspec import json

from aggregates.refusals import RefundClosedError
from aggregates.settlement import refund as rules
from aggregates.settlement.events import PartRefunded
from aggregates.settlement.settlement import Remainder, check_stays, evolve
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.serializers import burden_answer, payers_answer, stay_answer, yuan
from service.settlement.returns import check_open, give_back, refundable


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundBill:
    """What of a settlement is to be refunded, in fen: a sum, or sums of lines."""

    settlement: StreamId
    amount_fen: int
    lines: rules.LineAmounts | None
    reason: str


async def refund(context: ServiceContext, request: Request, command: RefundBill) -> Reply:
    """Refund a part of a settlement of the caller's."""
    check_role(request.caller, Role.INSTITUTION)
    wanted = rules.RefundRequest(command.amount_fen, command.lines)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        paid = refundable(reads, context.vault, request.caller, command.settlement)
        patient = paid.settled.claim.beneficiary
        check_names_nobody(reads, context.vault, patient, command.reason)
        check_open(paid, RefundClosedError, now)
        event = rules.refund(paid.settlement, wanted, command.reason, paid.edition)
        stay = check_stays(evolve(paid.settlement, event))
        answer = {
            "settlement_id": command.settlement,
            "status": "part_refunded",
            "outcome": "applied",
            "refunded": _refunded(event, stay),
            "stays": stay_answer(stay),
            "reason": command.reason,
        }
        returns = give_back(reads, paid, event.payers, now)
        return Decision(answer=json.encode(answer), events=[*returns, (command.settlement, event)])

    return await context.do(request, decide)


def _refunded(event: PartRefunded, stay: Remainder) -> dict[str, Any]:
    """What was refunded to whom, in the order of payers."""
    fen = {(p.account, p.binding): p.current_fen + p.prior_fen for p in event.payers}
    by_rank = [fen.get((s.account, s.binding), 0) if s.account else 0 for s in stay.payers]
    return {
        "amount": yuan(event.amount_fen),
        **burden_answer(event.own_fen, event.aid_fen, event.cash_fen),
        "payers": payers_answer(by_rank),
    }
