"""Hold an institution's books of some days against ours (3201, 3202). Changes nothing."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.institution import Dialect
from aggregates.reconciliation.fsi_statement import (
    Booked,
    Compared,
    StatedSums,
    StatementRow,
    agrees,
    compare,
)
from aggregates.refusals import DateInvalidError, UnknownError
from aggregates.settlement.events import Settled
from aggregates.vocabulary import Insurance, MulaidMode, SettlementStatus, StreamId
from projections.settlement import movements
from projections.settlement.movements import Move, between
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.ids import long, twin
from service.institution import see_institution
from service.person.masking import persons_of
from service.read_models.reader import ReadModels, reach_head
from service.reconciliation.reconcile_day import KEYS
from service.settlement.purchase_visit import visit_number

DAYS_MAX = 92


class BillFilter(NamedTuple):
    """Which of the caller's bills: of these days, of this insurance and kind of clearing."""

    first: date
    last: date
    insurance: Insurance | None
    clr_type: str | None


class Sent(NamedTuple):
    """A row of an institution's file. Amounts in fen, negative where money went back."""

    number: str
    visit: str
    person_no: str
    is_refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class ComparedRow(NamedTuple):
    """One compared row with all that names it."""

    compared: Compared
    msgid: str
    visit: str
    person_no: str


class FsiStatementQuery(NamedTuple):
    """Whose books are looked at, where, and how he reads them."""

    context: ServiceContext
    read_models: ReadModels
    caller: Caller
    dialect: Dialect


def stated(
    count: int | None, total_fen: int | None, fund_fen: int | None, account_fen: int | None
) -> StatedSums:
    """Sums as an institution states them."""
    return StatedSums(count, total_fen, fund_fen, account_fen)


async def agree(
    looked: FsiStatementQuery, asked: BillFilter, said: StatedSums, *, bare: bool
) -> bool:
    """Whether the caller's sums are ours; `bare` leaves refunds out.

    Raises:
        DateInvalidError: no such days; OverloadedError: the read models are behind the log.
    """
    found = await _entries(looked, asked)
    return agrees([entry for entry, _ in found], said, without_refunds=bare)


async def compare_rows(
    looked: FsiStatementQuery, asked: BillFilter, sent: Iterable[Sent], *, bare: bool
) -> list[ComparedRow]:
    """Every bill of both sides, and what came of it; `bare` leaves refunds out.

    Raises:
        DateInvalidError: no such days; OverloadedError: the read models are behind the log.
    """
    context, read_models, caller, _ = looked
    found = await _entries(looked, asked)
    settled = {entry.settlement: event for entry, event in found}
    keys = dict(await read_models.pool.fetch(KEYS, caller.name, [s[4:] for s in settled]))
    by_stream = {f"stl_{stream.hex}": key for stream, key in keys.items()}
    persons = await persons_of(context, {event.claim.beneficiary for event in settled.values()})
    rows: list[ComparedRow] = []
    booked = [Booked(_bill_of(row, settled.keys()), *row) for row in sent]
    for one in compare([entry for entry, _ in found], booked, without_refunds=bare):
        if one.entry is None:
            assert one.booked is not None, "a row is on one side at least"
            rows.append(ComparedRow(one, "", one.booked.visit, one.booked.person_no))
            continue
        claim = settled[one.entry.settlement].claim
        person = persons.get(claim.beneficiary)
        msgid = by_stream.get(one.entry.settlement, "").rpartition(":")[2]
        visit = visit_number(one.entry.settlement, claim.visit)
        rows.append(ComparedRow(one, msgid, visit, person.person_no if person else ""))
    return rows


def _bill_of(row: Sent, known: Collection[StreamId]) -> StreamId | None:
    """The bill that a row names; a refund is named by its own number or by its bill's."""
    try:
        stream = long("stl", row.number)
        other = long("stl", twin(stream))
    except UnknownError:
        return None
    if stream in known:
        return stream
    return other if row.is_refund and other in known else None


async def _entries(
    looked: FsiStatementQuery, asked: BillFilter
) -> list[tuple[StatementRow, Settled]]:
    context, read_models, caller, dialect = looked
    check_role(caller, Role.INSTITUTION)
    stream, _, now = await see_institution(context, caller, caller.subject)
    days = (asked.last - asked.first).days
    if not 0 <= days <= DAYS_MAX or asked.first > now.on:
        raise DateInvalidError(field="stmt_begndate")
    await reach_head(context, read_models, movements.TABLE)
    moves = await between(read_models.pool, stream, asked.first, asked.last)
    events = await _settled(context, moves)
    insurances = await _insurances(context, events.values())
    chosen: list[tuple[StatementRow, Settled]] = []
    for move in standing(moves):
        event = events.get(move.settlement)
        if event is None:
            continue
        is_asked = asked.insurance in (None, insurances[event.claim.beneficiary])
        if is_asked and asked.clr_type in (None, clr_type(event.claim.med_type)):
            chosen.append((_entry(move, dialect), event))
    return chosen


def standing(moves: Sequence[Move]) -> list[Move]:
    """What counts for both sides: a reversed bill never was."""
    reversed_ = {m.settlement for m in moves if m.status is SettlementStatus.REVERSED}
    return [move for move in moves if move.settlement not in reversed_]


def _entry(move: Move, dialect: Dialect) -> StatementRow:
    sums = move.sums
    both = sums.own_fen + sums.aid_fen
    is_beside = dialect.mulaid_mode is MulaidMode.BESIDE
    return StatementRow(
        settlement=move.settlement,
        is_refund=move.status is not SettlementStatus.SETTLED,
        total_fen=sums.total_fen,
        fund_fen=sums.fund_pay_fen + (both if dialect.fund_includes_acct else 0),
        account_fen=sums.own_fen if is_beside else both,
        beside_fen=both,
    )


async def _settled(context: ServiceContext, moves: Sequence[Move]) -> dict[StreamId, Settled]:
    """How the bills began; a tombstone began as nothing."""
    streams = list(dict.fromkeys(move.settlement for move in moves))
    began = await context.store.first_events(streams)
    return {one.stream: one.event for one in began if isinstance(one.event, Settled)}


async def _insurances(
    context: ServiceContext, events: Iterable[Settled]
) -> dict[StreamId, Insurance]:
    accounts = {event.claim.beneficiary for event in events}
    heads = (await context.store.read(accounts, ())).heads
    states = {stream: head.state for stream, head in heads.items()}
    return {stream: s.insurance for stream, s in states.items() if isinstance(s, Account)}


def clr_type(med_type: str) -> str:
    """Drugstore 41, stay 21, else out-patient 11."""
    if med_type.startswith("41"):
        return "41"
    return "21" if med_type.startswith("2") else "11"
