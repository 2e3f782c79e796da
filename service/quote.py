"""Quote a bill: what settling now would answer. Changes and stores nothing."""

from datetime import timedelta
from typing import Any

from pydantic_core import to_json

from aggregates.cascade import Split
from aggregates.institution import check_designated
from aggregates.settlement import reasons_of, split_claim
from aggregates.vocabulary import Instant
from service.answers import claim_answer, moment, split_answer
from service.caller import Caller, Role, check_role
from service.claims import Met, SettleBill, editions_of, meet
from service.clock import micros
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.view import View
from service.persons import Keys
from service.plans import Plan, plan_digest, plan_hash


async def quote(house: House, caller: Caller, bill: SettleBill) -> Reply:
    """Quote a bill on what the log says now.

    Raises:
        RefusalError: as settling would refuse; the rest as `Appender.submit`.
    """
    check_role(caller, Role.INSTITUTION)

    def decide(view: View, now: Instant) -> Decision:
        met = meet(view, house.keys, caller, bill, now)
        check_designated(met.institution)
        split = split_claim(met.claim, met.family, met.place, now)
        return Decision(answer=to_json(quote_answer(house.keys, met, bill, split, now)))

    return await house.ask(caller, decide)


def quote_answer(
    keys: Keys, met: Met, bill: SettleBill, split: Split, now: Instant
) -> dict[str, Any]:
    """A split as a quote, with the hash of its plan and the time it holds."""
    edition = met.family.edition
    plan = Plan(micros(now), bill.digest, plan_digest(split, editions_of(met.family)))
    return {
        **claim_answer(met.claim),
        **split_answer(split.own_fen, split.aid_fen, split.cash_fen, split.payers),
        "reasons": list(reasons_of(split)),
        "policy_edition": edition.id,
        "plan_hash": plan_hash(keys, plan),
        "expires_at": moment(now.at + timedelta(seconds=edition.quote.quote_ttl_seconds)),
    }
