"""Measures the skew of this machine's clock from the database's: at the start and every minute.

Rules use the log's time, so skew moves no money. But a process that is ahead advances the log's
time, and one that is off by more than a second also misjudges tokens.
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
    """This machine's clock differs too much from the database's; the message says by how much."""


async def measure(database: Database) -> float:
    """Seconds that this machine's clock is at least ahead of the database's; below 0, behind.

    Half of the quickest round trip is uncertain and subtracted.
    """
    readings = [await _read(database) for _ in range(READINGS)]
    trip, ahead = min(readings)
    certain_s = max(0.0, (abs(ahead) - trip / 2).total_seconds())
    return certain_s if ahead > timedelta(0) else -certain_s


async def check_skew(database: Database) -> float:
    """Measure the skew before a process starts to write.

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
    """Measures while a service runs, for readiness and a metric."""

    def __init__(self, pool: Pool, clock: LedgerClock, on_skew: Callable[[float], None]) -> None:
        """Compare this machine's clock with a database; `on_skew` gets each skew in seconds."""
        self._pool = pool
        self._clock = clock
        self._on_skew = on_skew
        self._ahead_s = 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Measure once, then every minute, on the running loop.

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
        """Why this process's time is wrong; empty if it is right."""
        reasons: list[ReadinessReason] = []
        if abs(self._ahead_s) > SKEW_MAX_S:
            detail = f"this machine's clock is {_words(self._ahead_s)} the database's"
            reasons.append(ReadinessReason(CODE, detail))
        waiting_s = self._clock.waits_for_log_s()
        if waiting_s > SKEW_MAX_S:
            detail = f"the log's newest time is {waiting_s:.3f} s ahead; decisions use it"
            reasons.append(ReadinessReason(CODE, detail))
        return reasons

    def _take(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s
        self._on_skew(ahead_s)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.once()
            except (*TROUBLE, TimeoutError) as error:
                LOG.warning("clock.not_compared %s", type(error).__name__)


async def _read(database: Database) -> tuple[timedelta, timedelta]:
    """The round trip of a query of the database's time, and the skew in its middle."""
    before = machine_now()
    time = await database.fetchval("SELECT clock_timestamp()")
    trip = machine_now() - before
    return trip, before + trip / 2 - time


def _words(ahead_s: float) -> str:
    return f"{abs(ahead_s):.3f} s {'ahead of' if ahead_s > 0 else 'behind'}"
