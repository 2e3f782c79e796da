"""What a store of the ledger does: read heads and names, append a batch or say why not.

Two honest ones exist: `postgres.PostgresStore`, and `memory.MemoryStore` for tests and play.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol

from aggregates.topics import State
from aggregates.vocabulary import StreamId
from service.ledger.access_log import Access, AccessQuery, StoredAccess
from service.ledger.codec import EventRow, Recorded


class OutcomeUnknownError(Exception):
    """The connection was lost after the first byte of an append: it is in the log, or not."""


class StoreUnavailableError(Exception):
    """The database cannot be reached; nothing of this call was applied."""


class StoreExhaustedError(StoreUnavailableError):
    """The database takes no more connections; nothing was applied."""


class StreamHead(NamedTuple):
    """A stream's version and folded state; version 0 and None before its first event."""

    version: int
    state: State | None


NO_HEAD = StreamHead(0, None)


class KeyRow(NamedTuple):
    """A key that a command uses up, with its answer.

    `offset` counts the events of the batch up to the command's last one: its position.
    """

    caller: str
    key: str
    digest: bytes
    stream: StreamId | None
    refusal: str | None
    answer: bytes
    offset: int


class UsedKey(NamedTuple):
    """A key that was used up before."""

    position: int
    stream: StreamId | None
    refusal: str | None
    digest: bytes
    answer: bytes


@dataclass(slots=True)
class Batch:
    """What a group of commands appends, and what it must find unchanged.

    `names` maps a name to the stream that takes it; a person's key that is None is destroyed.
    Times are in microseconds since 1970: `at` is that of the earliest decision in the batch, and
    `times` has that of each row's decision, never running back; without them it is `at`.
    """

    at: int
    rows: list[EventRow] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    expected: dict[StreamId, int] = field(default_factory=dict)
    heads: dict[StreamId, StreamHead] = field(default_factory=dict)
    keys: list[KeyRow] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    names: dict[bytes, StreamId] = field(default_factory=dict)
    freed: set[bytes] = field(default_factory=set)
    person_keys: list[tuple[StreamId, bytes | None]] = field(default_factory=list)


@dataclass(slots=True)
class AppendOutcome:
    """What became of a batch. `base` is the position before it, or None: nothing was written.

    `known` and `asked` are keyed by index into the batch's keys and asked. `late` is the newest
    time in the log where the batch was decided at an older one.
    """

    base: int | None = None
    late: int | None = None
    known: dict[int, UsedKey] = field(default_factory=dict)
    asked: dict[int, UsedKey] = field(default_factory=dict)
    stale: dict[StreamId, StreamHead | None] = field(default_factory=dict)
    taken: set[bytes] = field(default_factory=set)


class SealedPerson(NamedTuple):
    """A person's data as stored, and his key, wrapped; None where he was erased."""

    sealed: str
    wrapped: bytes | None


class ReadResult(NamedTuple):
    """Heads by stream (NO_HEAD where there is none), names that somebody has, and persons."""

    heads: dict[StreamId, StreamHead]
    names: dict[bytes, StreamId]
    persons: Mapping[StreamId, SealedPerson] = MappingProxyType({})


class Session(Protocol):
    """Reading and appending, on a store or inside its lock."""

    async def read(
        self,
        streams: Iterable[StreamId],
        names: Iterable[bytes],
        persons: Iterable[StreamId] = (),
    ) -> ReadResult:
        """Heads, names and persons (by account) as committed now."""
        ...

    async def append(self, batch: Batch) -> AppendOutcome:
        """Append the batch whole, or write nothing and say why.

        Raises:
            StoreUnavailableError: nothing was applied; OutcomeUnknownError: it may have been.
        """
        ...


class Locked(Session, Protocol):
    """A session that holds the log head."""

    @property
    def newest(self) -> int:
        """When the newest event was recorded, in microseconds since 1970; 0 in an empty log."""
        ...


class Store(Session, Protocol):
    """A ledger's storage."""

    def locked(self) -> AbstractAsyncContextManager[Locked]:
        """Hold the log head: what is read inside cannot grow stale before it is appended."""
        ...

    async def close(self) -> None:
        """Let everything go; nothing may be in flight."""
        ...

    async def history(self, stream: StreamId) -> list[Recorded]:
        """All events of one stream, oldest first."""
        ...

    async def first_events(self, streams: Iterable[StreamId]) -> list[Recorded]:
        """How these streams began; none for a stream that never did."""
        ...

    async def page(self, after: int, limit: int) -> list[Recorded]:
        """Up to `limit` events behind a position, in the log's order; empty at its end."""
        ...

    async def position(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        ...

    async def recorded_at(self) -> int:
        """When the newest event was recorded, in microseconds since 1970; 0 in an empty log."""
        ...

    async def accounts(self, after: StreamId | None, limit: int) -> list[StreamId]:
        """Up to `limit` accounts behind one, by id; from the first on behind None."""
        ...

    async def account_count(self) -> int:
        """How many accounts there are."""
        ...

    async def record(self, accesses: Sequence[Access]) -> None:
        """Add to the access log, in this order; durable when this returns."""
        ...

    async def accesses(self, sought: AccessQuery, limit: int) -> list[StoredAccess]:
        """Up to `limit` records of the access log, the newest first."""
        ...
