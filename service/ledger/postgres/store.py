"""The ledger in PostgreSQL, through asyncpg.

An append is one call of the database function `append` (migrations/0016_time_and_bounds.sql). It is
never cancelled, because the server may report a cancelled COMMIT as done though only one node has
it. An append without an answer loses its connection. Its outcome is unknown from the first byte
sent until the answer or an error, and if the server sends a warning before its answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import asyncpg
from asyncpg import Connection, Pool

from aggregates.topics import CLASSES
from aggregates.vocabulary import StreamId
from service.ledger.access_log import Access, AccessQuery, StoredAccess, page, record
from service.ledger.codec import KINDS, Recorded, stream_id
from service.ledger.postgres import connect as connections
from service.ledger.postgres import queries
from service.ledger.postgres.append_call import APPEND, arguments, outcome_of
from service.ledger.postgres.commit import (
    DROPPED,
    LEFT_ALONE,
    commit,
    is_definite,
    roll_back,
    unwarned,
)
from service.ledger.postgres.connect import CLOSE_S, DEFAULT, BoundedPool, Patience, dropped_after
from service.ledger.postgres.roles import WRITER
from service.ledger.store import (
    AppendOutcome,
    Batch,
    OutcomeUnknownError,
    ReadResult,
    StoreExhaustedError,
    StoreUnavailableError,
    Streams,
    UniqueNames,
)

READERS_MAX = 8
WRITER_SETTINGS = {
    "role": WRITER,
    "synchronous_commit": "on",
    "default_transaction_isolation": "read committed",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "application_name": "gongji-append",
}
"""The planner may only use indexes: a plan made on an empty table must not scan a full one."""
READER_SETTINGS = {"role": WRITER, "jit": "off", "application_name": "gongji-read"}
"""A reader also inserts accesses, nonces and files, so it has the writer's role."""
ACCESS_SETTINGS = {
    "role": WRITER,
    "synchronous_commit": "on",
    "jit": "off",
    "application_name": "gongji-access",
}

Greet = Callable[[Connection], Awaitable[None]]


def make_readers(dsn: str, size: int, patience: Patience = DEFAULT) -> BoundedPool:
    """A pool of connections for reading, not yet open."""
    settings = READER_SETTINGS | connections.reader_settings(patience)
    return connections.make_pool(dsn, settings, size, patience, answer_s=patience.read_s)


