"""Replays that auditors start: each in a child process of its own, told by every process."""

import asyncio
import contextlib
import logging
import os
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
"""Bytes of a child's line: a report with all the differences that it keeps."""
TOLD_EVERY_S = 0.25
UNKEPT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What keeps a row from being written; who asks then learns that it was interrupted."""


class Replays:
    """The replays of this ledger, and the one that this process runs."""

    def __init__(self, dsn: str, settings: Settings, clock: Clock, pool: asyncpg.Pool) -> None:
        """Replay this database, with these keys."""
        self._environment = {
            "GONGJI_DATABASE_URL": dsn,
            "GONGJI_DATA": str(settings.data),
            "GONGJI_KEY_FILE": str(settings.key_file),
        }
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.jobs = Jobs(dsn, pool)

    async def start(self, as_of: str | None) -> Job | None:
        """Begin one; None while one is under way, here or elsewhere."""
        job = Job(f"rpl_{new_trace()}", as_of, self._now())
        held = await self.jobs.begin(job)
        if held is None:
            return None
        self._task = asyncio.create_task(self._run(job, held))
        return job

    async def close(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _now(self) -> str:
        return rfc3339(micros(self._clock()))

    async def _run(self, job: Job, held: "asyncpg.Connection[Any]") -> None:
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
                await held.close(timeout=CLOSE_S)

    async def _replay(self, job: Job) -> None:
        as_of = ("--as-of", job.as_of) if job.as_of is not None else ()
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api", "replay", "--json", *as_of),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **self._environment},
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
        """Read what a child tells, line by line, until its end."""
        assert child.stdout is not None, "its output is a pipe"
        told_at = monotonic_s()
        async for line in child.stdout:
            told = from_json(line)
            if "report" in told:
                job.report = told["report"]
            else:
                job.done, job.total = told["done"], told["of"]
            if monotonic_s() - told_at > TOLD_EVERY_S:
                told_at = monotonic_s()
                with contextlib.suppress(*UNKEPT):
                    await self.jobs.keep(job)
        await child.wait()
