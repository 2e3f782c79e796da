"""Look at a settlement: the institution's view, and each family member's own part."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from msgspec import json

from aggregates.refusals import UnknownError
from aggregates.settlement.events import Settled
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from projections.settlement import settlements as settlement_views
from projections.settlement.settlements import SettlementRow
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor
from service.person.lookup import find_person
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.request_context import note
from service.serializers import day, settlement_answer, stay_answer, yuan


class BillName(NamedTuple):
    """How an institution names a bill."""

    visit: str
    charge_batch: str


async def settlements_of_bill(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    bill: BillName,
    asked: PageRequest,
) -> PageResult:
    """What became of a bill of the caller's, the newest attempt first; one page, no cursor.

    Raises:
        UnknownError: the institution is not known here.
    """
    check_role(caller, Role.INSTITUTION)
    institution = await _institution(context, caller, None)
    position = await reach(context, read_models, asked, settlement_views.TABLE)
    rows = await settlement_views.of_claim(read_models.pool, institution, *bill, asked.limit)
    note([row.settlement for row in rows])
    return PageResult([_settlement(row) for row in rows], None, position)


async def settlements_of_day(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    code: str | None,
    day_on: date,
    asked: PageRequest,
) -> PageResult:
    """What an institution's bills of a business day became, newest first.

    `code` names the institution for an auditor; an institution sees its own.

    Raises:
        UnknownError: no such institution, or not the caller; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.INSTITUTION, Role.AUDITOR)
    institution = await _institution(context, caller, code)
    position = await reach(context, read_models, asked, settlement_views.TABLE)
    page = await settlement_views.of_day(
        read_models.pool, institution, day_on, asked.cursor, asked.limit
    )
    note([row.settlement for row in page.rows])
    return PageResult([_settlement(row) for row in page.rows], page.next, position)


async def _institution(context: ServiceContext, caller: Caller, code: str | None) -> StreamId:
    if caller.role is Role.INSTITUTION:
        if code not in (None, caller.subject):
            raise UnknownError
        code = caller.subject
    name = context.vault.name("institution", code or "")
    institution = await context.read(caller, lambda reads, _: reads.find(name))
    if institution is None:
        raise UnknownError
    note([institution])
    return institution


def _settlement(row: SettlementRow) -> dict[str, Any]:
    is_refused = row.status is SettlementStatus.REFUSED
    return {
        "settlement_id": row.settlement,
        "status": row.status,
        "outcome": "not_applied" if is_refused else "applied",
        "code": row.refusal,
        "visit": row.visit,
        "charge_batch": row.charge_batch,
        "day": day(row.day),
        "total": yuan(row.total_fen),
        "fund_pay": yuan(row.fund_pay_fen),
        "personal": yuan(row.total_fen - row.fund_pay_fen),
        "own": yuan(row.own_fen),
        "aid": yuan(row.aid_fen),
        "cash": yuan(row.cash_fen),
        "recorded_at": rfc3339(row.recorded_at),
        "cancelled_at": None if row.cancelled_at is None else rfc3339(row.cancelled_at),
        "version": row.version,
        "position": row.position,
    }


async def look_at_settlement(
    context: ServiceContext, caller: Caller, settlement_id: StreamId
) -> Reply:
    """A settlement as the log has it now, as far as the caller may see it.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.INSTITUTION, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        seen = see_settlement(reads, context, caller, settlement_id, now)
        return Decision(answer=json.encode(seen[1]))

    return await context.ask(caller, decide)


def see_settlement(
    reads: ReadSet,
    context: ServiceContext,
    caller: Caller,
    settlement_id: StreamId,
    now: Instant,
) -> tuple[Settlement, dict[str, Any]]:
    """A settlement, and what the caller may see of it.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    settlement = reads.settlement(settlement_id)
    show = _shown_to(reads, context, caller, settlement, now)
    return settlement, _answer(settlement_id, settlement, show)


async def status_since(
    context: ServiceContext, caller: Caller, reply: Reply
) -> SettlementStatus | None:
    """What became of a settlement since, where its answer is repeated; None if it stands so.

    Only a repeat costs this look: what was settled just now stands as it was answered.
    """
    if not reply.is_replayed or reply.refusal is not None or reply.subject is None:
        return None
    settlement_id = reply.subject
    status = await context.read(caller, lambda reads, _: reads.settlement(settlement_id).status)
    return None if status is SettlementStatus.SETTLED else status


