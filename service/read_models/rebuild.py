"""Rebuilds read models from the first event beside the live ones, and replaces these.

The follower of the live ones goes on meanwhile. An interrupted rebuild leaves unused tables, which
the next one drops.
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
    """Another rebuild of this ledger is running."""


class LogCutError(Exception):
    """The log ends before the position of its head or of a read model."""


class Rebuilt(NamedTuple):
    """The number of events read, the rows of each table, and the events that stay parked."""

    events: int
    rows: dict[str, int]
    parked: list[Parked]


class RebuildCheck(NamedTuple):
    """The number of different rows by table, and the events that the rebuilt tables parked."""

    differing: dict[str, int]
    parked: list[Parked]


class Pair(NamedTuple):
    """A live read model, and the one that is rebuilt beside it."""

    live: Target
    rebuilt: Target


T = TypeVar("T")
Last = Callable[[Connection, Sequence[Pair], int], Awaitable[T]]
"""The last step of a rebuild, at a position while no follower can move."""


async def rebuild(dsn: str, names: Iterable[str] = NAMES, progress: Progress = silent) -> Rebuilt:
    """Rebuild read models from the log and replace the live ones.

    Parked events of the live ones are retried.

    Raises:
        KeyError: no such read model; RebuildRunningError: one is running;
        LogCutError: events at the log's end are missing, and nothing was replaced;
        asyncpg.LockNotAvailableError: readers keep a live table locked.
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
    """Rebuild read models beside the live ones and compare them.

    Raises:
        As `rebuild`.
    """
    async with _beside(dsn, names, progress) as (connection, pairs):
        _, checked = await _locked(connection, pairs, _compare)
    return checked


async def compare(connection: Connection, live: str, rebuilt: str) -> int:
    """The number of rows that only one of two tables has."""
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
    """Read models that are rebuilt up to the head, with the live ones."""
    live = {target.projection.table.name: target for target in LIVE}
    chosen = [live[name] for name in names]
    pairs = [Pair(target, Target(target.projection, f"{target.name}_next")) for target in chosen]
    connection = await connect(dsn, SETTINGS)
    try:
        if not await connection.fetchval(TRY_LOCK):
            raise RebuildRunningError
        rebuilt = [pair.rebuilt for pair in pairs]
        await _drop(connection, rebuilt)
        await prepare(connection, (*chosen, *rebuilt))
        await _catch_up(connection, rebuilt, progress)
        yield connection, pairs
    finally:
        await connection.close()


async def _catch_up(connection: Connection, rebuilt: Sequence[Target], progress: Progress) -> None:
    position, head = 0, 1
    while position < head:
        head = await connection.fetchval("SELECT position FROM log_head")
        progress(position, head)
        if position < head:
            position = await _forward(connection, Span(tuple(rebuilt), position, head))
    progress(position, head)


async def _forward(connection: Connection, span: Span) -> int:
    """Apply the next events to read models that no other process moves; the position reached.

    Raises:
        LogCutError: there are none; asyncpg.PostgresError, OSError: the database fails.
    """
    done = await advance(connection, span, EVENTS_MAX, parks_unknown=True)
    for error in done.failed.values():
        raise error
    reached = min(done.reached.values())
    if reached == span.after:
        raise LogCutError(f"the log ends at position {reached}; there was a position {span.upto}")
    return reached


async def _drop(connection: Connection, rebuilt: Sequence[Target]) -> None:
    for target in rebuilt:
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
    """Do the last step while no follower can move; the position, and the step's result.

    The wait for a reader that holds a live table is short, because later readers wait too.
    """
    targets = [target for pair in pairs for target in pair]
    for attempt in range(1, SWITCHES_MAX + 1):
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '2s'")
                await connection.execute(LOCK)
                await connection.execute(HOLD, [target.follower for target in targets])
                goal = max((await positions(connection, targets)).values(), default=0)
                done = await last(connection, pairs, goal)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == SWITCHES_MAX:
                raise
            await asyncio.sleep(SWITCH_AGAIN_S)
        else:
            return goal, done
    raise AssertionError("the last attempt returns or raises")


async def _level(connection: Connection, targets: Iterable[Target], goal: int) -> None:
    """Bring read models that no other process moves to one position."""
    for target in targets:
        while todo := spans(await positions(connection, [target]), goal):
            await _forward(connection, todo[0])


async def _compare(connection: Connection, pairs: Sequence[Pair], goal: int) -> RebuildCheck:
    """Apply the last events to both, compare them, and drop the rebuilt ones."""
    await _level(connection, [target for pair in pairs for target in pair], goal)
    differing = {
        table: await compare(connection, table, other)
        for live, rebuilt in pairs
        for table, other in zip(_tables(live), _tables(rebuilt), strict=True)
    }
    left_out = [
        each._replace(projection=live.name)
        for live, rebuilt in pairs
        for each in await parked(connection, [rebuilt.name])
    ]
    await _drop(connection, [rebuilt for _, rebuilt in pairs])
    return RebuildCheck(differing, left_out)


async def _switch(connection: Connection, pairs: Sequence[Pair], goal: int) -> None:
    """Apply the last events, drop the live tables, and rename the rebuilt ones to them."""
    await _level(connection, [rebuilt for _, rebuilt in pairs], goal)
    for live, rebuilt in pairs:
        async with as_projector(connection):
            await _take_place(connection, live, rebuilt)
        await connection.execute(
            "UPDATE follower_positions SET position = $2 WHERE follower = $1", live.follower, goal
        )
        await connection.execute(
            "DELETE FROM follower_positions WHERE follower = $1", rebuilt.follower
        )
        await take_over(connection, rebuilt.name, live.name)


async def _take_place(connection: Connection, live: Target, rebuilt: Target) -> None:
    """Drop a read model's live tables, and rename the rebuilt ones to them."""
    await connection.execute(f"DROP TABLE {', '.join(_tables(live))}")
    for new, name in zip(_tables(rebuilt), _tables(live), strict=True):
        await connection.execute(f"ALTER TABLE {new} RENAME TO {name}")
        for index in await connection.fetch(INDEXES, name):
            renamed = index["name"].replace(rebuilt.name, live.name, 1)
            await connection.execute(f"ALTER INDEX {index['name']} RENAME TO {renamed}")
