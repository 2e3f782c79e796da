"""A read model's tables, and how it is told what happened."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol, TypeAlias
from uuid import UUID

import asyncpg

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from projections.kit.recorded_event import RecordedEvent

Connection: TypeAlias = "asyncpg.Connection[Any]"
"""Where a read model writes: the caller's connection, inside the caller's transaction."""


class Reader(Protocol):
    """Where a read model is asked: a connection, or a pool of them."""

    async def fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        """Every row of a query."""
        ...


class Table(NamedTuple):
    """One read model's tables. `{name}` in the DDL lets it be built beside the live one.

    `parts` are the suffixes of its tables; every index is called `{name}_` and something.
    `name` is what operators call the read model, `shape` counts how often its tables changed.
    """

    name: str
    ddl: str
    parts: tuple[str, ...] = ("",)
    shape: int = 1

    @property
    def stored(self) -> str:
        """What its tables are called in the database: a name of their own for each shape."""
        return self.name if self.shape == 1 else f"{self.name}_{self.shape}"


class Projection(NamedTuple):
    """A read model: its tables, the events it reads, and its writes into tables of a name."""

    table: Table
    reads: tuple[type[Event], ...]
    write: Callable[[Connection, str, Sequence[RecordedEvent]], Awaitable[None]]


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Rows as the arrays that `unnest` takes; `width` arrays even when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


def key_of(stream: StreamId) -> str:
    """A stream id as the uuid it is stored as."""
    return stream[4:]


def stream_of(prefix: str, key: UUID) -> StreamId:
    """A stored uuid as the stream id of its kind."""
    return StreamId(f"{prefix}_{key.hex}")


EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)


def storable_at(at: datetime) -> datetime:
    """A moment that comes back as it was stored: the ends of the calendar come back as infinity."""
    return min(max(at, EARLIEST), LATEST)


def storable(text: str) -> str:
    """A text that PostgreSQL takes: a recorded NUL is no reason to stop following."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
