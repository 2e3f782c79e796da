"""Keep the read models up with the log, in one process at a time.

Who follows holds an advisory lock on a connection of its own, on which it also writes: when
that connection dies, so do the lock and the batch. The others try for the lock every second.
What a crash of the database may take from a follower it takes whole, so it does not wait for
the disk: the log is the truth, and a batch is applied again.
"""

import asyncio
import contextlib
import logging
from typing import Any

import asyncpg

from projections.kit.table import Connection
from service.clock import monotonic_s
from service.ledger.roles import WRITER
from service.read_models.projector import (
    EVENTS_MAX,
    LIVE,
    Target,
    UnreadableEventError,
    advance,
    positions,
    prepare,
    spans,
)

LOG = logging.getLogger("gongji.follow")
LOOK_EVERY_S = 0.1
STANDBY_EVERY_S = 1.0
ASK_EVERY_S = 0.02
RETRY_FIRST_S, RETRY_MAX_S = 0.1, 5.0
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 60.0
SETTINGS = {
    "role": WRITER,
    "synchronous_commit": "off",
    "jit": "off",
    "application_name": "gongji-follow",
    "lock_timeout": "30s",
    # Who stands still, holding the lock, is taken for dead, and another follows.
    "idle_session_timeout": "15s",
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.follow'), hashtext(current_schema()))"


class Follower:
    """This process's follower: it follows, or it stands by. `failures` counts what it survived."""

    def __init__(
        self,
        dsn: str,
        pool: "asyncpg.Pool[Any]",
        targets: tuple[Target, ...] = LIVE,
        events_max: int = EVENTS_MAX,
    ) -> None:
        """Follow into the targets; `pool` is for questions."""
        self._dsn = dsn
        self._pool = pool
        self._targets = targets
        self._events_max = self._limit = events_max
        self._awake = asyncio.Event()
        self._moved = asyncio.Event()
        self._reached: dict[Target, int] = {}
        self._pause_s = RETRY_FIRST_S
        self._task: asyncio.Task[None] | None = None
        self.is_following = False
        self.failures = 0

    async def start(self) -> None:
        """Make tables that are missing, and begin.

        Raises:
            asyncpg.PostgresError, OSError: the database does not let us.
        """
        await self.prepare()
        self._task = asyncio.create_task(self._run())

    async def prepare(self) -> None:
        """Make tables that are missing: enough for asking, where another process follows.

        Raises:
            asyncpg.PostgresError, OSError: the database does not let us.
        """
        async with self._pool.acquire() as connection:
            await prepare(connection, self._targets)

    async def close(self) -> None:
        """Stop; a batch in flight is rolled back, and whoever follows next applies it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Something was committed here: look at once."""
        self._awake.set()

    async def position(self) -> int:
        """Up to where every read model shows the log, whichever process follows."""
        reached = self._reached or await positions(self._pool, self._targets)
        return min(reached.values())

    async def wait_for(self, position: int, timeout_s: float) -> bool:
        """Wait until every read model shows the log up to a position; whether it came to that."""
        deadline = monotonic_s() + timeout_s
        while await self.position() < position:
            left_s = deadline - monotonic_s()
            if left_s <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, ASK_EVERY_S)):
                    await self._moved.wait()
        return True

    # ---------------------------------------------------------------- the work

    async def _run(self) -> None:
        """Follow for ever; whatever goes wrong is told, and tried again after a pause.

        The lock is let go meanwhile: another process may be able to go on.
        """
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 -- a follower that dies is a silent one
                self._failed(error)
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(RETRY_MAX_S, 2 * self._pause_s)

    def _failed(self, error: Exception) -> None:
        """Tell what went wrong without its words: they may hold values of rows."""
        self.failures += 1
        self._limit = max(1, self._limit // 10)  # so that one bad event stands alone
        unreadable = error.args[0] if isinstance(error, UnreadableEventError) else None
        LOG.error(
            "follower.failed error=%s sqlstate=%s unreadable=%s events_max=%d retry_in_s=%.1f",
            type(error).__name__,
            getattr(error, "sqlstate", None),
            unreadable,
            self._limit,
            self._pause_s,
        )

    async def _follow(self) -> None:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=SETTINGS,
        )
        try:
            while not await connection.fetchval(TRY_LOCK):  # noqa: ASYNC110 -- nobody tells us
                await asyncio.sleep(STANDBY_EVERY_S)
            self.is_following = True
            LOG.info("follower.follows")
            while True:
                self._awake.clear()
                if not await self._step(connection):
                    await self._rest()
        finally:
            self.is_following = False
            self._reached = {}
            with contextlib.suppress(Exception):
                await connection.close(timeout=1.0)

    async def _step(self, connection: Connection) -> bool:
        """Apply what is new, a batch for each group of read models; whether there was any."""
        reached = await positions(connection, self._targets)
        head = await connection.fetchval("SELECT position FROM log_head")
        has_moved = False
        for span in spans(reached, head):
            position = await advance(connection, span, self._limit)
            has_moved |= position > span.after
            reached |= dict.fromkeys(span.targets, position)
        self._reached = reached
        if has_moved:
            self._limit = min(self._events_max, 2 * self._limit)
            self._pause_s = RETRY_FIRST_S
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        return has_moved

    async def _rest(self) -> None:
        """Wait to be woken, or for the next look at the log's head."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._awake.wait()
