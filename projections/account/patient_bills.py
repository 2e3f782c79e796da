"""Which bills were settled for a patient, newest first; their states are in their streams."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from aggregates.reconciliation.day import BillTotals
from aggregates.settlement.events import Settled
from aggregates.vocabulary import StreamId
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Reader, Table, columns, key_of, stream_of

READS = (Settled,)


class BillRow(NamedTuple):
    """A bill of a patient; `position` is that of its settlement."""

    beneficiary: sql.AccountKey
    position: int
    settlement: sql.SettlementKey


COLUMNS = sql.RowColumns(BillRow)
TABLE = Table(
    "bills",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (beneficiary, position)
    );
    """,
)
INSERT = COLUMNS.insert()


def evolve(recorded: RecordedEvent) -> BillRow | None:
    """The row that an event adds; None for other events, such as a refused claim."""
    if isinstance(recorded.event, Settled):
        return BillRow(recorded.event.claim.beneficiary, recorded.position, recorded.stream)
    return None


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events adds; the primary key refuses an event applied twice."""
    rows = [row for row in map(evolve, events) if row is not None]
    if rows:
        values = map(COLUMNS.values, rows)
        await connection.execute(INSERT.format(name=name), *columns(values, 3))


OF_ACCOUNT = """
    SELECT position, settlement FROM bills
     WHERE beneficiary = $1::uuid AND position < $2 ORDER BY position DESC LIMIT $3
"""


async def of_account(
    reader: Reader, account: StreamId, cursor: str | None = None, limit: int = 50
) -> Page[BillRow]:
    """The bills of a patient, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """

    def read(row: Sequence[Any]) -> BillRow:
        return BillRow(account, row[0], stream_of("stl", row[1]))

    return await fetch_page(reader, OF_ACCOUNT, (key_of(account),), (cursor, limit), read)


OF_YEAR = """
    SELECT count(*), coalesce(sum(s.total_fen), 0), coalesce(sum(s.fund_pay_fen), 0),
           coalesce(sum(s.own_fen), 0), coalesce(sum(s.aid_fen), 0),
           coalesce(sum(s.cash_fen), 0)
      FROM bills b JOIN settlements s ON s.settlement = b.settlement
     WHERE b.beneficiary = $1::uuid AND s.institution = $2::uuid
       AND s.status IN ('settled', 'part_refunded') AND s.day >= $3 AND s.day <= $4
"""


async def sums_of(
    reader: Reader, account: StreamId, institution: StreamId, first: date, last: date
) -> BillTotals:
    """The sums of a patient's settled bills at an institution, first and last day included."""
    (sums,) = await reader.fetch(OF_YEAR, key_of(account), key_of(institution), first, last)
    return BillTotals(*map(int, sums))  # PostgreSQL returns sums as decimals
