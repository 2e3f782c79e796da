"""Take a whole settlement back to the accounts and buckets it came from."""

from msgspec import json

from aggregates.refusals import CancelClosedError
from aggregates.settlement import settlement as rules
from aggregates.settlement.returns import everything
from aggregates.vocabulary import Instant, StreamId
from service.caller import Request, Role, check_role
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.person.free_text import check_names_nobody
from service.serializers import moment, yuan
from service.settlement.claims import visit_of
from service.settlement.returns import (
    Paid,
    back_answer,
    check_open,
    give_back,
    paid_by,
    unmake_visit,
)


async def cancel(house: House, request: Request, settlement_id: StreamId, reason: str) -> Reply:
    """Cancel what stays of a settlement of the caller's own; its bill may be settled anew.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(view: View, now: Instant) -> Decision:
        paid = paid_by(view, house.keys, request.caller, settlement_id)
        patient = paid.settled.claim.beneficiary
        check_names_nobody(view, house.keys, patient, reason)
        check_open(view, paid, CancelClosedError, now)
        event = rules.cancel(paid.settlement, reason)
        stay = rules.check_stays(paid.settlement)
        answer = {
            "settlement_id": settlement_id,
            "status": "cancelled",
            "outcome": "applied",
            "returned": back_answer(stay.own_fen, stay.aid_fen, stay.cash_fen),
            "own_balance_after": _own_after(view, paid, stay.own_fen),
            "cancelled_at": moment(now.at),
            "reason": reason,
        }
        return Decision(
            answer=json.encode(answer),
            events=[
                *give_back(view, paid, everything(stay), now),
                *unmake_visit(view, paid, now),
                (settlement_id, event),
            ],
            frees={visit_of(house.keys, paid.settled.claim)},
        )

    return await house.do(request, decide)


def _own_after(view: View, paid: Paid, own_fen: int) -> str | None:
    """The patient's own balance once his money is back; None where he has no such account."""
    account = view.account(paid.settled.claim.beneficiary)
    return yuan(account.balance_fen + own_fen) if account.has_funds else None
