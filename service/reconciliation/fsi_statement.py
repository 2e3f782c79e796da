"""Compare an institution's statement of some days with the ledger (3201, 3202). Read-only."""

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
    without_refunds: bool = False


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
    """A compared row with its identifiers."""

    compared: Compared
    msgid: str
    visit: str
    person_no: str


class FsiStatementQuery(NamedTuple):
    """Whose statement is compared, with what, and in which dialect."""

    context: ServiceContext
    read_models: ReadModels
    caller: Caller
    dialect: Dialect


def stated(
    count: int | None, total_fen: int | None, fund_fen: int | None, account_fen: int | None
) -> StatedSums:
    """An institution's sums in fen; None is a sum that it does not state."""
    return StatedSums(count, total_fen, fund_fen, account_fen)


async def agree(query: FsiStatementQuery, bills: BillFilter, sums: StatedSums) -> bool:
    """Whether the caller's sums are the ledger's.

    Raises:
        DateInvalidError: no such days; OverloadedError: the read models are behind the log.
    """
    entries = [entry for entry, _ in await _entries(query, bills)]
    return agrees(entries, sums, without_refunds=bills.without_refunds)


async def compare_rows(
    query: FsiStatementQuery, bills: BillFilter, sent: Iterable[Sent]
) -> list[ComparedRow]:
    """Every bill of both sides with its verdict.

    Raises:
        DateInvalidError: no such days; OverloadedError: the read models are behind the log.
    """
    context, read_models, caller, _ = query
    entries = await _entries(query, bills)
    settled = {entry.settlement: event for entry, event in entries}
    keys = dict(await read_models.pool.fetch(KEYS, caller.name, [s[4:] for s in settled]))
    by_stream = {f"stl_{stream.hex}": key for stream, key in keys.items()}
    persons = await persons_of(context, {event.claim.beneficiary for event in settled.values()})
    rows: list[ComparedRow] = []
    booked = [Booked(_bill_of(row, settled.keys()), *row) for row in sent]
    ours = [entry for entry, _ in entries]
    for compared in compare(ours, booked, without_refunds=bills.without_refunds):
        _, entry, theirs = compared
        if entry is None:
            assert theirs is not None, "a row is on one side at least"
            rows.append(ComparedRow(compared, "", theirs.visit, theirs.person_no))
            continue
        claim = settled[entry.settlement].claim
        person = persons.get(claim.beneficiary)
        msgid = by_stream.get(entry.settlement, "").rpartition(":")[2]
        visit = visit_number(entry.settlement, claim.visit)
        rows.append(ComparedRow(compared, msgid, visit, person.person_no if person else ""))
    return rows


def _bill_of(row: Sent, bills: Collection[StreamId]) -> StreamId | None:
    """The bill that a row names; a refund has its own number or its bill's."""
    try:
        stream = long("stl", row.number)
        other = long("stl", twin(stream))
    except UnknownError:
        return None
    if stream in bills:
        return stream
    return other if row.is_refund and other in bills else None


async def _entries(
    query: FsiStatementQuery, bills: BillFilter
) -> list[tuple[StatementRow, Settled]]:
    context, read_models, caller, dialect = query
    check_role(caller, Role.INSTITUTION)
    stream, _, now = await see_institution(context, caller, caller.subject)
    days = (bills.last - bills.first).days
    if not 0 <= days <= DAYS_MAX or bills.first > now.on:
        raise DateInvalidError(field="stmt_begndate")
    await reach_head(context, read_models, movements.TABLE)
    moves = await between(read_models.pool, stream, bills.first, bills.last)
    events = await _settled(context, moves)
    insurances = await _insurances(context, events.values())
    chosen: list[tuple[StatementRow, Settled]] = []
    for move in standing(moves):
        event = events.get(move.settlement)
        if event is None:
            continue
        is_insured_so = bills.insurance in (None, insurances[event.claim.beneficiary])
        if is_insured_so and bills.clr_type in (None, clr_type(event.claim.med_type)):
            chosen.append((_entry(move, dialect), event))
    return chosen


def standing(moves: Sequence[Move]) -> list[Move]:
    """The moves of bills that were not reversed: a reversed bill counts for neither side."""
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
    """The bills' first events; a tombstone has none of this kind."""
    streams = list(dict.fromkeys(move.settlement for move in moves))
    first = await context.store.first_events(streams)
    return {item.stream: item.event for item in first if isinstance(item.event, Settled)}


async def _insurances(
    context: ServiceContext, events: Iterable[Settled]
) -> dict[StreamId, Insurance]:
    accounts = {event.claim.beneficiary for event in events}
    heads = (await context.store.read(accounts, ())).heads
    states = {stream: head.state for stream, head in heads.items()}
    return {stream: s.insurance for stream, s in states.items() if isinstance(s, Account)}


def clr_type(med_type: str) -> str:
    """41: drugstore, 21: stay, 11: out-patient."""
    if med_type.startswith("41"):
        return "41"
    return "21" if med_type.startswith("2") else "11"