async def check_readable(context: ServiceContext, caller: Caller, settlement_id: StreamId) -> None:
    """Let only who may see a settlement go on.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    await context.read(
        caller,
        lambda reads, now: _shown_to(reads, context, caller, reads.settlement(settlement_id), now),
    )


async def find_by_key(context: ServiceContext, caller: Caller, key: str) -> StreamId:
    """The settlement that a key of the caller's was used for; the look-up makes it durable.

    Raises:
        UnknownError: the key was never used up, or for something else.
    """
    check_role(caller, Role.INSTITUTION)
    reply = await reply_of_key(context, caller, key)
    if reply.subject is None:
        raise UnknownError
    return reply.subject


async def is_key_used(context: ServiceContext, caller: Caller, key: str) -> bool:
    """Whether a caller used a key up."""
    return (await reply_of_key(context, caller, key)).is_replayed


async def reply_of_key(context: ServiceContext, caller: Caller, key: str) -> Reply:
    """The stored reply of a caller's key; `is_replayed` is False where the key was never used."""
    return await context.ask(caller, lambda _, __: Decision(answer=b""), asks=(caller.name, key))


Show = Callable[[Settled, dict[str, Any]], dict[str, Any]]


def _shown_to(
    reads: ReadSet, context: ServiceContext, caller: Caller, settlement: Settlement, now: Instant
) -> Show:
    """How much of a settlement this caller sees; a parent what his child under age sees.

    Raises:
        UnknownError: nothing.
    """
    match caller.role:
        case Role.INSTITUTION:
            own = reads.find(context.vault.name("institution", caller.subject))
            if own == settlement.institution:
                return _as_is
        case Role.PERSON:
            return _part_of(_for_whom(reads, context, caller, settlement, now), settlement)
        case Role.AGENCY:
            if caller.region in (None, _region_of(reads, settlement)):
                return _with_accounts
        case Role.AUDITOR:
            return _with_accounts
        case Role.OPERATOR:
            pass
    raise UnknownError


def _for_whom(
    reads: ReadSet, context: ServiceContext, caller: Caller, settlement: Settlement, now: Instant
) -> StreamId:
    """Whose part a person may see: the patient's, if he is his child under age, or his own."""
    mine = find_person(reads, context.vault, caller.subject)
    if settlement.claim is None:
        return mine
    patient = settlement.claim.beneficiary
    return patient if is_parent_of_minor(reads, context.vault, mine, patient, now) else mine


def _region_of(reads: ReadSet, settlement: Settlement) -> str:
    """The patient's region; a tombstone has no patient, and is its institution's."""
    if settlement.claim is None:
        return reads.institution(settlement.institution).region
    return reads.account(settlement.claim.beneficiary).region


def _as_is(_: Settled, answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _with_accounts(settled: Settled, answer: dict[str, Any]) -> dict[str, Any]:
    """Agencies and auditors see account numbers."""
    answer["beneficiary_account"] = settled.claim.beneficiary
    for payer, share in zip(answer["payers"], settled.payers, strict=True):
        payer["account"] = share.account
        payer["binding_id"] = share.binding
    return answer


def _part_of(mine: StreamId, settlement: Settlement) -> Show:
    """The patient sees all payers' amounts; a sponsor sees what he paid, and when."""
    if settlement.claim is not None and settlement.claim.beneficiary == mine:
        return _as_is
    paid = settlement.settled.payers if settlement.settled else ()
    own_part = [s for s in paid if s.account == mine and s.current_fen + s.prior_fen]
    if not own_part:
        raise UnknownError

    def show(_: Settled, answer: dict[str, Any]) -> dict[str, Any]:
        fen = sum(s.current_fen + s.prior_fen for s in own_part)
        kept = ("settlement_id", "status", "outcome", "settled_at")
        return {name: answer[name] for name in kept} | {"paid_by_you": yuan(fen)}

    return show


def _answer(settlement_id: StreamId, settlement: Settlement, show: Show) -> dict[str, Any]:
    settled = settlement.settled
    if settled is None:
        return {
            "settlement_id": settlement_id,
            "status": settlement.status,
            "outcome": "not_applied",
            "code": settlement.code,
        }
    answer = settlement_answer(settlement_id, settlement.status, settled)
    if settlement.status is SettlementStatus.PART_REFUNDED and settlement.stay is not None:
        answer["stays"] = stay_answer(settlement.stay)
    return show(settled, answer)
