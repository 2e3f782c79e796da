"""Keeps the read models up to date with the log, in one process at a time.

The follower holds an advisory lock on its own connection and writes on the same connection, so a
lost connection loses both the lock and the batch. Other processes try for the lock every second.
The follower's commits do not wait for the disk: after a crash of the database whole batches are
missing, and are applied again from the log.

A read model that fails or is far behind catches up separately, in its own task and on its own
connection. The others do not wait for it.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import asyncpg

from projections.kit.table import Connection, Table
from service.clock import monotonic_s
from service.ledger.postgres.connect import DEFAULT, Patience, connect, holder_settings
from service.ledger.postgres.roles import WRITER
from service.read_models.projector import (
    EVENTS_MAX,
    LIVE,
    Span,
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
LAG_MAX = EVENTS_MAX
"""Events behind the most advanced read model, above which one catches up separately."""
CATCH_UPS_MAX = 4
"""Connections of read models that catch up separately, at the same time."""
NEWER_TRIES = 8
"""Times that an event of a newer release is left to another process before it is parked here.

The pauses add up to half a minute; the process that wrote it tries for the lock every second.
"""
SETTINGS = {
    "role": WRITER,
    "synchronous_commit": "off",
    "jit": "off",
    "application_name": "gongji-follow",
    "lock_timeout": "2s",  # other read models wait for one whose table is locked
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.follow'), hashtext(current_schema()))"


class Follower:
    """The follower of this process: active, or standby. `failures` counts survived errors."""

    def __init__(
        self,
        dsn: str,
        pool: "asyncpg.Pool[Any]",
        targets: tuple[Target, ...] = LIVE,
        events_max: int = EVENTS_MAX,
        newer_tries: int = NEWER_TRIES,
        patience: Patience = DEFAULT,
    ) -> None:
        """Write the targets; `pool` is for queries."""
        self._dsn = dsn
        self._patience = patience
        self._pool = pool
        self._targets = targets
        self._events_max = events_max
        self._newer = _Newer(newer_tries)
        self._awake = asyncio.Event()
        self._moved = asyncio.Event()
        self._reached: dict[Target, int] = {}
        self._lagging: dict[Target, asyncio.Task[None]] = {}
        self._catch_ups = asyncio.Semaphore(CATCH_UPS_MAX)
        self._pause_s = RETRY_FIRST_S
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self.is_following = False
        self.failures = 0

    async def start(self) -> None:
        """Create missing tables, and start.

        Raises:
            asyncpg.PostgresError, OSError: the database refuses.
        """
        await self.prepare()
        self._task = asyncio.create_task(self._run())

    async def prepare(self) -> None:
        """Create missing tables; enough for queries where another process follows.

        Raises:
            asyncpg.PostgresError, OSError: the database refuses.
        """
        async with self._pool.acquire() as connection:
            await prepare(connection, self._targets)

    async def close(self) -> None:
        """Stop; a batch in progress is rolled back, and the next follower applies it."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Look for new events at once, after a commit."""
        self._awake.set()

    async def position(self, *models: Table) -> int:
        """The position that these read models show; all of them if none is named."""
        targets = [t for t in self._targets if not models or t.projection.table in models]
        reached = self._reached or await positions(self._pool, targets)
        return min(reached[target] for target in targets)

    async def wait_for(self, position: int, timeout_s: float, *models: Table) -> bool:
        """Wait until these read models show a position; whether they reached it."""
        deadline = monotonic_s() + timeout_s
        while await self.position(*models) < position:
            left_s = deadline - monotonic_s()
            if left_s <= 0:
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, ASK_EVERY_S)):
                    await self._moved.wait()
        return True

    # ---------------------------------------------------------------- the work

    async def _run(self) -> None:
        """Follow for ever; errors are logged, and retried after a pause with back-off.

        The lock is released during the pause, so that another process may follow.
        """
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 -- it must not end silently
                if self._is_closing:
                    return  # the error of a lost connection replaced the cancellation
                self._newer.note(error)
                self._log("every read model", error, self._pause_s)
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(RETRY_MAX_S, 2 * self._pause_s)

    def _log(self, whose: str, error: Exception, pause_s: float) -> None:
        """Log an error without its message, which may have values of rows."""
        if isinstance(error, asyncpg.LockNotAvailableError):
            LOG.info("follower.waits projection=%s", whose)  # a rebuild may hold it
            return
        self.failures += 1
        LOG.error(
            "follower.failed projection=%s error=%s sqlstate=%s unreadable=%s retry_in_s=%.1f",
            whose,
            type(error).__name__,
            getattr(error, "sqlstate", None),
            error.args[0] if isinstance(error, UnreadableEventError) else None,
            pause_s,
        )

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        connection = await connect(
            self._dsn,
            holder_settings(self._patience) | SETTINGS,
            self._patience,
            answer_s=self._patience.silent_s,
        )
        try:
            yield connection
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1.0)

    async def _follow(self) -> None:
        async with self._connected() as connection:
            while not await connection.fetchval(TRY_LOCK):  # noqa: ASYNC110 -- no event for it
                await asyncio.sleep(STANDBY_EVERY_S)
            self.is_following = True
            LOG.info("follower.follows")
            try:
                while True:
                    self._awake.clear()
                    if not await self._step(connection):
                        await self._rest()
            finally:
                self.is_following = False
                await self._stop_catch_ups()
                self._reached = {}

    async def _step(self, connection: Connection) -> bool:
        """Apply a page of new events for each span; whether there were any."""
        self._lagging = {target: task for target, task in self._lagging.items() if not task.done()}
        self._reached = await positions(connection, self._targets)
        head = await connection.fetchval("SELECT position FROM log_head")
        near = self._near()
        has_moved = False
        for span in spans(near, head):
            parks = self._newer.is_over(span.after)
            done = await advance(connection, span, self._events_max, parks_unknown=parks)
            self._reached |= done.reached
            has_moved |= any(position > span.after for position in done.reached.values())
            for target, error in done.failed.items():
                self._log(target.name, error, RETRY_FIRST_S)
                self._start_catch_up(target)
        if has_moved:
            self._pause_s = RETRY_FIRST_S
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        return has_moved

    async def _rest(self) -> None:
        """Wait until woken, or for the next look at the log's head."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._awake.wait()

    # ---------------------------------------------------------------- separate catch-up

    def _near(self) -> dict[Target, int]:
        """The positions of the read models that advance together; others catch up separately."""
        here = {t: p for t, p in self._reached.items() if t not in self._lagging}
        foremost = max(here.values(), default=0)
        for target, position in here.items():
            if position < foremost - LAG_MAX:
                self._start_catch_up(target)
        return {target: p for target, p in here.items() if target not in self._lagging}

    def _start_catch_up(self, target: Target) -> None:
        self._lagging[target] = asyncio.create_task(self._catch_up(target))

    async def _stop_catch_ups(self) -> None:
        tasks, self._lagging = list(self._lagging.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _catch_up(self, target: Target) -> None:
        """Bring one read model near the head, retrying with back-off."""
        pause_s, limit = RETRY_FIRST_S, self._events_max
        while True:
            await asyncio.sleep(pause_s)
            try:
                async with self._catch_ups, self._connected() as connection:
                    while await self._next_page(connection, target, limit):
                        pause_s, limit = RETRY_FIRST_S, min(self._events_max, 2 * limit)
            except Exception as error:  # noqa: BLE001 -- logged and retried
                limit = max(1, limit // 10)
                pause_s = min(RETRY_MAX_S, 2 * pause_s)
                self._log(target.name, error, pause_s)
            else:
                return

    async def _next_page(self, connection: Connection, target: Target, limit: int) -> bool:
        """Apply one read model's next page; whether it is still far behind.

        Raises:
            Exception: the error that stopped it.
        """
        after = (await positions(connection, [target]))[target]
        head: int = await connection.fetchval("SELECT position FROM log_head")
        if after >= head:
            return False
        span = Span((target,), after, head)
        done = await advance(connection, span, limit, parks_unknown=True)
        for error in done.failed.values():
            raise error
        self._reached |= done.reached
        return done.reached[target] < head - LAG_MAX


class _Newer:
    """Counts the tries to read an event of a newer release at one position."""

    def __init__(self, tries: int) -> None:
        self._tries = tries
        self._position = 0
        self._count = 0

    def note(self, error: Exception) -> None:
        """Count an error of such an event."""
        if not isinstance(error, UnreadableEventError):
            return
        (position,) = error.args
        self._count = self._count + 1 if position == self._position else 1
        self._position = position

    def is_over(self, after: int) -> bool:
        """Whether the event after a position was tried often enough."""
        return self._count >= self._tries and after < self._position
