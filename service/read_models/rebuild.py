"""Make read models again from the first event, beside the live ones, and put them in place.

The live follower goes on meanwhile. A rebuild that was interrupted leaves tables nobody reads;
the next one drops them and begins anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar

import asyncpg

from projections.kit.table import Connection
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import WRITER, as_projector
from service.read_models.parking import Parked, forget, parked, take_over
from service.read_models.projector import (
    LIVE,
    LOCK,
    Span,
    Target,
    advance,
    positions,
    prepare,
    spans,
)
from service.runtime.progress import Progress, silent

EVENTS_MAX = 5000
SWITCHES_MAX = 30
SWITCH_AGAIN_S = 1.0
SETTINGS = {
    "role": WRITER,
    "synchronous_commit": "off",
    "jit": "off",
    "application_name": "gongji-rebuild",
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.rebuild'), hashtext(current_schema()))"
HOLD = "SELECT FROM follower_positions WHERE follower = ANY ($1) ORDER BY follower FOR UPDATE"
INDEXES = "SELECT indexrelid::regclass::text AS name FROM pg_index WHERE indrelid = $1::regclass"
NAMES = tuple(target.projection.table.name for target in LIVE)


class RebuildRunningError(Exception):
    """Another rebuild is at work on this ledger."""


class LogCutError(Exception):
    """The log ends before a position that its head, or a read model, has reached."""


class Rebuilt(NamedTuple):
    """How many events were read, how many rows each table has, and what stays parked."""

    events: int
    rows: dict[str, int]
    parked: list[Parked]


class RebuildCheck(NamedTuple):
    """Rows that differ, by table, and what the tables that were made anew could not take."""

    differing: dict[str, int]
    parked: list[Parked]


class Pair(NamedTuple):
    """A read model as it is asked, and the one that is made beside it."""

    live: Target
    made: Target


T = TypeVar("T")
Last = Callable[[Connection, Sequence[Pair], int], Awaitable[T]]
"""The last thing, done at a position while no follower can move."""


async def rebuild(dsn: str, names: Iterable[str] = NAMES, progress: Progress = silent) -> Rebuilt:
    """Build read models anew from the log and put them in place of the live ones.

    Every event is tried again, those too that the live ones parked.

    Raises:
        KeyError: no such read model; RebuildRunningError: one at a time;
        LogCutError: events at the log's end are missing, and nothing was put in place;
        asyncpg.LockNotAvailableError: readers never let go of a live table.
    """
    async with _beside(dsn, names, progress) as (connection, pairs):
        events, _ = await _locked(connection, pairs, _switch)
        rows = {
            table: await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 -- ours
            for live, _ in pairs
            for table in _tables(live)
        }
        left_out = await parked(connection, [live.name for live, _ in pairs])
    return Rebuilt(events, rows, left_out)


async def check(
    dsn: str, names: Iterable[str] = NAMES, progress: Progress = silent
) -> RebuildCheck:
    """Build read models anew beside the live ones and compare.

    Raises:
        As `rebuild`.
    """
    async with _beside(dsn, names, progress) as (connection, pairs):
        _, checked = await _locked(connection, pairs, _compare)
    return checked


async def compare(connection: Connection, live: str, rebuilt: str) -> int:
    """How many rows one of two tables has and the other has not."""
    differing: int = await connection.fetchval(
        f"SELECT count(*) FROM ((TABLE {live} EXCEPT ALL TABLE {rebuilt})"  # noqa: S608 -- ours
        f" UNION ALL (TABLE {rebuilt} EXCEPT ALL TABLE {live})) AS differing"
    )
    return differing


# ------------------------------------------------------------------ beside the live one


@asynccontextmanager
async def _beside(
    dsn: str, names: Iterable[str], progress: Progress
) -> AsyncIterator[tuple[Connection, list[Pair]]]:
    """Read models built from the first event up to the head, ready to take their places."""
    live = {target.projection.table.name: target for target in LIVE}
    chosen = [live[name] for name in names]
    pairs = [Pair(target, Target(target.projection, f"{target.name}_next")) for target in chosen]
    connection = await connect(dsn, SETTINGS)
    try:
        if not await connection.fetchval(TRY_LOCK):
            raise RebuildRunningError
        made = [pair.made for pair in pairs]
        await _drop(connection, made)
        await prepare(connection, (*chosen, *made))
        await _catch_up(connection, made, progress)
        yield connection, pairs
    finally:
        await connection.close()


async def _catch_up(connection: Connection, made: Sequence[Target], progress: Progress) -> None:
    position, head = 0, 1
    while position < head:
        head = await connection.fetchval("SELECT position FROM log_head")
        progress(position, head)
        if position < head:
            position = await _forward(connection, Span(tuple(made), position, head))
    progress(position, head)


async def _forward(connection: Connection, span: Span) -> int:
    """Apply the next events to read models that nobody else can move; the position reached.

    Raises:
        LogCutError: there are none; asyncpg.PostgresError, OSError: the database is in trouble.
    """
    done = await advance(connection, span, EVENTS_MAX, parks_unknown=True)
    for error in done.failed.values():
        raise error
    reached = min(done.reached.values())
    if reached == span.after:
        raise LogCutError(f"the log ends at position {reached}; there was a position {span.upto}")
    return reached


async def _drop(connection: Connection, made: Sequence[Target]) -> None:
    for target in made:
        async with connection.transaction(), as_projector(connection):
            await connection.execute(f"DROP TABLE IF EXISTS {', '.join(_tables(target))}")
        await connection.execute(
            "DELETE FROM follower_positions WHERE follower = $1", target.follower
        )
        await forget(connection, [target.name])


def _tables(target: Target) -> list[str]:
    return [target.name + part for part in target.projection.table.parts]


# ------------------------------------------------------------------ in place of the live one


async def _locked(connection: Connection, pairs: Sequence[Pair], last: Last[T]) -> tuple[int, T]:
    """Do the last thing while no follower can move; the position reached, and what it gave.

    A reader who holds a live table is not waited for long: whoever came after him would wait
    too.
    """
    everybody = [target for pair in pairs for target in pair]
    for attempt in range(1, SWITCHES_MAX + 1):
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '2s'")
                await connection.execute(LOCK)
                await connection.execute(HOLD, [target.follower for target in everybody])
                goal = max((await positions(connection, everybody)).values(), default=0)
                done = await last(connection, pairs, goal)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == SWITCHES_MAX:
                raise
            await asyncio.sleep(SWITCH_AGAIN_S)
        else:
            return goal, done
    raise AssertionError("the last attempt returns or raises")


async def _level(connection: Connection, targets: Iterable[Target], goal: int) -> None:
    """Bring read models that nobody else can move to one position."""
    for target in targets:
        while todo := spans(await positions(connection, [target]), goal):
            await _forward(connection, todo[0])


async def _compare(connection: Connection, pairs: Sequence[Pair], goal: int) -> RebuildCheck:
    """Catch up the last events of both sides, hold them together, and drop the new ones."""
    await _level(connection, [target for pair in pairs for target in pair], goal)
    differing = {
        one: await compare(connection, one, other)
        for live, made in pairs
        for one, other in zip(_tables(live), _tables(made), strict=True)
    }
    left_out = [
        each._replace(projection=live.name)
        for live, made in pairs
        for each in await parked(connection, [made.name])
    ]
    await _drop(connection, [made for _, made in pairs])
    return RebuildCheck(differing, left_out)


async def _switch(connection: Connection, pairs: Sequence[Pair], goal: int) -> None:
    """Catch up the last events, drop the old tables, and give the new ones their names."""
    await _level(connection, [made for _, made in pairs], goal)
    for live, made in pairs:
        async with as_projector(connection):
            await _take_place(connection, live, made)
        await connection.execute(
            "UPDATE follower_positions SET position = $2 WHERE follower = $1", live.follower, goal
        )
        await connection.execute(
            "DELETE FROM follower_positions WHERE follower = $1", made.follower
        )
        await take_over(connection, made.name, live.name)


async def _take_place(connection: Connection, live: Target, made: Target) -> None:
    """Drop a read model's old tables, and give the new ones their names."""
    await connection.execute(f"DROP TABLE {', '.join(_tables(live))}")
    for new, name in zip(_tables(made), _tables(live), strict=True):
        await connection.execute(f"ALTER TABLE {new} RENAME TO {name}")
        for index in await connection.fetch(INDEXES, name):
            renamed = index["name"].replace(made.name, live.name, 1)
            await connection.execute(f"ALTER INDEX {index['name']} RENAME TO {renamed}")
