"""Undo a command whose outcome its sender never learned (冲正), also before it arrives."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec import json

from aggregates.refusals import ReversedBeforeArrivalError, UnknownError, UseRefundError
from aggregates.settlement.events import SettlementReversed
from aggregates.settlement.returns import everything
from aggregates.settlement.settlement import check_stays
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from service.caller import Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext, key_digest
from service.ledger.command import (
    Decision,
    KeyReusedError,
    KeyTakenError,
    OverloadedError,
    Reply,
    Tombstone,
)
from service.ledger.read_set import ReadSet
from service.settlement.claims import visit_of
from service.settlement.returns import back_answer, give_back, own_settlement, paid_by, unmake_visit

ASK_AGAIN_MAX = 5
ALIVE = (SettlementStatus.SETTLED, SettlementStatus.PART_REFUNDED)


async def reverse(context: ServiceContext, request: Request, key: str) -> Reply:
    """Undo what the caller's command with `key` did; final even where that comes later.

    If the key was used for nothing yet a tombstone takes it: the late command is refused
    (S60). One that is on its way is waited for (S61). What is undone already is told again.

    Raises:
        UnknownError: the key was used for something that is no settlement;
        KeyReusedError: it is the reversal's own key; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    if key == request.key:
        raise KeyReusedError
    for _ in range(ASK_AGAIN_MAX):
        await context.appender.quiet(request.caller.name, key)
        asked = (request.caller.name, key)
        known = await context.ask(request.caller, _nothing, asks=asked)
        with suppress(KeyTakenError):
            if not known.is_replayed:
                return await context.do(request, _burying(context, request, key))
            if known.subject is None:
                raise UnknownError
            return await context.do(request, _undoing(context, request, key, known.subject))
    raise OverloadedError


def _undoing(
    context: ServiceContext, request: Request, key: str, settlement_id: StreamId
) -> Callable[[ReadSet, Instant], Decision]:
    """Take back whatever stays of the settlement that the key made."""
    keys, caller = context.vault, request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        settlement = own_settlement(reads, keys, caller, settlement_id)
        if settlement.status not in ALIVE:
            return Decision(answer=_answer(settlement_id, settlement.status, (0, 0, 0)))
        paid = paid_by(reads, keys, caller, settlement_id)
        if paid.is_cleared:
            raise UseRefundError(settlement_id=settlement_id)
        stay = check_stays(settlement)
        back = (stay.own_fen, stay.aid_fen, stay.cash_fen)
        event = SettlementReversed(
            institution=settlement.institution,
            undone=key_digest(context.vault, request.caller, key),
        )
        return Decision(
            answer=_answer(settlement_id, SettlementStatus.REVERSED, back),
            events=[
                *give_back(reads, paid, everything(stay), now),
                *unmake_visit(reads, paid, now),
                (settlement_id, event),
            ],
            frees={visit_of(keys, paid.settled.claim)},
        )

    return decide


def _burying(
    context: ServiceContext, request: Request, key: str
) -> Callable[[ReadSet, Instant], Decision]:
    """Take a key that nothing used, so that its command can do nothing any more."""
    caller = request.caller

    def decide(reads: ReadSet, now: Instant) -> Decision:
        institution = reads.find(context.vault.name("institution", caller.subject))
        if institution is None:
            raise UnknownError
        tombstone = new_stream("stl", now.at)
        refusal = ReversedBeforeArrivalError()
        event = SettlementReversed(
            institution=institution, undone=key_digest(context.vault, request.caller, key)
        )
        return Decision(
            answer=_answer(tombstone, SettlementStatus.REVERSED, (0, 0, 0), is_tombstone=True),
            events=[(tombstone, event)],
            tombstone=Tombstone(key, tombstone, refusal.code(), json.encode(refusal.fields)),
        )

    return decide


def _answer(
    settlement_id: StreamId,
    status: SettlementStatus,
    back: tuple[int, int, int],
    *,
    is_tombstone: bool = False,
) -> bytes:
    answer: dict[str, Any] = {
        "settlement_id": None if is_tombstone else settlement_id,
        "status": status,
        "outcome": "applied",
        "tombstone": is_tombstone,
        "returned": back_answer(*back),
    }
    return json.encode(answer)


def _nothing(_: ReadSet, __: Instant) -> Decision:
    return Decision(answer=b"")
