"""All connections to PostgreSQL, with their time limits.

When a node dies or a network fails silently, no answer and no error arrives. The kernel ends a
connection whose peer acknowledges nothing (keepalive and TCP_USER_TIMEOUT here, session settings
on the server's side). A statement without an answer in time loses its connection; a pool makes
another.

No connection sends a cancel request: PostgreSQL reports a COMMIT that is cancelled during its
wait for a standby as done. Connections whose answer is no longer awaited are dropped.
"""

import asyncio
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from typing_extensions import override

PROBES = 3
"""Unanswered keepalive probes after which a peer is gone."""
CLOSE_S = 2.0
"""Seconds for a connection or a pool to close before it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Time limits of connections, in seconds.

    `silent_s`: without an acknowledgement before the kernel ends the connection, and for a whole
    append, because a COMMIT may wait for a standby. `read_s`: for a reading statement.
    `transaction_s`: for a writer's transaction to idle with its locks. `lock_s`: for a writer to
    wait for a lock; nothing is applied after that. `idle_s`: for the holder of an advisory lock
    to idle before it loses the lock. `connect_s`: to connect, or to wait for a pool's connection.
    """

    silent_s: float = 30.0
    read_s: float = 15.0
    transaction_s: float = 10.0
    lock_s: float = 5.0
    idle_s: float = 15.0
    connect_s: float = 5.0

    @classmethod
    def of(cls, silent_s: float) -> "Patience":
        """All limits in proportion to the longest."""
        return cls(
            silent_s=silent_s,
            read_s=silent_s / 2,
            transaction_s=silent_s / 3,
            lock_s=silent_s / 6,
            idle_s=silent_s / 2,
            connect_s=silent_s / 6,
        )


DEFAULT = Patience()


class NeverCancelling(asyncpg.Connection):  # type: ignore[misc]  # asyncpg ships no types
    """A connection that is dropped where asyncpg would send a cancel request."""

    is_given_up = False

    @override
    def _cancel_current_command(self, waiter: Any, cancel_waiter: Any = None) -> None:
        self.is_given_up = True
        self._loop.call_soon(self.terminate)  # after asyncpg has raised in the waiting task


class BoundedPool(asyncpg.Pool):  # type: ignore[misc]  # asyncpg ships no types
    """A pool whose `acquire` never waits longer than `acquire_s`."""

    acquire_s: float = DEFAULT.connect_s

    @override
    def acquire(self, *, timeout: float | None = None) -> Any:
        """As asyncpg's; raises TimeoutError after `acquire_s` seconds, or after `timeout`."""
        return super().acquire(timeout=self.acquire_s if timeout is None else timeout)

    @override
    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        """As asyncpg's; a connection that is given up is dropped at once, and makes room."""
        inner = connection._con  # noqa: SLF001 -- as asyncpg's own release
        if inner is not None and inner.is_given_up:
            inner.terminate()
            return
        await super().release(connection, timeout=timeout)


async def connect(
    dsn: str,
    settings: Mapping[str, str],
    patience: Patience = DEFAULT,
    *,
    answer_s: float | None = None,
    is_writer: bool = False,
) -> "asyncpg.Connection[Any]":
    """A connection with these session settings; that of a writer goes to the primary.

    `answer_s` is the time for a statement's answer before the connection is dropped; None waits
    as long as the kernel finds the peer alive.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: no connection.
    """
    options = _options(settings, patience, answer_s, is_writer=is_writer)
    try:
        connection = await asyncpg.connect(dsn, **options)
    except TimeoutError as error:  # asyncpg's has no message for the operator
        raise TimeoutError(f"no database answered in {patience.connect_s:g} s") from error
    keep_alive(connection, patience)
    return connection


def make_pool(
    dsn: str,
    settings: Mapping[str, str],
    size: int,
    patience: Patience = DEFAULT,
    *,
    answer_s: float | None = None,
    is_writer: bool = False,
) -> BoundedPool:
    """A pool of connections as by `connect`, each made when it is needed.

    A statement without an answer in `answer_s` raises TimeoutError; its connection is replaced.
    """

    async def greet(connection: "asyncpg.Connection[Any]") -> None:
        keep_alive(connection, patience)

    pool = BoundedPool(
        dsn,
        min_size=0,
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300.0,
        init=greet,
        loop=None,
        record_class=asyncpg.Record,
        **_options(settings, patience, answer_s, is_writer=is_writer),
    )
    pool.acquire_s = patience.connect_s
    return pool


