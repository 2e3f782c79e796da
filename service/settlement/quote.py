"""Quote a bill: what settling now would answer. Stores nothing but a hold, in regions that hold."""

from contextlib import suppress
from functools import partial
from typing import Any

from msgspec import json

from aggregates.institution import check_designated
from aggregates.settlement.family import Family, year_days_of
from aggregates.settlement.settlement import ClaimSplit, split_claim
from aggregates.vocabulary import Instant
from service.caller import Caller, Request, Role, check_role
from service.clock import micros, new_trace
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.credentials import Confirmations, confirming
from service.serializers import claim_answer, moment, split_answer
from service.settlement.claims import SettleBill, read_inputs
from service.settlement.holds import decide_hold
from service.settlement.plan_hash import Plan, expires_at, plan_digest, plan_hash
from service.settlement.supersede_hold import without_hold
from service.vault import Vault


class HoldWantedError(Exception):
    """The region holds the money of a quote, so this one must be stored."""


async def quote(context: ServiceContext, caller: Caller, bill: SettleBill) -> Reply:
    """Quote a bill on the log as it is now; under `hold_on_quote` hold its money until it expires.

    Raises:
        RefusalError: as settling would refuse; the rest as `Appender.submit`.
    """
    check_role(caller, Role.INSTITUTION)
    return await confirming(context.tokens, partial(_quote, context, caller, bill))


async def _quote(
    context: ServiceContext, caller: Caller, bill: SettleBill, answers: Confirmations
) -> Reply:
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        inputs = read_inputs(reads, vault, caller, bill, now, answers)
        check_designated(inputs.institution)
        if inputs.family.edition.quote.hold_on_quote:
            raise HoldWantedError
        inputs = without_hold(reads, inputs, now)
        claim_split = split_claim(inputs.claim, inputs.family, inputs.place, now)
        return Decision(
            answer=json.encode(quote_answer(vault, inputs.family, bill, claim_split, now))
        )

    def decide_held(reads: ReadSet, now: Instant) -> Decision:
        inputs = read_inputs(reads, vault, caller, bill, now, answers)
        ttl_s = inputs.family.edition.quote.quote_ttl_seconds
        decision, claim_split = decide_hold(reads, inputs, ttl_s, now)
        decision.answer = json.encode(quote_answer(vault, inputs.family, bill, claim_split, now))
        return decision

    with suppress(HoldWantedError):
        return await context.ask(caller, decide)
    request = Request(caller, f"quote:{new_trace()}", bill.digest, "quote")
    return await context.do(request, decide_held)


def quote_answer(
    vault: Vault, family: Family, bill: SettleBill, claim_split: ClaimSplit, now: Instant
) -> dict[str, Any]:
    """A split as a quote, with the hash of its plan and when it expires."""
    split, ttl_s = claim_split.split, family.edition.quote.quote_ttl_seconds
    plan = Plan(micros(now), bill.digest, plan_digest(claim_split))
    return {
        **claim_answer(claim_split.claim),
        **split_answer(split.own_fen, split.aid_fen, split.cash_fen, split.payers),
        "reasons": list(claim_split.reasons),
        "policy_edition": family.edition.id,
        "plan_hash": plan_hash(vault, plan),
        "expires_at": moment(expires_at(now, ttl_s, year_days_of(family))),
    }
