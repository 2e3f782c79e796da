"""A store in memory, for tests.

`before_append` lets a test slip in another writer. `fail_next` is raised by the next append,
before (StoreUnavailableError) or after (OutcomeUnknownError) it is applied.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aggregates.account.events import AccountOpened
from aggregates.vocabulary import StreamId
from service.ledger.access_log import Access, AccessQuery, StoredAccess
from service.ledger.codec import Recorded, decode, kind_of
from service.ledger.store import (
    NO_HEAD,
    AppendOutcome,
    Batch,
    OutcomeUnknownError,
    ReadResult,
    SealedPerson,
    StoreUnavailableError,
    StreamHead,
    Streams,
    UniqueNames,
    UsedKey,
)


class MemoryStore:
    """A ledger that lives as long as its process."""

    def __init__(self) -> None:
        self.log: list[Recorded] = []
        self.heads: dict[StreamId, StreamHead] = {}
        self.keys: dict[tuple[str, str], UsedKey] = {}
        self.names: dict[bytes, StreamId] = {}
        self.wrapped: dict[StreamId, bytes] = {}
        self.before_append: Callable[[], Awaitable[None]] | None = None
        self.fail_next: StoreUnavailableError | OutcomeUnknownError | None = None
        self._lock = asyncio.Lock()
        self._accesses: list[StoredAccess] = []

    async def read(self, streams: Streams, names: UniqueNames, persons: Streams = ()) -> ReadResult:
        """Heads, names and persons as they are now."""
        wanted = set(persons)
        return ReadResult(
            {stream: self.heads.get(stream, NO_HEAD) for stream in streams},
            {name: self.names[name] for name in names if name in self.names},
            {
                recorded.stream: SealedPerson(
                    recorded.event.sealed, self.wrapped.get(recorded.stream)
                )
                for recorded in (self.log if wanted else ())
                if recorded.stream in wanted and isinstance(recorded.event, AccountOpened)
            },
        )

    @asynccontextmanager
    async def locked(self) -> AsyncIterator["_LockedMemory"]:
        """Lock the log."""
        async with self._lock:
            yield _LockedMemory(self)

    async def append(self, batch: Batch) -> AppendOutcome:
        """Append the whole batch, or write nothing and say why."""
        await asyncio.sleep(0)
        if self.before_append is not None:
            slip_in, self.before_append = self.before_append, None
            await slip_in()
        async with self._lock:
            return self.append_now(batch)

    def append_now(self, batch: Batch) -> AppendOutcome:
        """Append as the database's function does."""
        failure, self.fail_next = self.fail_next, None
        if isinstance(failure, StoreUnavailableError):
            raise failure
        outcome = self._conflicts(batch)
        is_late = outcome.late is not None
        if not (is_late or outcome.known or outcome.stale or outcome.taken):
            outcome.base = len(self.log)
            self._write(batch, outcome.base)
        if failure is not None:
            raise failure
        return outcome

    def _conflicts(self, batch: Batch) -> AppendOutcome:
        heads, newest = self.heads, self.newest()
        return AppendOutcome(
            late=newest if batch.at < newest else None,
            asked={i: self.keys[k] for i, k in enumerate(batch.asked) if k in self.keys},
            known={
                i: self.keys[row.caller, row.key]
                for i, row in enumerate(batch.keys)
                if (row.caller, row.key) in self.keys
            },
            stale={
                stream: heads.get(stream)
                for stream, version in batch.expected.items()
                if heads.get(stream, NO_HEAD).version != version
            },
            taken={n for n in batch.names if n in self.names and n not in batch.freed},
        )

    def _write(self, batch: Batch, base: int) -> None:
        times = batch.times or [batch.at] * len(batch.rows)
        for position, (row, at) in enumerate(zip(batch.rows, times, strict=True), base + 1):
            assert at >= self.newest(), "the log's time does not run back"
            before = self.heads.get(row.stream, NO_HEAD)
            assert row.version == before.version + 1, "versions of a stream have no gap"
            act, event = (envelope := decode(row.topic, row.state)).act, envelope.event
            self.log.append(Recorded(position, at, row.stream, row.version, act, event))
            state = kind_of(row.stream).evolve(before.state, event)
            self.heads[row.stream] = StreamHead(row.version, state)
        for key in batch.keys:
            assert (key.caller, key.key) not in self.keys, "a key is used once"
            self.keys[key.caller, key.key] = UsedKey(
                base + key.offset, key.stream, key.refusal, key.digest, key.answer
            )
        for name in batch.freed:
            del self.names[name]
        self.names.update(batch.names)
        for stream, wrapped in batch.person_keys:
            if wrapped is None:
                self.wrapped.pop(stream, None)
            else:
                self.wrapped[stream] = wrapped

    async def close(self) -> None:
        """Nothing is open."""

    async def history(self, stream: StreamId) -> list[Recorded]:
        """All events of one stream, oldest first."""
        return [recorded for recorded in self.log if recorded.stream == stream]

    async def first_events(self, streams: Streams) -> list[Recorded]:
        """The first events of these streams."""
        wanted = set(streams)
        return [r for r in self.log if r.version == 1 and r.stream in wanted]

    async def page(self, after: int, limit: int) -> list[Recorded]:
        """Up to `limit` events after a position."""
        return self.log[after : after + limit]

    async def record(self, accesses: Sequence[Access]) -> None:
        """Add to the access log."""
        for access in accesses:
            self._accesses.append(StoredAccess(len(self._accesses) + 1, access))

    async def accesses(self, sought: AccessQuery, limit: int) -> list[StoredAccess]:
        """Up to `limit` matching records of the access log, the newest first."""
        return [access for access in reversed(self._accesses) if sought.fits(access)][:limit]

    async def position(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        return len(self.log)

    async def recorded_at(self) -> int:
        """When the newest event was recorded, in microseconds since 1970; 0 in an empty log."""
        return self.newest()

    def newest(self) -> int:
        """As `recorded_at`."""
        return self.log[-1].recorded_at if self.log else 0

    async def accounts(self, after: StreamId | None, limit: int) -> list[StreamId]:
        """Up to `limit` accounts after one, by id; from the first one after None."""
        accounts = sorted(stream for stream in self.heads if stream.startswith("acc_"))
        return [stream for stream in accounts if after is None or stream > after][:limit]

    async def account_count(self) -> int:
        """The number of accounts."""
        return sum(stream.startswith("acc_") for stream in self.heads)


class _LockedMemory:
    """The store within its lock."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self.newest = store.newest()

    async def read(self, streams: Streams, names: UniqueNames, persons: Streams = ()) -> ReadResult:
        return await self._store.read(streams, names, persons)

    async def append(self, batch: Batch) -> AppendOutcome:
        return self._store.append_now(batch)
