"""How far this machine's clock is from the database's: at the start, and every minute after.

Rules go by the log's time, so that no skew makes money. But a process that is ahead takes the
log's time with it, and one that is wrong by more than a second is wrong about tokens as well.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

from asyncpg import Connection, Pool

from service.clock import LedgerClock, machine_now
from service.ledger.postgres.commit import TROUBLE
from service.runtime.readiness import ReadinessReason

LOG = logging.getLogger("gongji.clock")
SKEW_MAX_S = 1.0
EVERY_S = 60.0
READINGS = 5
CODE = "CLOCK_SKEW"
Database: TypeAlias = Pool | Connection


class ClockSkewError(Exception):
    """This machine's clock is too far from the database's to serve; the message says how far."""


async def measure(database: Database) -> float:
    """Seconds that this machine's clock is certainly ahead of the database's; below 0, behind.

    Half of the quickest answer's round trip is not certain: a slow answer proves nothing.
    """
    readings = [await _read(database) for _ in range(READINGS)]
    trip, ahead = min(readings)
    certain = max(timedelta(0), abs(ahead) - trip / 2)
    return (certain if ahead > timedelta(0) else -certain).total_seconds()


async def check_skew(database: Database) -> float:
    """Measure, and let nobody start to write who is too far off.

    Raises:
        ClockSkewError: by more than `SKEW_MAX_S`.
    """
    ahead_s = await measure(database)
    if abs(ahead_s) > SKEW_MAX_S:
        raise ClockSkewError(
            f"{CODE}: this machine's clock is {_words(ahead_s)} the database's;"
            f" at most {SKEW_MAX_S:g} s are allowed. Set both by NTP and start again."
        )
    return ahead_s


class SkewWatch:
    """Measures while a service runs, and tells readiness and a metric."""

    def __init__(self, pool: Pool, clock: LedgerClock, tell: Callable[[float], None]) -> None:
        """Watch this machine's clock against a database; `tell` takes each skew in seconds."""
        self._pool = pool
        self._clock = clock
        self._tell = tell
        self._ahead_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Measure for the first time, then go on, on the running loop.

        Raises:
            ClockSkewError: by more than `SKEW_MAX_S`.
        """
        self._take(await check_skew(self._pool))
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> None:
        """Measure again."""
        self._take(await measure(self._pool))

    def reasons(self) -> list[ReadinessReason]:
        """Why the time here is not to be trusted; none where it is."""
        found: list[ReadinessReason] = []
        if abs(self._ahead_s) > SKEW_MAX_S:
            told = f"this machine's clock is {_words(self._ahead_s)} the database's"
            found.append(ReadinessReason(CODE, told))
        waiting_s = self._clock.waits_for_log_s()
        if waiting_s > SKEW_MAX_S:
            told = f"the log's newest time is {waiting_s:.3f} s ahead; decisions stand at it"
            found.append(ReadinessReason(CODE, told))
        return found

    def _take(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s
        self._tell(ahead_s)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.once()
            except (*TROUBLE, TimeoutError) as error:
                LOG.warning("clock.not_compared %s", type(error).__name__)


async def _read(database: Database) -> tuple[timedelta, timedelta]:
    """How long the database took to tell its time, and how far we were ahead in the middle."""
    asked = machine_now()
    told = await database.fetchval("SELECT clock_timestamp()")
    trip = machine_now() - asked
    return trip, asked + trip / 2 - told


def _words(ahead_s: float) -> str:
    return f"{abs(ahead_s):.3f} s {'ahead of' if ahead_s > 0 else 'behind'}"
