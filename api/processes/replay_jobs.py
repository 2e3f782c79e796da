"""Replays and rehearsals, each in its own child process; every process reports them."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import asyncpg
from pydantic_core import from_json, to_json

from service.clock import Clock, micros, monotonic_s, new_trace, rfc3339
from service.ledger.postgres.connect import CLOSE_S
from service.rehearsal.draft import read_draft
from service.rehearsal.run import RehearsalRequest
from service.replay.jobs import REHEARSALS, REPLAYS, Job, Jobs, Work
from service.settings import Settings

LOG = logging.getLogger("gongji.api")
LINE_MAX = 4 * 1_048_576
"""Bytes of a child's line; the longest is a report with all its differences."""
KEEP_EVERY_S = 0.25
UNKEPT = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""Errors of writing a row; the replay then counts as interrupted."""


class Ledger(NamedTuple):
    """Where long work is done: the database, the settings of its process, its clock and rows."""

    dsn: str
    settings: Settings
    clock: Clock
    pool: asyncpg.Pool


class ChildJobs:
    """The work of one kind on this ledger, one of which this process may run."""

    def __init__(self, ledger: Ledger, work: Work, prefix: str) -> None:
        """`prefix` begins the ids of this kind."""
        self._environment = ledger.settings.for_child(ledger.dsn)
        self._clock = ledger.clock
        self._prefix = prefix
        self._task: asyncio.Task[None] | None = None
        self.jobs = Jobs(ledger.dsn, ledger.pool, work)

    async def begin(self, asked: str | None, words: Sequence[str], text: str = "") -> Job | None:
        """Start a command of ours with `text` as its input; None while one runs in any process."""
        job = Job(f"{self._prefix}_{new_trace()}", asked, self._now())
        lock = await self.jobs.begin(job)
        if lock is None:
            return None
        self._task = asyncio.create_task(self._run(job, lock, words, text.encode()))
        return job

    async def close(self) -> None:
        """Stop the running work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _now(self) -> str:
        return rfc3339(micros(self._clock()))

    async def _run(
        self, job: Job, lock: "asyncpg.Connection[Any]", words: Sequence[str], text: bytes
    ) -> None:
        try:
            await self._work(job, words, text)
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

    async def _work(self, job: Job, words: Sequence[str], text: bytes) -> None:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api", *words),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=self._environment,
            limit=LINE_MAX,
            start_new_session=True,
        )
        try:
            await _tell(child, text)
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
            elif "done" in message:
                job.done, job.total = message["done"], message["of"]
            if monotonic_s() - kept_at > KEEP_EVERY_S:
                kept_at = monotonic_s()
                with contextlib.suppress(*UNKEPT):
                    await self.jobs.keep(job)
        await child.wait()


class Replays(ChildJobs):
    """The replays of this ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, REPLAYS, "rpl")

    async def start(self, as_of: str | None) -> Job | None:
        """Start a replay; None while one is running in any process."""
        until = ("--as-of", as_of) if as_of is not None else ()
        return await self.begin(as_of, ("replay", "--json", *until))


class Rehearsals(ChildJobs):
    """The rehearsals of this ledger."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, REHEARSALS, "reh")
        self._regions = ledger.settings.regions

    async def start(self, request: RehearsalRequest) -> Job | None:
        """Start a rehearsal; None while one is running in any process.

        Raises:
            PolicyFilesError: the draft is unsound.
        """
        draft = await asyncio.to_thread(read_draft, self._regions, request.draft, {})
        days = {
            "--from": None if request.from_on is None else request.from_on.isoformat(),
            "--to": None if request.to_on is None else request.to_on.isoformat(),
            "--region": request.region,
        }
        words = [word for name, value in days.items() if value for word in (name, value)]
        asked = {"code": draft.code} | {name[2:]: value for name, value in days.items()}
        return await self.begin(
            to_json(asked).decode(), ("policy", "rehearse", "-", "--json", *words), request.draft
        )


async def _tell(child: asyncio.subprocess.Process, text: bytes) -> None:
    """Write a child's input and close it."""
    assert child.stdin is not None, "its input is a pipe"
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(text)
        await child.stdin.drain()
    child.stdin.close()
