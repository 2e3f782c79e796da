"""Settle a held bill with the money that was held for it."""

from dataclasses import dataclass, replace

from msgspec import json

from aggregates.settlement import hold as rules
from aggregates.settlement.events import Claim, FeeLine
from aggregates.settlement.hold import HoldCaptured
from aggregates.settlement.settlement import debits_of, settled_of
from aggregates.vocabulary import HoldEnd, Instant, SettlementStatus, StreamId
from service.caller import Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.policy import edition_of_record
from service.serializers import settlement_answer
from service.settlement.claims import visit_of
from service.settlement.holds import own_hold
from service.settlement.supersede_hold import held_funds


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalBill:
    """The final amounts of a held bill, in fen."""

    total_fen: int
    fund_pay_fen: int
    lines: tuple[FeeLine, ...] | None


async def capture(
    context: ServiceContext, request: Request, hold_id: StreamId, final: FinalBill | None
) -> Reply:
    """Debit a hold of the caller's: whole, or what a smaller final bill takes of it."""
    check_role(request.caller, Role.INSTITUTION)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        hold = own_hold(reads, vault, request.caller, hold_id)
        rules.check_held(hold, now)
        claim = _final(hold.held.claim, final)
        funds = held_funds(reads, hold.held)
        region = reads.account(claim.beneficiary).region
        edition = edition_of_record(reads, vault, region, hold.held.editions["beneficiary"])
        claim_split = rules.capture(hold_id, hold, claim, funds, edition)
        settlement_id = new_stream("stl", now.at)
        settled = settled_of(claim_split, dict(reads.read), now, (hold_id, hold.held.on))
        answer = settlement_answer(settlement_id, SettlementStatus.SETTLED, settled)
        visit = visit_of(vault, claim)
        return Decision(
            answer=json.encode(answer),
            events=[
                *rules.frees_of(hold_id, funds, HoldEnd.CAPTURED),
                (hold_id, HoldCaptured(settlement=settlement_id)),
                *debits_of(settlement_id, settled),
                (settlement_id, settled),
            ],
            subject=settlement_id,
            takes={visit: settlement_id},
            frees={visit},
        )

    return await context.do(request, decide)


def _final(claim: Claim, final: FinalBill | None) -> Claim:
    if final is None:
        return claim
    return replace(
        claim, total_fen=final.total_fen, fund_pay_fen=final.fund_pay_fen, lines=final.lines
    )
