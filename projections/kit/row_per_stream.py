"""Read models of one row per stream: read, folded over a batch of events, and stored again."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from projections.kit.recorded_event import RecordedEvent
from projections.kit.sql import RowColumns, RowT
from projections.kit.table import Connection, columns, key_of


class Rows(NamedTuple, Generic[RowT]):
    """How a read model keeps one row per stream; the first field of a row is its stream.

    `upsert` takes one array for each column of a row.
    """

    begins: tuple[type[Event], ...]
    changes: tuple[type[Event], ...]
    evolve: Callable[[RowT | None, RecordedEvent], RowT | None]
    columns: RowColumns[RowT]
    upsert: str

    async def write(
        self, connection: Connection, name: str, events: Sequence[RecordedEvent]
    ) -> None:
        """Write what a batch of events changes."""
        begun = {recorded.stream for recorded in events if isinstance(recorded.event, self.begins)}
        own = [r for r in events if isinstance(r.event, (*self.begins, *self.changes))]
        rows: dict[StreamId, RowT] = {}
        if earlier := {key_of(recorded.stream) for recorded in own if recorded.stream not in begun}:
            found = await connection.fetch(self.columns.select.format(name=name), sorted(earlier))
            rows = {row[0]: row for row in map(self.columns.read, found)}
        for recorded in own:
            row = self.evolve(rows.get(recorded.stream), recorded)
            if row is not None:
                rows[recorded.stream] = row
        if rows:
            values = [self.columns.values(row) for row in rows.values()]
            await connection.execute(
                self.upsert.format(name=name), *columns(values, len(values[0]))
            )
