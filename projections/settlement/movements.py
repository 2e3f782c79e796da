"""What happened to bills, day by day: settled on its business day, taken back on a later one.

`settlements` says how a bill stands now; here a past day stays as it ended. One row for each
thing that happened, with what it added to the bill, signed; never changed afterwards.
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

READS = (Settled, PartRefunded, SettlementCancelled, SettlementReversed)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BillBalance(NamedTuple):
    """What of a bill stands: whose it is, its business day, its sums in fen."""

    institution: StreamId
    settled_on: date
    sums: BillTotals


class Move(NamedTuple):
    """One thing that happened to a bill on a business day, and what that adds, signed, in fen.

    `key_digest` names the key that the bill came under; empty for what came later.
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


def evolve(standing: BillBalance | None, fact: RecordedEvent) -> Move | None:
    """What an event does to a bill that stands so; None where there was no bill. Never judges.

    A decision's own day counts for the bill, the Beijing day of the record for what follows.
    A reversal that came before its bill is a bill of nothing, reversed, under the bill's key.
    """
    recorded_on = instant(EPOCH + timedelta(microseconds=fact.recorded_at)).on
    match fact.event:
        case Settled(claim=claim) as settled:
            on = instant(settled.settled_at).on  # `on` is where caps count a captured hold
            paid = (settled.own_fen, settled.aid_fen, settled.cash_fen)
            sums = BillTotals(1, claim.total_fen, claim.fund_pay_fen, *paid)
            begun = BillBalance(claim.institution, on, sums)
            move = _move(fact, begun, on, SettlementStatus.SETTLED, sums)
            return move._replace(key_digest=storable(fact.act.key_digest))
        case SettlementReversed(institution=institution, undone=undone) if standing is None:
            nothing = BillBalance(institution, recorded_on, NOTHING)
            move = _move(fact, nothing, recorded_on, SettlementStatus.REVERSED, NOTHING)
            return move._replace(key_digest=storable(undone))
    if standing is None:
        return None
    return _taken_back(standing, fact, max(standing.settled_on, recorded_on))


def _taken_back(standing: BillBalance, fact: RecordedEvent, day: date) -> Move | None:
    gone = standing.sums.negated()
    match fact.event:
        case PartRefunded(amount_fen=fen, own_fen=own_fen, aid_fen=aid_fen, cash_fen=cash_fen):
            part = BillTotals(0, fen, 0, own_fen, aid_fen, cash_fen).negated()
            return _move(fact, standing, day, SettlementStatus.PART_REFUNDED, part)
        case SettlementCancelled():
            return _move(fact, standing, day, SettlementStatus.CANCELLED, gone)
        case SettlementReversed():
            return _move(fact, standing, day, SettlementStatus.REVERSED, gone)
        case _:
            return None


def _move(
    fact: RecordedEvent, of: BillBalance, day: date, status: SettlementStatus, sums: BillTotals
) -> Move:
    return Move(
        settlement=fact.stream,
        position=fact.position,
        institution=of.institution,
        settled_on=of.settled_on,
        day=day,
        status=status,
        key_digest="",
        sums=sums,
    )


SUMMED = ", ".join(f"sum({name}) AS {name}" for name in BillTotals._fields)
STANDING = f"""
    SELECT settlement, institution, settled_on, {SUMMED}
      FROM {{name}} WHERE settlement = ANY ($1::uuid[])
     GROUP BY settlement, institution, settled_on
"""  # noqa: S608 -- column names of ours


