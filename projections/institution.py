"""Institutions as lists by region. Their particulars are read from their current state."""

from collections.abc import Sequence
from typing import NamedTuple

from aggregates.institution import InstitutionDesignated
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table

READS = (InstitutionDesignated,)


class InstitutionRow(NamedTuple):
    """An institution and its pooling area; `position` is that of its first agreement."""

    institution: sql.InstitutionKey
    position: int
    region: str


def evolve(row: InstitutionRow | None, recorded: RecordedEvent) -> InstitutionRow | None:
    """Fold one event into an institution's row, without checking rules."""
    if not isinstance(recorded.event, InstitutionDesignated):
        return row
    region = recorded.event.region
    if row is not None:
        return row._replace(region=region)
    return InstitutionRow(recorded.stream, recorded.position, region)


COLUMNS = sql.RowColumns(InstitutionRow)
TABLE = Table(
    "institutions",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (institution)
    );
    CREATE INDEX {{name}}_by_region ON {{name}} (region, position);
    """,
)
ROWS = Rows((), READS, evolve, COLUMNS, COLUMNS.upsert())


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events changes."""
    await ROWS.write(connection, name, events)


OF_REGION = f"""
    SELECT {COLUMNS.names} FROM {TABLE.stored}
     WHERE ($1::text IS NULL OR region = $1) AND position < $2
     ORDER BY position DESC LIMIT $3
"""  # noqa: S608 -- column names of ours


async def of_region(
    reader: Reader, region: str | None, cursor: str | None, limit: int
) -> Page[InstitutionRow]:
    """The institutions of a region, or of all, those designated last first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    return await fetch_page(reader, OF_REGION, (region,), (cursor, limit), COLUMNS.read)
