"""The protocol of a ledger's store: read heads and names, append a batch or say why not.

Implemented by `postgres.store.PostgresStore`, and by `memory_store.MemoryStore` for tests.
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

Streams = Iterable[StreamId]
UniqueNames = Iterable[bytes]


class OutcomeUnknownError(Exception):
    """The connection was lost during an append: it may be in the log."""


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
    """A key that a command uses, with its answer.

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
    """A key that was used before, and its answer."""

    position: int
    stream: StreamId | None
    refusal: str | None
    digest: bytes
    answer: bytes


@dataclass(slots=True)
class Batch:
    """What a group of commands appends, and the versions that it expects.

    `names` maps names to the streams that take them; a person's key of None is destroyed. Times
    are in microseconds since 1970: `at` is that of the earliest decision, and `times` has that of
    each row's decision, never running back; empty, all are `at`.
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
    """The outcome of an append. `base` is the position before it; None: nothing was written.

    `known` and `asked` are keyed by index into the batch's keys and asked. `late` is the log's
    newest time, where the batch was decided at an older one.
    """

    base: int | None = None
    late: int | None = None
    known: dict[int, UsedKey] = field(default_factory=dict)
    asked: dict[int, UsedKey] = field(default_factory=dict)
    stale: dict[StreamId, StreamHead | None] = field(default_factory=dict)
    taken: set[bytes] = field(default_factory=set)


class SealedPerson(NamedTuple):
    """A person's data as stored, and the wrapped key; None once the person is erased."""

    sealed: str
    wrapped: bytes | None


class ReadResult(NamedTuple):
    """Heads by stream (NO_HEAD where there is none), names that are taken, and persons."""

    heads: dict[StreamId, StreamHead]
    names: dict[bytes, StreamId]
    persons: Mapping[StreamId, SealedPerson] = MappingProxyType({})


class Session(Protocol):
    """Reading and appending, on a store or inside its lock."""

    async def read(self, streams: Streams, names: UniqueNames, persons: Streams = ()) -> ReadResult:
        """Heads, names and persons (by account) as committed now."""
        ...

    async def append(self, batch: Batch) -> AppendOutcome:
        """Append the whole batch, or write nothing and say why.

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
        """Lock the log head: what is read inside is not stale when it is appended."""
        ...

    async def close(self) -> None:
        """Close all connections; no append may be in progress."""
        ...

    async def history(self, stream: StreamId) -> list[Recorded]:
        """All events of one stream, oldest first."""
        ...

    async def first_events(self, streams: Iterable[StreamId]) -> list[Recorded]:
        """The first events of these streams."""
        ...

    async def page(self, after: int, limit: int) -> list[Recorded]:
        """Up to `limit` events after a position, in the log's order; empty at its end."""
        ...

    async def position(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        ...

    async def recorded_at(self) -> int:
        """When the newest event was recorded, in microseconds since 1970; 0 in an empty log."""
        ...

    async def accounts(self, after: StreamId | None, limit: int) -> list[StreamId]:
        """Up to `limit` accounts after one, by id; from the first one after None."""
        ...

    async def account_count(self) -> int:
        """The number of accounts."""
        ...

    async def record(self, accesses: Sequence[Access]) -> None:
        """Add to the access log, in this order; durable when this returns."""
        ...

    async def accesses(self, sought: AccessQuery, limit: int) -> list[StoredAccess]:
        """Up to `limit` matching records of the access log, the newest first."""
        ...
