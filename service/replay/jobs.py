"""Long work that auditors start, stored as rows that every process can read. One runs at a time.

Replays and rehearsals are such work, each in a table of its own.

The process that runs one holds an advisory lock on its own connection until the row has the end.
A row that says `running` while nobody holds the lock was interrupted: its process is gone.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
from msgspec import json

from service.ledger.postgres.connect import DEFAULT, connect
from service.ledger.postgres.roles import WRITER

KEPT_MAX = 100
"""Rows of a table that are kept; the oldest are deleted."""
SETTINGS = {
    "role": WRITER,
    "application_name": "gongji-replay",
    "idle_session_timeout": "0",
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('{lock}'), hashtext(current_schema()))"
IS_LOCKED = """
    SELECT EXISTS (
        SELECT FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 2 AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND classid::bigint = hashtext('{lock}')::bigint & 4294967295
           AND objid::bigint = hashtext(current_schema())::bigint & 4294967295)
"""
FIND = """
    SELECT id, as_of, started_at, status, ended_at, done, total, report
      FROM {table} WHERE id = $1
"""
RUNNING = "SELECT id FROM {table} WHERE status = 'running' ORDER BY number DESC LIMIT 1"
ORPHANED = "UPDATE {table} SET status = 'interrupted' WHERE status = 'running'"
ADD = "INSERT INTO {table} (id, as_of, started_at, status, done, total) VALUES ($1,$2,$3,$4,0,0)"
FORGET = "DELETE FROM {table} WHERE number <= (SELECT max(number) FROM {table}) - $1"
KEEP = """
    UPDATE {table} SET status = $2, ended_at = $3, done = $4, total = $5, report = $6
     WHERE id = $1
"""


@dataclass(slots=True)
class Job:
    """A running or ended piece of work; times in RFC 3339, `report` once it is done.

    `as_of` is the end of a replay, or what a rehearsal was asked for.
    """

    id: str
    as_of: str | None
    started_at: str
    status: str = "running"
    ended_at: str | None = None
    done: int = 0
    total: int = 0
    report: dict[str, Any] | None = None


class Work(NamedTuple):
    """A kind of long work: its table, and the name of its lock."""

    table: str
    lock: str


REPLAYS = Work("replays", "gongji.replay")
REHEARSALS = Work("rehearsals", "gongji.rehearsal")


class Jobs:
    """The replays or rehearsals of a ledger."""

    def __init__(self, dsn: str, pool: asyncpg.Pool, work: Work = REPLAYS) -> None:
        self._dsn = dsn
        self._pool = pool
        self._work = work._asdict()

    async def begin(self, job: Job) -> "asyncpg.Connection[Any] | None":
        """Store a replay and take the lock; None while another one runs.

        The caller closes the returned connection, which has the lock, after the replay's end.
        """
        lock = await connect(self._dsn, SETTINGS, answer_s=DEFAULT.silent_s)
        if not await lock.fetchval(TRY_LOCK.format_map(self._work)):
            await lock.close()
            return None
        async with lock.transaction():
            await lock.execute(ORPHANED.format_map(self._work))
            await lock.execute(
                ADD.format_map(self._work), job.id, job.as_of, job.started_at, job.status
            )
            await lock.execute(FORGET.format_map(self._work), KEPT_MAX)
        return lock

    async def keep(self, job: Job) -> None:
        """Store the progress of a replay, and its report once it has ended."""
        report = None if job.report is None else json.encode(job.report).decode()
        await self._pool.execute(
            KEEP.format_map(self._work),
            job.id,
            job.status,
            job.ended_at,
            job.done,
            job.total,
            report,
        )

    async def find(self, job_id: str) -> Job | None:
        """A replay of any process; `interrupted` if that is gone."""
        job = await self._read(job_id)
        if job is not None and job.status == "running" and not await self._is_held():
            job = await self._read(job_id)  # it may have ended since
            if job is not None and job.status == "running":
                job.status = "interrupted"
        return job

    async def running(self) -> str | None:
        """The id of the running replay."""
        job_id: str | None = await self._pool.fetchval(RUNNING.format_map(self._work))
        return job_id

    async def _is_held(self) -> bool:
        return bool(await self._pool.fetchval(IS_LOCKED.format_map(self._work)))

    async def _read(self, job_id: str) -> Job | None:
        row = await self._pool.fetchrow(FIND.format_map(self._work), job_id)
        if row is None:
            return None
        report = row["report"]
        return Job(**dict(row) | {"report": None if report is None else json.decode(report)})
