"""Blocking calls to asyncpg: a thread runs one asyncio loop and the connections on it.

Any other thread may call. A coroutine calls through `asyncio.to_thread`, or its loop blocks.
"""

import asyncio
import threading
import time
import weakref
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
from eventsourcing.persistence import (
    DatabaseError,
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    PersistenceError,
    ProgrammingError,
)

from service.ledger.postgres.commit import commit, roll_back
from service.ledger.postgres.connect import DEFAULT, BoundedPool, begin, make_pool, writer_settings
from service.ledger.postgres.store import WRITER_SETTINGS
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError

T = TypeVar("T")

CONNECTIONS_MAX = 8
CLOSE_WAIT_S = 10.0
READ_ATTEMPTS_MAX = 10
READ_PAUSE_S = 0.2
SETTINGS = (
    {name: value for name, value in WRITER_SETTINGS.items() if name != "role"}
    | writer_settings(DEFAULT)
    | {"application_name": "gongji-recorder"}
)
"""No role is set: projections of the library create tables, so the login decides what it may do."""
FAULTS = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server is closing the connection
    OutcomeUnknownError,
    StoreUnavailableError,
)
BY_SQLSTATE = {
    "08": OperationalError,  # connection
    "0A": NotSupportedError,
    "22": DataError,
    "23": IntegrityError,
    "25": InternalError,  # transaction state
    "26": ProgrammingError,  # statement name
    "28": OperationalError,  # authorization
    "3D": ProgrammingError,  # database name
    "3F": ProgrammingError,  # schema name
    "40": OperationalError,  # rolled back
    "42": ProgrammingError,  # syntax, names, rights
    "53": OperationalError,  # resources
    "54": OperationalError,  # limits
    "55": OperationalError,  # lock not available
    "57": OperationalError,  # operator
    "58": OperationalError,  # system
    "XX": InternalError,
}


class LedgerLoop:
    """The thread, its loop and its pool. Closed when it is garbage collected, at the latest."""

    def __init__(self, dsn: str) -> None:
        self._gate = threading.RLock()
        self._is_closed = False
        self._listeners: frozenset[threading.Event] = frozenset()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=_serve, args=(self._loop,), name="gongji-recorder", daemon=True
        )
        self._thread.start()
        self._pool = self.run(_open_pool(dsn))
        self._stop = weakref.finalize(self, _stop, self._loop, self._pool)
        self.appending = asyncio.Lock()
        """Appends of this process wait here, instead of each blocking a connection on the lock."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop and wait for its result. A running one is never cancelled.

        Raises:
            PersistenceError: the subclass that PEP 249 names for the error.
        """
        with self._gate:
            if self._is_closed or threading.current_thread() is self._thread:
                work.close()
                raise InterfaceError("the ledger's loop is closed, or this is its own thread")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except FAULTS as error:
            raise pep_249(error) from error

    def read(self, sql: str, *args: object) -> list[Any]:
        """The rows of a query that changes nothing. Retried while the server is unreachable."""
        for _ in range(READ_ATTEMPTS_MAX - 1):
            try:
                return self.run(self._pool.fetch(sql, *args))
            except (InterfaceError, OperationalError):
                if self._is_closed:
                    raise
            time.sleep(READ_PAUSE_S)
        return self.run(self._pool.fetch(sql, *args))

    def execute(self, sql: str, *args: object) -> None:
        """Execute a statement, or a script without arguments, in its own transaction."""
        self.run(self._execute(sql, args))

    async def _execute(self, sql: str, args: tuple[object, ...]) -> None:
        async with self.transaction() as connection:
            await connection.execute(sql, *args)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A transaction on the loop, committed at the end; `commit` checks the command tag."""
        async with self._pool.acquire() as connection:
            await connection.execute(begin(DEFAULT))
            try:
                yield connection
            except BaseException:
                await roll_back(connection)
                raise
            await commit(connection)

    def listen(self, event: threading.Event) -> None:
        """Set an event after each append through this loop."""
        with self._gate:
            self._listeners |= {event}

    def unlisten(self, event: threading.Event) -> None:
        """Stop setting an event."""
        with self._gate:
            self._listeners -= {event}

    def wake(self) -> None:
        """Set the events of all listeners."""
        for event in self._listeners:
            event.set()

    def close(self) -> None:
        """Wait for running calls, disconnect, and end the thread."""
        with self._gate:
            self._is_closed = True
            self._stop()
        if threading.current_thread() is not self._thread:
            self._thread.join()


def pep_249(error: BaseException) -> PersistenceError:
    """An error of the driver, the system or the store as the library's error."""
    message = f"{type(error).__name__}: {error}"
    if isinstance(error, asyncpg.PostgresError):
        return BY_SQLSTATE.get((error.sqlstate or "")[:2], DatabaseError)(message)
    if isinstance(error, asyncpg.InterfaceError):
        is_value = isinstance(error, ValueError)  # an unreadable DSN is one, too
        is_dsn = isinstance(error, asyncpg.exceptions.ClientConfigurationError)
        return DataError(message) if is_value and not is_dsn else InterfaceError(message)
    return OperationalError(message)


async def _open_pool(dsn: str) -> BoundedPool:
    pool = make_pool(dsn, SETTINGS, CONNECTIONS_MAX, answer_s=DEFAULT.silent_s, is_writer=True)
    await pool
    return pool


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped. A function: a method would keep its owner alive."""
    loop.run_forever()
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop, pool: "asyncpg.Pool[Any]") -> None:
    """Make a loop finish and stop, without waiting: the garbage collector may be the caller."""
    asyncio.run_coroutine_threadsafe(_finish(pool), loop)


async def _finish(pool: "asyncpg.Pool[Any]") -> None:
    try:
        async with asyncio.timeout(CLOSE_WAIT_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*others, return_exceptions=True)
    asyncio.get_running_loop().stop()
