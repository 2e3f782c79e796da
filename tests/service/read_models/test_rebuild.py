"""Rebuilding read models beside a follower that goes on, and putting them in place."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from projections import binding as bindings
from projections.account import statement_entries as entries
from projections.binding import BindingFilter
from service.clock import business_clock
from service.ledger.codec import EventRow
from service.read_models.rebuild import (
    LogCutError,
    RebuildRunningError,
    _beside,
    check,
    compare,
    rebuild,
)
from tests.ledgers import tamper
from tests.projections.recorded_families import families, members
from tests.service.read_models.following import a_follower, a_store, append, figures, figures_of

ALIKE = dict.fromkeys(
    (
        "bindings_2",
        "bindings_2_regions",
        "settlements",
        "statements",
        "settlement_moves",
        "guardian_links",
        "guardian_links_uses",
        "visits",
        "premium_parties",
        "institutions",
        "bills",
        "open_premiums",
        "corrections",
        "signals_2",
        "signals_2_traces",
        "signals_2_owners",
        "signals_2_homes",
        "signals_2_months",
    ),
    0,
)


def beside(first: int, count: int) -> tuple[list[EventRow], list[EventRow]]:
    """Rows of families that go into the log before, and of others that go in meanwhile."""
    before, meanwhile = families(range(1, first)), families(range(first, first + count))
    return before.rows(), meanwhile.rows()


async def keep_reading(pool: "asyncpg.Pool[Any]", seen: list[int], stop: asyncio.Event) -> None:
    """Ask for a statement and for bindings over and over; note how long the statement is."""
    patient, _, _ = members(3)
    clock = business_clock()
    while not stop.is_set():
        statement = await entries.of_account(pool, patient, limit=200)
        await bindings.of_party(pool, patient, BindingFilter(clock()))
        seen.append(len(statement.rows))
        await asyncio.sleep(0.001)


async def test_a_rebuild_under_writes_equals_the_live_one(dsn: str) -> None:
    """Writers, readers and the follower go on while read models are made anew and switched."""
    before, meanwhile = beside(150, 250)
    story = families(range(1, 400))
    seen: list[int] = []
    stop = asyncio.Event()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=50) as follower:
        head = await append(store, before)
        assert await follower.wait_for(head, 20)
        reading = asyncio.create_task(keep_reading(store.pool, seen, stop))
        rebuilt = [head]
        third = len(meanwhile) // 3
        for part in (meanwhile[:third], meanwhile[third : 2 * third], meanwhile[2 * third :]):
            writing = asyncio.create_task(append(store, part, size=5))
            rebuilt.append((await rebuild(dsn)).events)
            head = await writing
        assert await follower.wait_for(head, 20)
        stop.set()
        await reading

        assert rebuilt == sorted(set(rebuilt))  # each read what was written while it was made
        assert (ALIKE, []) == await check(dsn)
        assert figures_of(story, [*before, *meanwhile]) == await figures(store.pool)
        assert {max(seen)} == set(seen)
        assert 0 == follower.failures


async def test_a_rebuild_without_a_follower_is_up_to_date(dsn: str) -> None:
    """Where nobody follows, a rebuild fills the read models, and a follower goes on from there."""
    before, after = beside(40, 20)
    story = families(range(1, 60))
    told: list[tuple[int, int]] = []
    async with a_store(dsn) as store:
        head = await append(store, before)
        rebuilt = await rebuild(dsn, progress=lambda done, of: told.append((done, of)))
        shown = await figures(store.pool)
        async with a_follower(dsn, store.pool) as follower:
            assert head == await follower.position()
            assert await follower.wait_for(await append(store, after), 20)

        assert (0, head) == told[0]
        assert (head, head) == told[-1]
        assert (head, 39) == (rebuilt.events, rebuilt.rows["bindings_2"])
        assert shown[0] == rebuilt.rows["statements"]
        assert figures_of(story, [*before, *after]) == await figures(store.pool)


async def test_a_rebuild_repairs_what_was_damaged(dsn: str) -> None:
    """A check finds rows that were changed, lost or made up; a rebuild puts them right."""
    story = families(range(1, 40))
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, rows := story.rows()), 20)
        await store.pool.execute(
            "UPDATE statements SET current_fen = current_fen + 1"
            " WHERE position = (SELECT min(position) FROM statements)"
        )
        await store.pool.execute("DELETE FROM settlements WHERE position % 2 = 0")
        damaged = (await check(dsn)).differing
        await rebuild(dsn, ["statements", "settlements"])

        assert (2, 0) == (damaged["statements"], damaged["bindings_2"])
        assert damaged["settlements"] > 0
        assert (ALIKE, []) == await check(dsn)
        assert figures_of(story, rows) == await figures(store.pool)


async def test_a_rebuild_keeps_the_names_of_everything(dsn: str) -> None:
    """Tables, keys and indexes are called after a rebuild as they were before it."""
    named = (
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
        " AND relname ~ '^(bills|signals|bindings|settlement|statements|guardian_links|"
        "open_premiums|corrections|visits|premium_parties|institutions)'"
        " ORDER BY relname"
    )
    async with a_store(dsn) as store, a_follower(dsn, store.pool):
        before = [name for (name,) in await store.pool.fetch(named)]
        await rebuild(dsn)
        await rebuild(dsn)
        after = [name for (name,) in await store.pool.fetch(named)]

        assert before == after
        assert {"statements_pkey", "bindings_2_regions_pkey", "settlements_by_visit"} <= set(after)


async def stop_after(dsn: str, events: int) -> None:
    """A rebuild that ends in the middle of its work."""

    def progress(done: int, _of: int) -> None:
        if done >= events:
            raise KeyboardInterrupt

    await rebuild(dsn, progress=progress)


async def test_an_interrupted_rebuild_can_be_started_again(dsn: str) -> None:
    """What an interrupted rebuild leaves is read by nobody, and the next one begins anew."""
    story = families(range(1, 60))
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, rows := story.rows()), 20)
        with pytest.raises(KeyboardInterrupt):
            await stop_after(dsn, 1)
        left = await store.pool.fetchval("SELECT count(*) FROM statements_next")
        meanwhile = await figures(store.pool)
        await rebuild(dsn, ["statements"])

        assert left > 0
        assert figures_of(story, rows) == meanwhile
        assert meanwhile == await figures(store.pool)
        assert (ALIKE, []) == await check(dsn)


async def test_one_rebuild_at_a_time(dsn: str) -> None:
    """A second rebuild of the same ledger is refused while one is at work."""
    async with a_store(dsn), _beside(dsn, ["statements"], lambda _done, _of: None):
        with pytest.raises(RebuildRunningError):
            await rebuild(dsn)

    assert {"statements"} == set((await rebuild(dsn, ["statements"])).rows)


@pytest.mark.parametrize("is_head_cut", [False, True])
async def test_a_log_without_its_end_is_told(dsn: str, is_head_cut: bool) -> None:  # noqa: FBT001
    """Where the last events are missing a rebuild says so, and the live read models stay."""
    async with a_store(dsn) as store:
        async with a_follower(dsn, store.pool) as follower:
            head = await append(store, families(range(1, 4)).rows())
            assert await follower.wait_for(head, 20)
        shown = await figures(store.pool)
        await tamper(store.pool, "DELETE FROM events WHERE position > $1", head - 2)
        if is_head_cut:
            await store.pool.execute("UPDATE log_head SET position = $1", head - 2)

        for remake in (rebuild, check):
            async with asyncio.timeout(20):
                with pytest.raises(LogCutError, match=f"ends at position {head - 2}; .* {head}$"):
                    await remake(dsn)
        assert shown == await figures(store.pool)


async def test_only_read_models_are_rebuilt(dsn: str) -> None:
    """A name that is no read model's is refused before anything is touched."""
    with pytest.raises(KeyError):
        await rebuild(dsn, ["events"])


async def different(connection: Any, one: Sequence[str]) -> int:  # noqa: ANN401
    await connection.execute("CREATE TEMP TABLE one (word text); CREATE TEMP TABLE two (word text)")
    await connection.executemany("INSERT INTO one VALUES ($1)", [(word,) for word in one])
    await connection.execute("INSERT INTO two VALUES ('a'), ('a'), (NULL)")
    return await compare(connection, "one", "two")


@pytest.mark.parametrize(
    ("one", "differing"),
    [(("a", "a", None), 0), (("a", None), 1), (("a", "a", None, "b"), 1), (("b", "b", "b"), 6)],
)
async def test_tables_differ_by_the_rows_only_one_has(
    dsn: str, one: tuple[str, ...], differing: int
) -> None:
    """A comparison counts rows as often as they are there, whatever their order."""
    connection = await asyncpg.connect(dsn)

    assert differing == await different(connection, one)
    await connection.close()
