"""The movements of bills by business day: settled on one day, refunded or undone on later ones.

`settlements` has the current state of a bill; here a past day keeps its state. Each movement is
one row, with the signed amounts that it adds to the bill. Rows never change.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, NamedTuple

from aggregates.reconciliation.day import NOTHING, BillTotals, LedgerBill, together
from aggregates.settlement.events import (
    PartRefunded,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.vocabulary import SettlementStatus, StreamId, instant
from projections.kit import sql
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, key_of, storable, stream_of

READS = (
    Settled,
    PartRefunded,
    SettlementCancelled,
    SettlementReversed,
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BillBalance(NamedTuple):
    """The institution of a bill, its business day, and its remaining sums in fen."""

    institution: StreamId
    settled_on: date
    sums: BillTotals


class Move(NamedTuple):
    """One movement of a bill on a business day, with the sums that it adds, signed, in fen.

    `key_digest` is that of the key that the bill was settled under; empty for later movements.
    """

    settlement: sql.SettlementKey
    position: int
    institution: sql.InstitutionKey
    settled_on: date
    day: date
    status: SettlementStatus
    key_digest: str
    sums: Annotated[BillTotals, sql.Members(integers=("bills",))]


COLUMNS = sql.RowColumns(Move)
TABLE = Table(
    "settlement_moves",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (settlement, position)
    );
    CREATE INDEX {{name}}_by_day ON {{name}} (institution, day);
    """,
)
INSERT = COLUMNS.insert()


def evolve(balance: BillBalance | None, recorded: RecordedEvent) -> Move | None:
    """The movement of a bill by an event; None where there is no bill. Checks no rules.

    A settlement counts on the day of its decision, later movements on the Beijing day of their
    record. A reversal that came before its bill is a reversed bill of zero, under the bill's key.
    """
    recorded_on = instant(EPOCH + timedelta(microseconds=recorded.recorded_at)).on
    match recorded.event:
        case Settled(claim=claim) as settled:
            on = instant(settled.settled_at).on  # `on` is where caps count a captured hold
            paid = (settled.own_fen, settled.aid_fen, settled.cash_fen)
            sums = BillTotals(1, claim.total_fen, claim.fund_pay_fen, *paid)
            begun = BillBalance(claim.institution, on, sums)
            move = _move(recorded, begun, on, SettlementStatus.SETTLED, sums)
            return move._replace(key_digest=storable(recorded.act.key_digest))
        case SettlementReversed(institution=institution, undone=undone) if balance is None:
            nothing = BillBalance(institution, recorded_on, NOTHING)
            move = _move(recorded, nothing, recorded_on, SettlementStatus.REVERSED, NOTHING)
            return move._replace(key_digest=storable(undone))
    if balance is None:
        return None
    return _returned(balance, recorded, max(balance.settled_on, recorded_on))


def _returned(balance: BillBalance, recorded: RecordedEvent, day: date) -> Move | None:
    whole = balance.sums.negated()
    match recorded.event:
        case PartRefunded(amount_fen=fen, own_fen=own_fen, aid_fen=aid_fen, cash_fen=cash_fen):
            part = BillTotals(0, fen, 0, own_fen, aid_fen, cash_fen).negated()
            return _move(recorded, balance, day, SettlementStatus.PART_REFUNDED, part)
        case SettlementCancelled():
            return _move(recorded, balance, day, SettlementStatus.CANCELLED, whole)
        case SettlementReversed():
            return _move(recorded, balance, day, SettlementStatus.REVERSED, whole)
        case _:
            return None


def _move(
    recorded: RecordedEvent, of: BillBalance, day: date, status: SettlementStatus, sums: BillTotals
) -> Move:
    return Move(
        settlement=recorded.stream,
        position=recorded.position,
        institution=of.institution,
        settled_on=of.settled_on,
        day=day,
        status=status,
        key_digest="",
        sums=sums,
    )


