"""The one place that connects to PostgreSQL, and what every connection of ours obeys.

A node may die and a network may part without a word: then nothing arrives and nothing fails.
The kernel ends a connection whose peer acknowledges nothing (keepalive and TCP_USER_TIMEOUT here,
session settings for the server's end), and a statement without an answer in time costs its
connection; a pool makes another.

No connection of ours ever sends a request to cancel: PostgreSQL reports a COMMIT that is
cancelled while it waits for its standby as done. What is not waited for any more is dropped.
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
"""Keepalive probes without an answer after which a peer is gone."""
CLOSE_S = 2.0
"""Seconds that a connection or a pool may take to close before it is dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the database may keep us waiting, in seconds.

    `silent_s`: without an acknowledgement before the kernel takes it for gone, and until the end
    of an append, for a COMMIT may wait for a standby. `read_s`: to a
    statement that reads. `transaction_s`: a writer's transaction may idle, holding its locks.
    `lock_s`: a writer waits for a lock; nothing is applied after that. `idle_s`: who holds an
    advisory lock may stand still before it is taken for dead. `connect_s`: connecting may take,
    and waiting for a free connection of a pool.
    """

    silent_s: float = 30.0
    read_s: float = 15.0
    transaction_s: float = 10.0
    lock_s: float = 5.0
    idle_s: float = 15.0
    connect_s: float = 5.0

    @classmethod
    def of(cls, silent_s: float) -> "Patience":
        """All bounds in their proportions, from the longest."""
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
    """A connection that is dropped where asyncpg would ask the server to cancel."""

    is_given_up = False

    @override
    def _cancel_current_command(self, waiter: Any, cancel_waiter: Any = None) -> None:
        self.is_given_up = True
        self._loop.call_soon(self.terminate)  # asyncpg is still about to tell who waits


class BoundedPool(asyncpg.Pool):  # type: ignore[misc]  # asyncpg ships no types
    """A pool whose `acquire` never waits longer than `acquire_s`."""

    acquire_s: float = DEFAULT.connect_s

    @override
    def acquire(self, *, timeout: float | None = None) -> Any:
        """As asyncpg's; TimeoutError is raised after `acquire_s` seconds, or after `timeout`."""
        return super().acquire(timeout=self.acquire_s if timeout is None else timeout)

    @override
    async def release(self, connection: Any, *, timeout: float | None = None) -> None:
        """As asyncpg's; a connection that is given up is dropped at once, and makes room."""
        held = connection._con  # noqa: SLF001 -- asyncpg's own release looks at it
        if held is not None and held.is_given_up:
            held.terminate()
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
    """A connection with these session settings, to the primary if it is a writer's.

    `answer_s` is how long a statement may go without an answer before the connection is dropped;
    None waits as long as the kernel finds the peer alive.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: it cannot be had.
    """
    options = _options(settings, patience, answer_s, is_writer=is_writer)
    try:
        made = await asyncpg.connect(dsn, **options)
    except TimeoutError as error:  # asyncpg's has no words, and an operator reads them
        raise TimeoutError(f"no database answered in {patience.connect_s:g} s") from error
    keep_alive(made, patience)
    return made


def make_pool(
    dsn: str,
    settings: Mapping[str, str],
    size: int,
    patience: Patience = DEFAULT,
    *,
    answer_s: float | None = None,
    is_writer: bool = False,
) -> BoundedPool:
    """A pool of connections as `connect` makes them, each when it is first needed.

    A statement without an answer in `answer_s` raises TimeoutError, and its connection is replaced.
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
    """What asyncpg is told for a connection, alone or in a pool."""
    return {
        "timeout": patience.connect_s,
        "command_timeout": answer_s,
        # Between preparing a statement and running it no timeout of the server's idle sessions
        # is armed, so each is prepared once, not again every five minutes.
        "max_cached_statement_lifetime": 0,
        "connection_class": NeverCancelling,
        "server_settings": {**server_keepalive(patience), **settings},
        "target_session_attrs": "primary" if is_writer else "any",
    }


def reader_settings(patience: Patience) -> dict[str, str]:
    """Session settings of a reader: a server that lives gives a slow statement up before we do."""
    return {"statement_timeout": milliseconds(0.8 * patience.read_s)}


def writer_settings(patience: Patience) -> dict[str, str]:
    """Session settings that bound what a writer may keep others from.

    Warnings must reach us: one tells that a commit is on the primary alone.
    """
    return {
        "lock_timeout": milliseconds(patience.lock_s),
        "idle_in_transaction_session_timeout": milliseconds(patience.transaction_s),
        "client_min_messages": "warning",
    }


def begin(patience: Patience) -> str:
    """The statements that begin a writer's transaction.

    Between two statements the session's own timeout ends who stands still. One that is prepared
    and not yet run, or half sent, counts as running: it has this bound. COMMIT waits under none.
    """
    return f"BEGIN; SET LOCAL statement_timeout = {milliseconds(patience.transaction_s)}"


def holder_settings(patience: Patience) -> dict[str, str]:
    """Session settings of who holds an advisory lock: standing still, it loses session and lock."""
    return {
        "lock_timeout": milliseconds(patience.silent_s),
        "idle_session_timeout": milliseconds(patience.idle_s),
        "idle_in_transaction_session_timeout": milliseconds(patience.idle_s),
    }


def milliseconds(seconds: float) -> str:
    """A time as PostgreSQL's settings take it; at least 1, for 0 would mean without a bound."""
    return str(max(1, round(seconds * 1000)))


def server_keepalive(patience: Patience) -> dict[str, str]:
    """Session settings by which the server finds that we are gone."""
    idle_s, interval_s = _probe_s(patience)
    return {
        "tcp_keepalives_idle": str(idle_s),
        "tcp_keepalives_interval": str(interval_s),
        "tcp_keepalives_count": str(PROBES),
        "tcp_user_timeout": milliseconds(patience.silent_s),
    }


def _probe_s(patience: Patience) -> tuple[int, int]:
    """Seconds before the first keepalive probe and between two, all within the patience."""
    return max(1, int(patience.silent_s / 3)), max(1, int(patience.silent_s / 6))


def keep_alive(connection: "asyncpg.Connection[Any]", patience: Patience) -> None:
    """Let the kernel find a database that is gone; asyncpg sets nothing of this."""
    held = connection._transport.get_extra_info("socket")  # noqa: SLF001 -- it has no other way
    if held is None or held.family == socket.AF_UNIX:
        return
    idle_s, interval_s = _probe_s(patience)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", idle_s),
        ("TCP_KEEPINTVL", interval_s),
        ("TCP_KEEPCNT", PROBES),
        ("TCP_USER_TIMEOUT", round(patience.silent_s * 1000)),
    ):
        if (option := getattr(socket, name, None)) is not None:  # Linux has all of them
            held.setsockopt(socket.IPPROTO_TCP, option, value)


@contextmanager
def dropped_after(silent_s: float, connection: "asyncpg.Connection[Any]") -> Iterator[None]:
    """Drop a connection whose work inside is not over in so many seconds.

    Unlike a timeout of asyncpg's this holds for all of it together, and only lets go: whether a
    COMMIT under way takes effect is the server's to say, on another connection.
    """
    timer = asyncio.get_running_loop().call_later(silent_s, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()


async def close_pool(pool: asyncpg.Pool) -> None:
    """Close a pool; what does not let go in `CLOSE_S` is dropped."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
