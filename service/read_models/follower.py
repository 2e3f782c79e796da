"""Keep the read models up with the log, in one process at a time.

Who follows holds an advisory lock on a connection of its own, on which it also writes: when
that connection dies, so do the lock and the batch. The others try for the lock every second.
What a crash of the database may take from a follower it takes whole, so it does not wait for
the disk: the log is the truth, and a batch is applied again.

A read model that fails, or that is far behind, goes on apart: in a task and on a connection of
its own, until it is near the others again. They do not wait for it.
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
APART_BEHIND = EVENTS_MAX
"""Events behind the foremost from which on a read model goes on apart."""
LANES_MAX = 4
"""Connections of those that go on apart, at once."""
NEWER_TRIES = 8
"""How often an event of a newer release is left to another process, before it is parked here.

The pauses between add up to half a minute; whoever wrote the event tries for the lock each second.
"""
SETTINGS = {
    "role": WRITER,
    "synchronous_commit": "off",
    "jit": "off",
    "application_name": "gongji-follow",
    "lock_timeout": "2s",  # the others wait for a read model whose table is locked
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
        newer_tries: int = NEWER_TRIES,
        patience: Patience = DEFAULT,
    ) -> None:
        """Follow into the targets; `pool` is for questions."""
        self._dsn = dsn
        self._patience = patience
        self._pool = pool
        self._targets = targets
        self._events_max = events_max
        self._newer = _Newer(newer_tries)
        self._awake = asyncio.Event()
        self._moved = asyncio.Event()
        self._reached: dict[Target, int] = {}
        self._apart: dict[Target, asyncio.Task[None]] = {}
        self._lanes = asyncio.Semaphore(LANES_MAX)
        self._pause_s = RETRY_FIRST_S
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
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
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Something was committed here: look at once."""
        self._awake.set()

    async def position(self, *models: Table) -> int:
        """Up to where read models show the log, whichever process follows; of none named, all."""
        targets = [t for t in self._targets if not models or t.projection.table in models]
        reached = self._reached or await positions(self._pool, targets)
        return min(reached[target] for target in targets)

    async def wait_for(self, position: int, timeout_s: float, *models: Table) -> bool:
        """Wait until read models show the log up to a position; whether they came to that."""
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
        """Follow for ever; whatever goes wrong is told, and tried again after a pause.

        The lock is let go meanwhile: another process may be able to go on.
        """
        while True:
            try:
                await self._follow()
            except Exception as error:  # noqa: BLE001 -- a follower that dies is a silent one
                if self._is_closing:
                    return  # a rollback on a connection that is gone took the cancellation's place
                self._newer.note(error)
                self._tell("every read model", error, self._pause_s)
            await asyncio.sleep(self._pause_s)
            self._pause_s = min(RETRY_MAX_S, 2 * self._pause_s)

    def _tell(self, whose: str, error: Exception, pause_s: float) -> None:
        """Tell what went wrong without its words: they may hold values of rows."""
        if isinstance(error, asyncpg.LockNotAvailableError):
            LOG.info("follower.waits projection=%s", whose)  # a rebuild, for one, holds it
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
            while not await connection.fetchval(TRY_LOCK):  # noqa: ASYNC110 -- nobody tells us
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
                await self._end_apart()
                self._reached = {}

    async def _step(self, connection: Connection) -> bool:
        """Apply what is new, a page for each group of read models; whether there was any."""
        self._apart = {target: task for target, task in self._apart.items() if not task.done()}
        self._reached = await positions(connection, self._targets)
        head = await connection.fetchval("SELECT position FROM log_head")
        together = self._near()
        has_moved = False
        for span in spans(together, head):
            is_over = self._newer.is_over(span.after)
            done = await advance(connection, span, self._events_max, parks_unknown=is_over)
            self._reached |= done.reached
            has_moved |= any(position > span.after for position in done.reached.values())
            for target, error in done.failed.items():
                self._tell(target.name, error, RETRY_FIRST_S)
                self._set_apart(target)
        if has_moved:
            self._pause_s = RETRY_FIRST_S
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()
        return has_moved

    async def _rest(self) -> None:
        """Wait to be woken, or for the next look at the log's head."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._awake.wait()

    # ---------------------------------------------------------------- apart from the others

    def _near(self) -> dict[Target, int]:
        """Where those are that go on together; who is far behind them goes on apart."""
        here = {t: p for t, p in self._reached.items() if t not in self._apart}
        foremost = max(here.values(), default=0)
        for target, position in here.items():
            if position < foremost - APART_BEHIND:
                self._set_apart(target)
        return {target: p for target, p in here.items() if target not in self._apart}

    def _set_apart(self, target: Target) -> None:
        self._apart[target] = asyncio.create_task(self._catch_up(target))

    async def _end_apart(self) -> None:
        tasks, self._apart = list(self._apart.values()), {}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _catch_up(self, target: Target) -> None:
        """Bring one read model near the head, however often that fails."""
        pause_s, limit = RETRY_FIRST_S, self._events_max
        while True:
            await asyncio.sleep(pause_s)
            try:
                async with self._lanes, self._connected() as connection:
                    while await self._go_on(connection, target, limit):
                        pause_s, limit = RETRY_FIRST_S, min(self._events_max, 2 * limit)
            except Exception as error:  # noqa: BLE001 -- told, and tried again
                limit = max(1, limit // 10)
                pause_s = min(RETRY_MAX_S, 2 * pause_s)
                self._tell(target.name, error, pause_s)
            else:
                return

    async def _go_on(self, connection: Connection, target: Target, limit: int) -> bool:
        """Apply one read model's next page; whether it is still far behind.

        Raises:
            Exception: what kept it from going on.
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
        return done.reached[target] < head - APART_BEHIND


class _Newer:
    """How often an event of a newer release was met at one position."""

    def __init__(self, tries: int) -> None:
        self._tries = tries
        self._position = 0
        self._met = 0

    def note(self, error: Exception) -> None:
        """Count an error, if it is such an event."""
        if not isinstance(error, UnreadableEventError):
            return
        (position,) = error.args
        self._met = self._met + 1 if position == self._position else 1
        self._position = position

    def is_over(self, after: int) -> bool:
        """Whether the one behind a position was met often enough, and nobody could read it."""
        return self._met >= self._tries and after < self._position
