"""Replays that auditors asked for, as rows that every process can tell. One runs at a time.

Who runs one holds an advisory lock on a connection of its own until the row says how it ended.
A row that says `running` while nobody holds the lock was interrupted: its process is gone.
"""

from dataclasses import dataclass
from typing import Any

import asyncpg
from msgspec import json

from service.ledger.postgres.connect import DEFAULT, connect
from service.ledger.postgres.roles import WRITER

KEPT_MAX = 100
"""Replays remembered; the oldest are forgotten first."""
SETTINGS = {
    "role": WRITER,
    "application_name": "gongji-replay",
    "idle_session_timeout": "0",
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.replay'), hashtext(current_schema()))"
IS_LOCKED = """
    SELECT EXISTS (
        SELECT FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 2 AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND classid::bigint = hashtext('gongji.replay')::bigint & 4294967295
           AND objid::bigint = hashtext(current_schema())::bigint & 4294967295)
"""
FIND = """
    SELECT id, as_of, started_at, status, ended_at, done, total, report
      FROM replays WHERE id = $1
"""
RUNNING = "SELECT id FROM replays WHERE status = 'running' ORDER BY number DESC LIMIT 1"
ORPHANED = "UPDATE replays SET status = 'interrupted' WHERE status = 'running'"
ADD = "INSERT INTO replays (id, as_of, started_at, status, done, total) VALUES ($1,$2,$3,$4,0,0)"
FORGET = "DELETE FROM replays WHERE number <= (SELECT max(number) FROM replays) - $1"
KEEP = """
    UPDATE replays SET status = $2, ended_at = $3, done = $4, total = $5, report = $6
     WHERE id = $1
"""


@dataclass(slots=True)
class Job:
    """A replay under way or over; times as they are told, `report` once it is done."""

    id: str
    as_of: str | None
    started_at: str
    status: str = "running"
    ended_at: str | None = None
    done: int = 0
    total: int = 0
    report: dict[str, Any] | None = None


class Jobs:
    """The replays of a ledger."""

    def __init__(self, dsn: str, pool: asyncpg.Pool) -> None:
        """Keep them in this database."""
        self._dsn = dsn
        self._pool = pool

    async def begin(self, job: Job) -> "asyncpg.Connection[Any] | None":
        """Write a replay down and hold the lock for it; None while another one runs.

        Close what is returned once the row says how it ended.
        """
        held: asyncpg.Connection[Any] = await connect(
            self._dsn, SETTINGS, answer_s=DEFAULT.silent_s
        )
        if not await held.fetchval(TRY_LOCK):
            await held.close()
            return None
        async with held.transaction():
            await held.execute(ORPHANED)
            await held.execute(ADD, job.id, job.as_of, job.started_at, job.status)
            await held.execute(FORGET, KEPT_MAX)
        return held

    async def keep(self, job: Job) -> None:
        """Write down how far a replay is, and once it is over what it found."""
        report = None if job.report is None else json.encode(job.report).decode()
        await self._pool.execute(
            KEEP, job.id, job.status, job.ended_at, job.done, job.total, report
        )

    async def find(self, job_id: str) -> Job | None:
        """A replay of whichever process; `interrupted` where that is gone."""
        job = await self._read(job_id)
        if job is not None and job.status == "running" and not await self._is_held():
            job = await self._read(job_id)  # it may have ended since
            if job is not None and job.status == "running":
                job.status = "interrupted"
        return job

    async def running(self) -> str | None:
        """The id of the one that runs."""
        found: str | None = await self._pool.fetchval(RUNNING)
        return found

    async def _is_held(self) -> bool:
        return bool(await self._pool.fetchval(IS_LOCKED))

    async def _read(self, job_id: str) -> Job | None:
        row = await self._pool.fetchrow(FIND, job_id)
        if row is None:
            return None
        report = row["report"]
        return Job(**dict(row) | {"report": None if report is None else json.decode(report)})
