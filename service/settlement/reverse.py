"""Reverse a command whose outcome its sender does not know (冲正), also before it arrives."""

from contextlib import suppress
from functools import partial

from msgspec import json

from aggregates.refusals import ReversedBeforeArrivalError, UnknownError, UseRefundError
from aggregates.settlement.events import SettlementReversed
from aggregates.settlement.refund import is_cleared, settled_on
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
from service.serializers import burden_answer
from service.settlement.claims import institution_of, visit_of
from service.settlement.queries import reply_of_key
from service.settlement.returns import own_settlement, refundable, take_back

ATTEMPTS_MAX = 5
LIVE = (SettlementStatus.SETTLED, SettlementStatus.PART_REFUNDED)


async def reverse(context: ServiceContext, request: Request, key: str) -> Reply:
    """Reverse what the caller's command with `key` did; final even if that command comes later.

    An unused key is taken by a tombstone, which refuses the late command (S60). A command in
    progress is waited for (S61). Idempotent.

    Raises:
        UnknownError: the key was used for something that is no settlement;
        KeyReusedError: it is the reversal's own key; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)
    if key == request.key:
        raise KeyReusedError
    for _ in range(ATTEMPTS_MAX):
        await context.appender.quiet(request.caller.name, key)
        stored = await reply_of_key(context, request.caller, key)
        with suppress(KeyTakenError):
            if not stored.is_replayed:
                return await context.do(request, partial(_bury, context, request, key))
            if stored.subject is None:
                raise UnknownError
            undo = partial(_undo, context, request, key, stored.subject)
            return await context.do(request, undo)
    raise OverloadedError


def _undo(
    context: ServiceContext,
    request: Request,
    key: str,
    settlement_id: StreamId,
    reads: ReadSet,
    now: Instant,
) -> Decision:
    """Take back what is left of the settlement that the key made."""
    vault, caller = context.vault, request.caller
    settlement = own_settlement(reads, vault, caller, settlement_id)
    if settlement.status not in LIVE:
        return Decision(answer=_answer(settlement_id, settlement.status))
    paid = refundable(reads, vault, caller, settlement_id)
    if is_cleared(settled_on(settlement), paid.cleared_through):
        raise UseRefundError(settlement_id=settlement_id)
    stay = paid.stay
    returned = (stay.own_fen, stay.aid_fen, stay.cash_fen)
    event = SettlementReversed(
        institution=settlement.institution, undone=key_digest(vault, caller, key)
    )
    return Decision(
        answer=_answer(settlement_id, SettlementStatus.REVERSED, returned),
        events=take_back(reads, paid, event, now),
        frees={visit_of(vault, paid.settled.claim)},
    )


def _bury(
    context: ServiceContext, request: Request, key: str, reads: ReadSet, now: Instant
) -> Decision:
    """Take an unused key, so that its command is refused."""
    vault, caller = context.vault, request.caller
    institution = institution_of(reads, vault, caller)
    if institution is None:
        raise UnknownError
    tombstone = new_stream("stl", now.at)
    refusal = ReversedBeforeArrivalError()
    event = SettlementReversed(institution=institution, undone=key_digest(vault, caller, key))
    return Decision(
        answer=_answer(None, SettlementStatus.REVERSED),
        events=[(tombstone, event)],
        tombstone=Tombstone(key, tombstone, refusal.code(), json.encode(refusal.fields)),
    )


def _answer(
    settlement_id: StreamId | None,
    status: SettlementStatus,
    returned: tuple[int, int, int] = (0, 0, 0),
) -> bytes:
    """The answer of a reversal; without a settlement it is a tombstone's."""
    return json.encode(
        {
            "settlement_id": settlement_id,
            "status": status,
            "outcome": "applied",
            "tombstone": settlement_id is None,
            "returned": burden_answer(*returned),
        }
    )
