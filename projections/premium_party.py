"""Premiums as lists by sponsor and by payee. The rest is read from their current state."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from aggregates.premium.premium import PremiumHeld
from aggregates.vocabulary import StreamId
from projections.kit import sql
from projections.kit.paging import Page, fetch_page
from projections.kit.recorded_event import RecordedEvent
from projections.kit.row_per_stream import Rows
from projections.kit.table import Connection, Reader, Table, key_of

READS = (PremiumHeld,)


class PremiumPartyRow(NamedTuple):
    """A premium and its two parties; `position` is that of its order."""

    premium: Annotated[StreamId, sql.stream_key("prm")]
    position: int
    sponsor: sql.AccountKey
    payee: sql.AccountKey


def evolve(row: PremiumPartyRow | None, recorded: RecordedEvent) -> PremiumPartyRow | None:
    """Fold one event into a premium's row, without checking rules."""
    event = recorded.event
    if not isinstance(event, PremiumHeld):
        return row
    return PremiumPartyRow(recorded.stream, recorded.position, event.sponsor, event.payee)


COLUMNS = sql.RowColumns(PremiumPartyRow)
TABLE = Table(
    "premium_parties",
    f"""
    CREATE TABLE {{name}} (
        {COLUMNS.ddl}, CONSTRAINT {{name}}_pkey PRIMARY KEY (premium)
    );
    CREATE INDEX {{name}}_by_sponsor ON {{name}} (sponsor, position);
    CREATE INDEX {{name}}_by_payee ON {{name}} (payee, position);
    """,
)
ROWS = Rows(READS, (), evolve, COLUMNS, COLUMNS.upsert())


async def write(connection: Connection, name: str, events: Sequence[RecordedEvent]) -> None:
    """Write what a batch of events changes."""
    await ROWS.write(connection, name, events)


SIDE = f"""
    (SELECT {COLUMNS.names} FROM {TABLE.stored}
      WHERE {{side}} = $1::uuid AND position < $2 ORDER BY position DESC LIMIT $3)
"""  # noqa: S608 -- column names of ours
OF_PARTY = (
    f"{SIDE.format(side='sponsor')} UNION {SIDE.format(side='payee')}"
    " ORDER BY position DESC LIMIT $3"
)


async def of_party(
    reader: Reader, account: StreamId, cursor: str | None, limit: int
) -> Page[PremiumPartyRow]:
    """The premiums with this account as sponsor or payee, newest first.

    Raises:
        CursorInvalidError: not a cursor.
    """
    return await fetch_page(reader, OF_PARTY, (key_of(account),), (cursor, limit), COLUMNS.read)