async def write(connection: Connection, name: str, facts: Sequence[RecordedEvent]) -> None:
    """Write what a batch of facts did to bills."""
    mine = [fact for fact in facts if isinstance(fact.event, READS)]
    begun = {fact.stream for fact in mine if isinstance(fact.event, Settled)}
    stands: dict[StreamId, BillBalance] = {}
    if later := {key_of(fact.stream) for fact in mine if fact.stream not in begun}:
        found = await connection.fetch(STANDING.format(name=name), sorted(later))
        stands = dict(map(_standing, found))
    moves: list[Move] = []
    for fact in mine:
        move = evolve(stands.get(fact.stream), fact)
        if move is not None:
            moves.append(move)
            before = stands[fact.stream].sums if fact.stream in stands else NOTHING
            sums = together((before, move.sums))
            stands[fact.stream] = BillBalance(move.institution, move.settled_on, sums)
    if moves:
        stored = [COLUMNS.values(move) for move in moves]
        await connection.execute(INSERT.format(name=name), *columns(stored, len(stored[0])))


def _standing(found: Any) -> tuple[StreamId, BillBalance]:  # noqa: ANN401 -- a record of asyncpg
    settlement, institution, settled_on, *sums = found
    standing = BillBalance(stream_of("ins", institution), settled_on, _sums(sums))
    return stream_of("stl", settlement), standing


def _sums(found: Iterable[Any]) -> BillTotals:
    """Sums as the database adds them up: of any width, so as decimals."""
    return BillTotals(*map(int, found))


class LateReturn(NamedTuple):
    """What of a bill of an earlier day went back on a day, in fen, and how it stood then."""

    settlement: StreamId
    settled_on: date
    status: SettlementStatus
    sums: BillTotals


class InstitutionDay(NamedTuple):
    """A business day of an institution: its bills as they ended it, and what went back of older."""

    bills: tuple[LedgerBill, ...]
    returned: tuple[LateReturn, ...]


OF_DAY = f"""
    SELECT settlement, settled_on, max(key_digest) AS key_digest,
           (array_agg(status ORDER BY position DESC))[1] AS status, {SUMMED}
      FROM settlement_moves WHERE institution = $1::uuid AND day = $2
     GROUP BY settlement, settled_on ORDER BY min(position)
"""  # noqa: S608 -- column names of ours


async def of_day(reader: Reader, institution: StreamId, day: date) -> InstitutionDay:
    """A day as it ended, or so far, in the order of the log.

    What happened to its bills on later days is not in it: the same past day is always the same.
    """
    bills: list[LedgerBill] = []
    returned: list[LateReturn] = []
    for settlement, settled_on, digest, word, *sums in await reader.fetch(
        OF_DAY, key_of(institution), day
    ):
        stream, status = stream_of("stl", settlement), SettlementStatus(word)
        if settled_on == day:
            bill = LedgerBill(settlement=stream, key_digest=digest, status=status, sums=_sums(sums))
            bills.append(bill)
        else:
            back = _sums(sums).negated()._replace(bills=1)
            returned.append(LateReturn(stream, settled_on, status, back))
    return InstitutionDay(tuple(bills), tuple(returned))


class DaySums(NamedTuple):
    """What a day's bills came to at its end, and what went back that day of older ones, in fen."""

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
    """Every day from the first up to the end, without it, on which something happened."""
    days: dict[date, DaySums] = {}
    for day, is_new, settlements, *sums in await reader.fetch(
        OF_DAYS, key_of(institution), first, end
    ):
        known = days.get(day, DaySums(day, NOTHING, NOTHING))
        if is_new:
            days[day] = known._replace(settled=_sums(sums))
        else:
            back = _sums(sums).negated()._replace(bills=settlements)
            days[day] = known._replace(returned=back)
    return tuple(days.values())


BETWEEN = f"""
    SELECT {COLUMNS.names}
      FROM settlement_moves WHERE institution = $1::uuid AND day >= $2 AND day <= $3
     ORDER BY position
"""  # noqa: S608 -- column names of ours


async def between(
    reader: Reader, institution: StreamId, first: date, last: date
) -> tuple[Move, ...]:
    """Everything that happened to an institution's bills from a day to a day, in log order."""
    found = await reader.fetch(BETWEEN, key_of(institution), first, last)
    return tuple(map(COLUMNS.read, found))