def _options(
    settings: Mapping[str, str], patience: Patience, answer_s: float | None, *, is_writer: bool
) -> dict[str, Any]:
    return {
        "timeout": patience.connect_s,
        "command_timeout": answer_s,
        # The server's idle timeout does not run between preparing a statement and running it,
        # so each statement is prepared once, and not every five minutes.
        "max_cached_statement_lifetime": 0,
        "connection_class": NeverCancelling,
        "server_settings": {**server_keepalive(patience), **settings},
        "target_session_attrs": "primary" if is_writer else "any",
    }


def reader_settings(patience: Patience) -> dict[str, str]:
    """Session settings of a reader: the server cancels a slow statement before its limit here."""
    return {"statement_timeout": milliseconds(0.8 * patience.read_s)}


def writer_settings(patience: Patience) -> dict[str, str]:
    """Session settings that limit how long a writer holds its locks.

    Warnings must arrive: one says that a commit is on the primary only.
    """
    return {
        "lock_timeout": milliseconds(patience.lock_s),
        "idle_in_transaction_session_timeout": milliseconds(patience.transaction_s),
        "client_min_messages": "warning",
    }


def begin(patience: Patience) -> str:
    """The statements that begin a writer's transaction.

    The session's timeout ends a transaction that idles between two statements. A statement that
    is prepared and not yet run, or half sent, counts as running and has this limit; COMMIT has no
    limit.
    """
    return f"BEGIN; SET LOCAL statement_timeout = {milliseconds(patience.transaction_s)}"


def holder_settings(patience: Patience) -> dict[str, str]:
    """Session settings of the holder of an advisory lock: an idle one loses session and lock."""
    return {
        "lock_timeout": milliseconds(patience.silent_s),
        "idle_session_timeout": milliseconds(patience.idle_s),
        "idle_in_transaction_session_timeout": milliseconds(patience.idle_s),
    }


def milliseconds(seconds: float) -> str:
    """A time for PostgreSQL's settings; at least 1, because 0 means no limit."""
    return str(max(1, round(seconds * 1000)))


def server_keepalive(patience: Patience) -> dict[str, str]:
    """Session settings by which the server notices a lost client."""
    idle_s, interval_s = _probe_s(patience)
    return {
        "tcp_keepalives_idle": str(idle_s),
        "tcp_keepalives_interval": str(interval_s),
        "tcp_keepalives_count": str(PROBES),
        "tcp_user_timeout": milliseconds(patience.silent_s),
    }


def _probe_s(patience: Patience) -> tuple[int, int]:
    """Seconds before the first keepalive probe and between two, all within `silent_s`."""
    return max(1, int(patience.silent_s / 3)), max(1, int(patience.silent_s / 6))


def keep_alive(connection: "asyncpg.Connection[Any]", patience: Patience) -> None:
    """Let the kernel notice a lost database; asyncpg does not."""
    tcp = connection._transport.get_extra_info("socket")  # noqa: SLF001 -- it has no other way
    if tcp is None or tcp.family == socket.AF_UNIX:
        return
    idle_s, interval_s = _probe_s(patience)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", idle_s),
        ("TCP_KEEPINTVL", interval_s),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", round(patience.silent_s * 1000)),
    ):
        if (option := getattr(socket, name, None)) is not None:  # Linux has all of them
            tcp.setsockopt(socket.IPPROTO_TCP, option, value)


@contextmanager
def dropped_after(silent_s: float, connection: "asyncpg.Connection[Any]") -> Iterator[None]:
    """Drop a connection if the block is not finished in so many seconds.

    Unlike asyncpg's timeout this is for the whole block, and it sends nothing: the effect of a
    COMMIT in progress is read later, on another connection.
    """
    timer = asyncio.get_running_loop().call_later(silent_s, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()


async def close_pool(pool: asyncpg.Pool) -> None:
    """Close a pool; connections still open after `CLOSE_S` are dropped."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