SUMMED = ", ".join(f"sum({name}) AS {name}" for name in BillTotals._fields)
BALANCES = f"""
    SELECT settlement, institution, settled_on, {SUMMED}
      FROM {{name}} WHERE settlement = ANY ($1::uuid[])
     GROUP BY settlement, institution, settled_on
"""  # noqa: S608 -- column names of ours


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write the movements of a batch of events."""
    own = [recorded for recorded in events if isinstance(recorded.event, READS)]
    settled = {recorded.stream for recorded in own if isinstance(recorded.event, Settled)}
    balances: dict[StreamId, BillBalance] = {}
    if later := {key_of(recorded.stream) for recorded in own if recorded.stream not in settled}:
        found = await connection.fetch(BALANCES.format(name=name), sorted(later))
        balances = dict(map(_balance, found))
    moves: list[Move] = []
    for recorded in own:
        move = evolve(balances.get(recorded.stream), recorded)
        if move is not None:
            moves.append(move)
            before = balances[recorded.stream].sums if recorded.stream in balances else NOTHING
            sums = together((before, move.sums))
            balances[recorded.stream] = BillBalance(move.institution, move.settled_on, sums)
    if moves:
        stored = [COLUMNS.values(move) for move in moves]
        await connection.execute(INSERT.format(name=name), *columns(stored, len(stored[0])))


def _balance(record: Any) -> tuple[StreamId, BillBalance]:  # noqa: ANN401 -- of asyncpg
    settlement, institution, settled_on, *sums = record
    balance = BillBalance(stream_of("ins", institution), settled_on, _sums(sums))
    return stream_of("stl", settlement), balance


def _sums(decimals: Iterable[Any]) -> BillTotals:
    return BillTotals(*map(int, decimals))  # PostgreSQL returns sums as decimals


class LateReturn(NamedTuple):
    """What was returned of a bill of an earlier day, in fen, and the bill's status then."""

    settlement: StreamId
    settled_on: date
    status: SettlementStatus
    sums: BillTotals


class InstitutionDay(NamedTuple):
    """An institution's business day: its bills at its end, and what it returned of older ones."""

    bills: tuple[LedgerBill, ...]
    returned: tuple[LateReturn, ...]


OF_DAY = f"""
    SELECT settlement, settled_on, max(key_digest) AS key_digest,
           (array_agg(status ORDER BY position DESC))[1] AS status, {SUMMED}
      FROM settlement_moves WHERE institution = $1::uuid AND day = $2
     GROUP BY settlement, settled_on ORDER BY min(position)
"""  # noqa: S608 -- column names of ours


async def of_day(reader: Reader, institution: StreamId, day: date) -> InstitutionDay:
    """A day at its end, or so far, in the order of the log.

    Movements of its bills on later days are not part of it, so a past day never changes.
    """
    bills: list[LedgerBill] = []
    returned: list[LateReturn] = []
    found = await reader.fetch(OF_DAY, key_of(institution), day)
    for settlement, settled_on, digest, word, *sums in found:
        stream, status = stream_of("stl", settlement), SettlementStatus(word)
        if settled_on == day:
            bill = LedgerBill(settlement=stream, key_digest=digest, status=status, sums=_sums(sums))
            bills.append(bill)
        else:
            back = _sums(sums).negated()._replace(bills=1)
            returned.append(LateReturn(stream, settled_on, status, back))
    return InstitutionDay(tuple(bills), tuple(returned))


class DaySums(NamedTuple):
    """The sums of a day's bills at its end, and of what it returned of older ones, in fen."""

    day: date
    settled: BillTotals
    returned: BillTotals


OF_DAYS = f"""
    SELECT day, settled_on = day AS is_new, count(DISTINCT settlement) AS settlements, {SUMMED}
      FROM settlement_moves WHERE institution = $1::uuid AND day >= $2 AND day < $3
     GROUP BY 1, 2 ORDER BY 1
"""  # noqa: S608 -- column names of ours


async def of_days(
    reader: Reader, institution: StreamId, first: date, end: date
) -> tuple[DaySums, ...]:
    """Every day with a movement, from `first` up to `end`, `end` not included."""
    days: dict[date, DaySums] = {}
    found = await reader.fetch(OF_DAYS, key_of(institution), first, end)
    for day, is_new, settlements, *sums in found:
        day_sums = days.get(day, DaySums(day, NOTHING, NOTHING))
        if is_new:
            days[day] = day_sums._replace(settled=_sums(sums))
        else:
            back = _sums(sums).negated()._replace(bills=settlements)
            days[day] = day_sums._replace(returned=back)
    return tuple(days.values())


BETWEEN = f"""
    SELECT {COLUMNS.names}
      FROM settlement_moves WHERE institution = $1::uuid AND day >= $2 AND day <= $3
     ORDER BY position
"""  # noqa: S608 -- column names of ours


async def between(
    reader: Reader, institution: StreamId, first: date, last: date
) -> tuple[Move, ...]:
    """All movements of an institution's bills, first and last day included, in log order."""
    found = await reader.fetch(BETWEEN, key_of(institution), first, last)
    return tuple(map(COLUMNS.read, found))
