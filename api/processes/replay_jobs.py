"""Replays that auditors start, each in its own child process; every process reports them."""

import asyncio
import contextlib
import logging
import sys
from typing import Any

import asyncpg
from pydantic_core import from_json

from service.clock import Clock, micros, monotonic_s, new_trace, rfc3339
from service.ledger.postgres.connect import CLOSE_S
from service.replay.jobs import Job, Jobs
from service.settings import Settings

LOG = logging.getLogger("gongji.api")
LINE_MAX = 4 * 1_048_576
"""Bytes of a child's line; the longest is a report with all its differences."""
KEEP_EVERY_S = 0.25
UNKEPT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""Errors of writing a row; the replay then counts as interrupted."""


class Replays:
    """The replays of this ledger, one of which this process may run."""

    def __init__(self, dsn: str, settings: Settings, clock: Clock, pool: asyncpg.Pool) -> None:
        self._environment = settings.for_child(dsn)
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.jobs = Jobs(dsn, pool)

    async def start(self, as_of: str | None) -> Job | None:
        """Start a replay; None while one is running in any process."""
        job = Job(f"rpl_{new_trace()}", as_of, self._now())
        lock = await self.jobs.begin(job)
        if lock is None:
            return None
        self._task = asyncio.create_task(self._run(job, lock))
        return job

    async def close(self) -> None:
        """Stop the running replay."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _now(self) -> str:
        return rfc3339(micros(self._clock()))

    async def _run(self, job: Job, lock: "asyncpg.Connection[Any]") -> None:
        try:
            await self._replay(job)
            job.status = "failed" if job.report is None else "done"
        except ValueError:
            LOG.exception("replay.unreadable")
            job.status = "failed"
        except asyncio.CancelledError:
            job.status = "interrupted"
            raise
        finally:
            job.ended_at = self._now()
            with contextlib.suppress(*UNKEPT):
                async with asyncio.timeout(CLOSE_S):
                    await self.jobs.keep(job)
            with contextlib.suppress(*UNKEPT):
                await lock.close(timeout=CLOSE_S)

    async def _replay(self, job: Job) -> None:
        as_of = ("--as-of", job.as_of) if job.as_of is not None else ()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api", "replay", "--json", *as_of),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            limit=LINE_MAX,
            start_new_session=True,
        )
        try:
            await self._follow(child, job)
        finally:
            if child.returncode is None:
                child.terminate()
            await child.wait()

    async def _follow(self, child: asyncio.subprocess.Process, job: Job) -> None:
        """Read a child's progress and report, line by line, until its end."""
        assert child.stdout is not None, "its output is a pipe"
        kept_at = monotonic_s()
        async for line in child.stdout:
            message = from_json(line)
            if "report" in message:
                job.report = message["report"]
            else:
                job.done, job.total = message["done"], message["of"]
            if monotonic_s() - kept_at > KEEP_EVERY_S:
                kept_at = monotonic_s()
                with contextlib.suppress(*UNKEPT):
                    await self.jobs.keep(job)
        await child.wait()