class PostgresStore:
    """A ledger in one PostgreSQL schema, that of `search_path`."""

    def __init__(self, dsn: str, greet: Greet | None = None, patience: Patience = DEFAULT) -> None:
        """`open` connects to the database; `greet` is called with every new writer connection."""
        self._dsn = dsn
        self._greet = greet
        self._patience = patience
        self._access_pool: Pool | None = None
        self._writer: Connection | None = None
        self._pool: Pool | None = None
        self._topic_ids: dict[str, int] = {}
        self._topics: dict[int, str] = {}

    async def open(self) -> None:
        """Connect, and load or store the codes of the topics.

        Raises:
            StoreUnavailableError: the database cannot be reached.
        """
        bounds = connections.writer_settings(self._patience)
        self._pool = await make_readers(self._dsn, READERS_MAX, self._patience)
        self._access_pool = await connections.make_pool(
            self._dsn,
            ACCESS_SETTINGS | bounds,
            1,
            self._patience,
            answer_s=self._patience.read_s,
            is_writer=True,
        )
        writer = await self._connected()
        with dropped_after(self._patience.silent_s, writer):
            await self._load_topics(writer)

    async def _load_topics(self, writer: Connection) -> None:
        async with writer.transaction():
            await writer.execute("SELECT pg_advisory_xact_lock(hashtext('gongji.topics'))")
            ids = dict(await writer.fetch("SELECT topic, id FROM topics"))
            for topic in CLASSES:
                if topic not in ids:
                    ids[topic] = max(ids.values(), default=0) + 1
                    await writer.execute("INSERT INTO topics VALUES ($2, $1)", topic, ids[topic])
        self._topic_ids = ids
        self._topics = {code: topic for topic, code in ids.items()}

    async def close(self) -> None:
        """Close all connections; no append may be in progress."""
        if self._writer is not None and not self._writer.is_closed():
            with contextlib.suppress(*DROPPED):
                await self._writer.close(timeout=CLOSE_S)
        pools = [pool for pool in (self._pool, self._access_pool) if pool is not None]
        await asyncio.gather(*(connections.close_pool(pool) for pool in pools))

    async def answer(self) -> None:
        """Run a statement through each pool of requests.

        Raises:
            TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError: no answer.
        """
        assert self._access_pool is not None, "the store is open"
        pools = (self.pool, self._access_pool)
        await asyncio.gather(*(pool.fetchval("SELECT 1") for pool in pools))

    @property
    def pool(self) -> Pool:
        """Connections for reading; never for an append."""
        assert self._pool is not None, "the store is open"
        return self._pool

    async def _connected(self) -> Connection:
        if self._writer is None or self._writer.is_closed():
            try:
                self._writer = await self._greeted()
            except asyncpg.TooManyConnectionsError as error:
                raise StoreExhaustedError(type(error).__name__) from error
            except (*DROPPED, TimeoutError, asyncpg.PostgresError) as error:
                raise StoreUnavailableError(type(error).__name__) from error
        return self._writer

    async def _greeted(self) -> Connection:
        """A new writer connection, checked and greeted."""
        settings = WRITER_SETTINGS | connections.writer_settings(self._patience)
        writer = await connections.connect(self._dsn, settings, self._patience, is_writer=True)
        try:
            with dropped_after(self._patience.silent_s, writer):
                shown = await writer.fetchval("SHOW transaction_isolation")
                assert shown == "read committed", "an append needs fresh snapshots"
                if self._greet is not None:
                    await self._greet(writer)
        except BaseException:
            writer.terminate()
            raise
        return writer

    async def read(self, streams: Streams, names: UniqueNames, persons: Streams = ()) -> ReadResult:
        """Heads, names and persons as committed now."""
        try:
            async with self.pool.acquire() as connection:
                return await self._read(connection, streams, names, persons)
        except asyncpg.TooManyConnectionsError as error:
            raise StoreExhaustedError(type(error).__name__) from error

    async def append(self, batch: Batch) -> AppendOutcome:
        """Append the batch in one round trip, or write nothing and say why."""
        writer = await self._connected()
        with dropped_after(self._patience.silent_s, writer), unwarned(writer):
            return await self._append(writer, batch)

    @asynccontextmanager
    async def locked(self) -> AsyncIterator["_LockedLog"]:
        """BEGIN, lock the log head; COMMIT at the end, and check its tag.

        The server rolls back a transaction that idles for `transaction_s`.
        """
        writer = await self._connected()
        with dropped_after(self._patience.silent_s, writer):
            async with self._transaction(writer) as newest:
                yield _LockedLog(self, writer, newest)

    @asynccontextmanager
    async def _transaction(self, writer: Connection) -> AsyncIterator[int]:
        """A transaction with the log's lock; yields the newest recorded time in microseconds."""
        try:
            await writer.execute(connections.begin(self._patience))
            newest: int = await writer.fetchval("SELECT recorded_at FROM log_head FOR UPDATE")
        except (*DROPPED, asyncpg.PostgresError) as error:
            writer.terminate()
            raise StoreUnavailableError(type(error).__name__) from error
        try:
            yield newest
        except BaseException:
            await roll_back(writer)
            raise
        await commit(writer)

    async def _append(self, writer: Connection, batch: Batch) -> AppendOutcome:
        try:
            answer = await writer.fetch(APPEND, *arguments(batch, self._topic_ids))
        except asyncpg.PostgresError as error:
            if error.sqlstate in LEFT_ALONE:
                raise StoreUnavailableError(error.sqlstate) from error
            if is_definite(error):
                raise
            writer.terminate()
            raise OutcomeUnknownError(error.sqlstate) from error
        except DROPPED as error:
            writer.terminate()
            raise OutcomeUnknownError(type(error).__name__) from error
        return outcome_of(answer, batch)

    async def _read(
        self, connection: Connection, streams: Streams, names: UniqueNames, persons: Streams
    ) -> ReadResult:
        return ReadResult(
            await queries.read_heads(connection, list(streams), self._topics),
            await queries.read_names(connection, list(names)),
            await queries.read_persons(connection, list(persons), self._topics),
        )

    async def history(self, stream: StreamId) -> list[Recorded]:
        """All events of one stream, oldest first; none if its digits are another kind's stream."""
        rows = await self.pool.fetch(queries.HISTORY, stream[4:])
        return [past for past in queries.recorded(rows, self._topics) if past.stream == stream]

    async def first_events(self, streams: Streams) -> list[Recorded]:
        """The first events of these streams."""
        return await queries.read_first(self.pool, list(streams), self._topics)

    async def page(self, after: int, limit: int) -> list[Recorded]:
        """Up to `limit` events after a position, without those of the eventsourcing library."""
        ours = [code for code, topic in self._topics.items() if topic in CLASSES]
        query = (
            f"{queries.EVENTS} WHERE position > $1 AND topic = ANY ($3) ORDER BY position LIMIT $2"
        )
        return queries.recorded(await self.pool.fetch(query, after, limit, ours), self._topics)

    async def record(self, accesses: Sequence[Access]) -> None:
        """Add to the access log in one round trip, on its own connection."""
        assert self._access_pool is not None, "the store is open"
        async with self._access_pool.acquire() as connection:
            with unwarned(connection):
                await record(connection, accesses)

    async def accesses(self, sought: AccessQuery, limit: int) -> list[StoredAccess]:
        """Up to `limit` matching records of the access log, the newest first."""
        return await page(self.pool, sought, limit)

    async def position(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        newest: int = await self.pool.fetchval("SELECT position FROM log_head")
        return newest

    async def recorded_at(self) -> int:
        """When the newest event was recorded, in microseconds since 1970; 0 in an empty log."""
        newest: int = await self.pool.fetchval("SELECT recorded_at FROM log_head")
        return newest

    async def accounts(self, after: StreamId | None, limit: int) -> list[StreamId]:
        """Up to `limit` accounts after one, by id; from the first one after None."""
        digits = None if after is None else after[4:]
        rows = await self.pool.fetch(queries.ACCOUNTS, KINDS["acc"].code, digits, limit)
        return [stream_id("acc", stream.hex) for (stream,) in rows]

    async def account_count(self) -> int:
        """The number of accounts."""
        count: int = await self.pool.fetchval(queries.ACCOUNT_COUNT, KINDS["acc"].code)
        return count


class _LockedLog:
    """Reads and appends under the lock of the log head."""

    def __init__(self, store: PostgresStore, writer: Connection, newest: int) -> None:
        self._store = store
        self._writer = writer
        self.newest = newest

    async def read(self, streams: Streams, names: UniqueNames, persons: Streams = ()) -> ReadResult:
        try:
            return await self._store._read(self._writer, streams, names, persons)  # noqa: SLF001
        except (*DROPPED, asyncpg.PostgresError) as error:
            if isinstance(error, asyncpg.PostgresError) and is_definite(error):
                if error.sqlstate in (*LEFT_ALONE, "57014"):
                    raise StoreUnavailableError(error.sqlstate) from error
                raise
            self._writer.terminate()
            raise StoreUnavailableError(type(error).__name__) from error

    async def append(self, batch: Batch) -> AppendOutcome:
        try:
            return await self._store._append(self._writer, batch)  # noqa: SLF001
        except asyncpg.QueryCanceledError as error:
            raise StoreUnavailableError(error.sqlstate) from error
