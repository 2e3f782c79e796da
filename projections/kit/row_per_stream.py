"""Read models of one row per stream: found, folded over a batch of facts, and stored again."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, columns, key_of

RowT = TypeVar("RowT", bound=tuple[Any, ...])


class Rows(NamedTuple, Generic[RowT]):
    """How a read model keeps one row per stream.

    `stored` finds the rows of an array of stream keys, each read by `row`, whose first field is
    its stream. `upsert` takes an array for each column that `values` makes of a row.
    """

    begins: tuple[type[Event], ...]
    changes: tuple[type[Event], ...]
    evolve: Callable[[RowT | None, RecordedEvent], RowT | None]
    stored: str
    upsert: str
    row: Callable[[Any], RowT]
    values: Callable[[RowT], Sequence[Any]]

    async def write(
        self, connection: Connection, name: str, facts: Sequence[RecordedEvent]
    ) -> None:
        """Write what a batch of facts changes."""
        begun = {fact.stream for fact in facts if isinstance(fact.event, self.begins)}
        mine = [fact for fact in facts if isinstance(fact.event, (*self.begins, *self.changes))]
        rows: dict[StreamId, RowT] = {}
        if later := {key_of(fact.stream) for fact in mine if fact.stream not in begun}:
            found = await connection.fetch(self.stored.format(name=name), sorted(later))
            rows = {row[0]: row for row in map(self.row, found)}
        for fact in mine:
            row = self.evolve(rows.get(fact.stream), fact)
            if row is not None:
                rows[fact.stream] = row
        if rows:
            values = [self.values(row) for row in rows.values()]
            await connection.execute(
                self.upsert.format(name=name), *columns(values, len(values[0]))
            )
