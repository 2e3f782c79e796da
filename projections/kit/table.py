"""A read model's tables, and the function that writes events to them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

import asyncpg

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from projections.kit.recorded_event import RecordedEvent

Connection: TypeAlias = "asyncpg.Connection[Any]"
"""Read models write on the caller's connection, inside the caller's transaction."""


class Reader(Protocol):
    """A connection for queries, or a pool of them."""

    async def fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        """All rows of a query."""
        ...


class Table(NamedTuple):
    """The tables of one read model. A rebuild fills in another `{name}` in the DDL.

    `parts` are the suffixes of the tables. The name of every index begins with `{name}_`.
    `name` is the read model's name for operators, `shape` the number of its tables' current shape.
    """

    name: str
    ddl: str
    parts: tuple[str, ...] = ("",)
    shape: int = 1

    @property
    def stored(self) -> str:
        """The name of the tables in the database; each shape has its own."""
        return self.name if self.shape == 1 else f"{self.name}_{self.shape}"


class Projection(NamedTuple):
    """A read model: its tables, the events it reads, and how it writes them to tables of a name."""

    table: Table
    reads: tuple[type[Event], ...]
    write: Callable[[Connection, str, Sequence[RecordedEvent]], Awaitable[None]]


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as one array for each column, for `unnest`; `width` arrays even without any row."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def key_of(stream: StreamId) -> str:
    """A stream id as the hex digits of its stored uuid."""
    return stream[4:]


def stream_of(prefix: str, key: UUID) -> StreamId:
    """The stream id of a kind from its stored uuid."""
    return StreamId(f"{prefix}_{key.hex}")


EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


def storable_at(at: datetime) -> datetime:
    """A moment that PostgreSQL returns unchanged: it returns the calendar's ends as infinity."""
    return min(max(at, EARLIEST), LATEST)


def storable(text: str) -> str:
    """A text without NUL, which PostgreSQL refuses; a recorded NUL must not park the event."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
