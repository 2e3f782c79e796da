"""Queries of settlements: whole for the institution, and each family member's own part."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from msgspec import json

from aggregates.refusals import NotPermittedError, UnknownError
from aggregates.settlement.events import Settled
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import Instant, SettlementStatus, StreamId
from projections.settlement import settlements
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.context import ServiceContext
from service.ids import kept
from service.institution import see_institution
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.kin import is_parent_of_minor
from service.person.lookup import find_person
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.request_context import note
from service.serializers import burden_answer, day, settlement_answer, stay_answer, yuan
from service.settlement.claims import institution_of


class BillName(NamedTuple):
    """How an institution names a bill."""

    visit: str
    charge_batch: str


async def settlements_of_bill(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    bill: BillName,
    page: PageRequest,
) -> PageResult:
    """The settlements of a bill of the caller's, newest first; one page, no cursor.

    Raises:
        UnknownError: the institution is not known here.
    """
    check_role(caller, Role.INSTITUTION)
    institution = await _institution(context, caller, None)
    position = await reach(context, read_models, page, settlements.TABLE)
    named = bill._replace(visit=kept(bill.visit))
    rows = await settlements.of_claim(read_models.pool, institution, *named, page.limit)
    note([row.settlement for row in rows])
    return PageResult([_row_answer(row) for row in rows], None, position)


async def settlements_of_day(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    code: str | None,
    day_on: date,
    page: PageRequest,
) -> PageResult:
    """The settlements of an institution's business day, newest first.

    `code` names the institution for an auditor and for the agency of its region; an institution
    sees its own.

    Raises:
        UnknownError: no such institution, or not the caller; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.INSTITUTION, Role.AGENCY, Role.AUDITOR)
    institution = await _institution(context, caller, code)
    position = await reach(context, read_models, page, settlements.TABLE)
    rows, following = await settlements.of_day(
        read_models.pool, institution, day_on, page.cursor, page.limit
    )
    note([row.settlement for row in rows])
    return PageResult([_row_answer(row) for row in rows], following, position)


async def _institution(context: ServiceContext, caller: Caller, code: str | None) -> StreamId:
    named = caller.subject if caller.role is Role.INSTITUTION and code is None else code or ""
    institution = (await see_institution(context, caller, named)).stream
    note([institution])
    return institution


def _row_answer(row: settlements.SettlementRow) -> dict[str, Any]:
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
        **burden_answer(row.own_fen, row.aid_fen, row.cash_fen),
        "recorded_at": rfc3339(row.recorded_at),
        "cancelled_at": None if row.cancelled_at is None else rfc3339(row.cancelled_at),
        "version": row.version,
        "position": row.position,
    }


