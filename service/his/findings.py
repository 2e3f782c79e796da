"""What institutions' messages were like: counts by transaction, kind and field name.

No value of a message is kept. The counts wait in memory and are written in batches by a task of
their own, so that no message waits for them. What does not fit, or cannot be written, is dropped
and counted.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg
from asyncpg import Pool

WRITE_EVERY_S = 1.0
WRITE_MAX_S = 5.0
"""Seconds that a batch may take; it is dropped then."""
KIND_MAX = 200
"""Rows of one kind for one institution: names of unknown fields come from strangers."""
TOTAL_MAX = 200_000
WAITING_MAX = 20_000
"""Rows in the table, and rows that wait in memory."""
LIFETIME = timedelta(days=90)
SWEEP_EVERY = 1000
"""Batches after which rows are deleted that are older than `LIFETIME`."""
MESSAGE = "message"
"""The kind that counts every message."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('gongji.fsi_findings'), hashtext(current_schema()))"
STORE = """
    WITH sent AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[],
                             $6::timestamptz[])
            AS s (institution, infno, kind, place, messages, last_at)
    ), kept AS (
        UPDATE fsi_findings f
           SET messages = f.messages + s.messages, last_at = greatest(f.last_at, s.last_at)
          FROM sent s
         WHERE (f.institution, f.infno, f.kind, f.place)
               = (s.institution, s.infno, s.kind, s.place)
        RETURNING f.institution, f.infno, f.kind, f.place
    ), fresh AS (
        SELECT s.*, row_number() OVER () AS nth,
               row_number() OVER (PARTITION BY s.institution, s.kind) AS nth_of_kind
          FROM sent s
         WHERE (s.institution, s.infno, s.kind, s.place) NOT IN (SELECT * FROM kept)
    ), used AS (
        SELECT institution, kind, count(*) AS rows FROM fsi_findings
         WHERE institution = ANY ($1) GROUP BY institution, kind
    ), put AS (
        INSERT INTO fsi_findings
        SELECT institution, infno, kind, place, messages, last_at
          FROM fresh LEFT JOIN used USING (institution, kind)
         WHERE nth_of_kind + coalesce(rows, 0) <= $7
           AND nth + (SELECT count(*) FROM fsi_findings WHERE EXISTS (SELECT FROM fresh)) <= $8
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM fresh) - (SELECT count(*) FROM put)
"""
SWEEP = "DELETE FROM fsi_findings WHERE last_at < now() - $1::interval"
OF = """
    SELECT infno, kind, place, messages, last_at FROM fsi_findings
     WHERE institution = $1 AND last_at >= $2 ORDER BY infno, kind, place
"""
UNKEPT = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class FindingKey(NamedTuple):
    """A row's key. `place` is a node and a field, or empty."""

    institution: str
    infno: str
    kind: str
    place: str


class FindingCount(NamedTuple):
    """How many messages of a transaction showed something, and when one last did."""

    infno: str
    kind: str
    place: str
    messages: int
    last_at: datetime


class FindingsBook:
    """The findings of this process until they are written; without a database they stay here."""

    def __init__(self, pool: Pool | None, on_dropped: Callable[[int], None]) -> None:
        """`on_dropped` is told how many rows were dropped."""
        self._pool = pool
        self._on_dropped = on_dropped
        self._waiting: dict[FindingKey, tuple[int, datetime]] = {}
        self._of_kind: Counter[tuple[str, str]] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._batches = 0

    def add(
        self, institution: str, infno: str, found: Iterable[tuple[str, str]], at: datetime
    ) -> None:
        """Count kinds and places that one message showed. Never waits, raises nothing."""
        for kind, place in found:
            key, owner = FindingKey(institution, infno, kind, place), (institution, kind)
            if key not in self._waiting:
                if len(self._waiting) >= WAITING_MAX or self._of_kind[owner] >= KIND_MAX:
                    self._on_dropped(1)
                    continue
                self._of_kind[owner] += 1
            self._waiting[key] = (self._waiting.get(key, (0, at))[0] + 1, at)
        if self._pool is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._write_later())

    async def _write_later(self) -> None:
        await asyncio.sleep(WRITE_EVERY_S)
        await self.write()

    async def write(self) -> None:
        """Write what waits; drop it if that fails."""
        if self._pool is None or not self._waiting:
            return
        rows = [(*key, *seen) for key, seen in self._waiting.items()]
        self._waiting, self._of_kind = {}, Counter()
        try:
            async with asyncio.timeout(WRITE_MAX_S):
                await self._write(self._pool, rows)
        except UNKEPT:
            self._on_dropped(len(rows))

    async def _write(self, pool: Pool, rows: Sequence[tuple[object, ...]]) -> None:
        columns = [list(column) for column in zip(*rows, strict=True)]
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK)
            left: int = await connection.fetchval(STORE, *columns, KIND_MAX, TOTAL_MAX)
            if self._batches % SWEEP_EVERY == 0:
                await connection.execute(SWEEP, LIFETIME)
        self._batches += 1
        if left:
            self._on_dropped(left)

    async def of(self, institution: str, since: datetime) -> list[FindingCount]:
        """An institution's findings that were seen last at `since` or later."""
        await self.write()
        if self._pool is not None:
            return await findings_of(self._pool, institution, since)
        rows = sorted(self._waiting.items())
        return [
            FindingCount(*key[1:], *seen)
            for key, seen in rows
            if key.institution == institution and seen[1] >= since
        ]

    async def close(self) -> None:
        """Write what waits, and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.write()


async def findings_of(pool: Pool, institution: str, since: datetime) -> list[FindingCount]:
    """An institution's written findings that were seen last at `since` or later."""
    return [FindingCount(*row) for row in await pool.fetch(OF, institution, since)]
