"""Take a whole settlement back to the accounts and buckets it came from."""

from pydantic_core import to_json

from aggregates import settlement as rules
from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.answers import yuan
from service.caller import Request, Role, check_role
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.view import View
from service.settle import visit_name


async def cancel(house: House, request: Request, settlement_id: StreamId, reason: str) -> Reply:
    """Cancel a settlement of the caller's own; its visit and batch may be settled anew.

    Raises:
        UnknownError: there is none, or it is another institution's; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        settlement = view.settlement(settlement_id)
        claim = settlement.claim
        if view.find(keys.name("institution", request.caller.subject)) != claim.institution:
            raise UnknownError
        event = rules.cancel(settlement, reason)
        settled = settlement.settled
        assert settled is not None, "a refused claim cannot be cancelled"
        returns = rules.returns_of(settlement_id, settled, now)
        for account_id, _ in returns:
            view.account(account_id)
        answer = {
            "settlement_id": settlement_id,
            "status": "cancelled",
            "outcome": "applied",
            "returned": {
                "own": yuan(settled.own_fen),
                "aid": yuan(settled.aid_fen),
                "cash": yuan(settled.cash_fen),
            },
            "reason": reason,
        }
        return Decision(
            answer=to_json(answer),
            events=[*returns, (settlement_id, event)],
            frees={visit_name(keys, claim.institution, claim.visit, claim.charge_batch)},
        )

    return await house.do(request, decide)