async def look_at_settlement(
    context: ServiceContext, caller: Caller, settlement_id: StreamId
) -> Reply:
    """A settlement as it is now, as far as `see_settlement` shows it to the caller."""
    check_role(caller, Role.INSTITUTION, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        _, answer = see_settlement(reads, context, caller, settlement_id, now)
        return Decision(answer=json.encode(answer))

    return await context.ask(caller, decide)


def see_settlement(
    reads: ReadSet,
    context: ServiceContext,
    caller: Caller,
    settlement_id: StreamId,
    now: Instant,
) -> tuple[Settlement, dict[str, Any]]:
    """A settlement, and the answer that the caller may see; UnknownError if there is none."""
    settlement = reads.settlement(settlement_id)
    show = _shown_to(reads, context, caller, settlement, now)
    return settlement, _answer(settlement_id, settlement, show)


async def status_since(
    context: ServiceContext, caller: Caller, reply: Reply
) -> SettlementStatus | None:
    """The status of a settlement whose answer is replayed; None while it is `settled`.

    Only a replayed answer costs a query: a new settlement is as it was answered.
    """
    if not reply.is_replayed or reply.refusal is not None or reply.subject is None:
        return None
    settlement_id = reply.subject
    status = await context.read(caller, lambda reads, _: reads.settlement(settlement_id).status)
    return None if status is SettlementStatus.SETTLED else status


async def check_whole(context: ServiceContext, caller: Caller, settlement_id: StreamId) -> None:
    """Refuse a caller who may not see a whole settlement.

    Raises:
        UnknownError: nothing of it; NotPermittedError: only what he paid of it, as a sponsor.
    """

    def check(reads: ReadSet, now: Instant) -> None:
        settlement = reads.settlement(settlement_id)
        _shown_to(reads, context, caller, settlement, now)
        if caller.role is not Role.PERSON:
            return
        viewer = viewer_account(reads, context, caller, settlement, now)
        if settlement.claim is None or settlement.claim.beneficiary != viewer:
            raise NotPermittedError

    await context.read(caller, check)


async def find_by_key(context: ServiceContext, caller: Caller, key: str) -> StreamId:
    """The settlement that a key of the caller's was used for; the query makes it durable.

    Raises:
        UnknownError: the key was never used, or for something else.
    """
    check_role(caller, Role.INSTITUTION)
    reply = await reply_of_key(context, caller, key)
    if reply.subject is None:
        raise UnknownError
    return reply.subject


async def is_key_used(context: ServiceContext, caller: Caller, key: str) -> bool:
    """Whether a caller's key was used."""
    return (await reply_of_key(context, caller, key)).is_replayed


async def reply_of_key(context: ServiceContext, caller: Caller, key: str) -> Reply:
    """The stored reply of a caller's key; `is_replayed` is False where the key was never used."""
    return await context.ask(caller, lambda _, __: Decision(answer=b""), asks=(caller.name, key))


SPONSOR_SEES = ("settlement_id", "status", "outcome", "settled_at")
Show = Callable[[Settled, dict[str, Any]], dict[str, Any]]
"""Makes the answer to one caller from the answer to an institution."""


def _shown_to(
    reads: ReadSet, context: ServiceContext, caller: Caller, settlement: Settlement, now: Instant
) -> Show:
    """How much of a settlement a caller sees; a parent sees what the child under age does.

    Raises:
        UnknownError: nothing.
    """
    match caller.role:
        case Role.INSTITUTION:
            if institution_of(reads, context.vault, caller) == settlement.institution:
                return _whole
        case Role.PERSON:
            return _part_of(viewer_account(reads, context, caller, settlement, now), settlement)
        case Role.AGENCY:
            if caller.region in (None, _region_of(reads, settlement)):
                return _with_accounts
        case Role.AUDITOR:
            return _with_accounts
        case Role.OPERATOR:
            pass
    raise UnknownError


def viewer_account(
    reads: ReadSet, context: ServiceContext, caller: Caller, settlement: Settlement, now: Instant
) -> StreamId:
    """Whose part a person sees: their own, or the patient's if that is their child under age."""
    account_id = find_person(reads, context.vault, caller.subject)
    if settlement.claim is None:
        return account_id
    patient = settlement.claim.beneficiary
    is_parent = is_parent_of_minor(reads, context.vault, account_id, patient, now)
    return patient if is_parent else account_id


def _region_of(reads: ReadSet, settlement: Settlement) -> str:
    """The patient's region; of a tombstone, which has no patient, the institution's."""
    if settlement.claim is None:
        return reads.institution(settlement.institution).region
    return reads.account(settlement.claim.beneficiary).region


def _whole(_: Settled, answer: dict[str, Any]) -> dict[str, Any]:
    return answer


def _with_accounts(settled: Settled, answer: dict[str, Any]) -> dict[str, Any]:
    """The answer to agencies and auditors: with account ids."""
    answer["beneficiary_account"] = settled.claim.beneficiary
    for payer, share in zip(answer["payers"], settled.payers, strict=True):
        payer["account"] = share.account
        payer["binding_id"] = share.binding
    return answer


def _part_of(account_id: StreamId, settlement: Settlement) -> Show:
    """The patient sees all payers' amounts; a sponsor sees the own amount, and when.

    Raises:
        UnknownError: the account paid nothing.
    """
    if settlement.claim is not None and settlement.claim.beneficiary == account_id:
        return _whole
    payers = settlement.settled.payers if settlement.settled else ()
    paid_fen = sum(s.current_fen + s.prior_fen for s in payers if s.account == account_id)
    if not paid_fen:
        raise UnknownError
    return lambda _, answer: (
        {name: answer[name] for name in SPONSOR_SEES} | {"paid_by_you": yuan(paid_fen)}
    )


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
