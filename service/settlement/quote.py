"""Quote a bill: what settling now would answer. Stores nothing but a hold, where a region asks."""

from contextlib import suppress
from typing import Any

from msgspec import json

from aggregates.institution import check_designated
from aggregates.policy.edition import Edition
from aggregates.settlement.settlement import ClaimSplit, split_claim
from aggregates.vocabulary import Instant
from service.caller import Caller, Request, Role, check_role
from service.clock import micros, new_trace
from service.context import Decide, ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.serializers import claim_answer, moment, split_answer
from service.settlement.claims import SettleBill, read_inputs
from service.settlement.holds import place
from service.settlement.plan_hash import Plan, expires_at, plan_digest, plan_hash
from service.settlement.supersede_hold import without_hold
from service.vault import Vault


class HoldWantedError(Exception):
    """The region's quotes set money aside: this one must be stored."""


async def quote(context: ServiceContext, caller: Caller, bill: SettleBill) -> Reply:
    """Quote a bill on what the log says now; under `hold_on_quote` its money is held as well.

    Raises:
        RefusalError: as settling would refuse; the rest as `Appender.submit`.
    """
    check_role(caller, Role.INSTITUTION)
    with suppress(HoldWantedError):
        return await context.ask(caller, _quoting(context, caller, bill))
    request = Request(caller, f"quote:{new_trace()}", bill.digest, "quote")
    return await context.do(request, _holding(context, caller, bill))


def _quoting(context: ServiceContext, caller: Caller, bill: SettleBill) -> Decide:
    def decide(reads: ReadSet, now: Instant) -> Decision:
        met = read_inputs(reads, context.vault, caller, bill, now)
        check_designated(met.institution)
        if met.family.edition.quote.hold_on_quote:
            raise HoldWantedError
        met = without_hold(reads, met, now)
        claim_split = split_claim(met.claim, met.family, met.place, now)
        answer = quote_answer(context.vault, met.family.edition, bill, claim_split, now)
        return Decision(answer=json.encode(answer))

    return decide


def _holding(context: ServiceContext, caller: Caller, bill: SettleBill) -> Decide:
    """Hold the bill for as long as the quote holds; settling it takes the hold's money."""

    def decide(reads: ReadSet, now: Instant) -> Decision:
        met = read_inputs(reads, context.vault, caller, bill, now)
        edition = met.family.edition
        decision, claim_split = place(reads, met, edition.quote.quote_ttl_seconds, now)
        decision.answer = json.encode(quote_answer(context.vault, edition, bill, claim_split, now))
        return decision

    return decide


def quote_answer(
    vault: Vault, edition: Edition, bill: SettleBill, claim_split: ClaimSplit, now: Instant
) -> dict[str, Any]:
    """A split as a quote, with the hash of its plan and when it expires."""
    split = claim_split.split
    plan = Plan(micros(now), bill.digest, plan_digest(split, claim_split.editions))
    return {
        **claim_answer(claim_split.claim),
        **split_answer(split.own_fen, split.aid_fen, split.cash_fen, split.payers),
        "reasons": list(claim_split.reasons),
        "policy_edition": edition.id,
        "plan_hash": plan_hash(vault, plan),
        "expires_at": moment(expires_at(now, edition.quote.quote_ttl_seconds)),
    }
