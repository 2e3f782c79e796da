"""The follower: killed, cut, poisoned and doubled, and the read models are what the log says."""

import asyncio
import logging
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from projections.account import statement_entries as entries
from service.read_models import follower as followers
from service.read_models.parking import parked
from service.read_models.projector import LIVE, Span, Target, advance, prepare, spans
from service.read_models.rebuild import NAMES, check
from tests.ledgers import tamper
from tests.projections.recorded_families import families, members
from tests.service.read_models.following import (
    a_follower,
    a_store,
    append,
    append_foreign,
    cut_follower,
    eventually,
    figures,
    figures_of,
)

ROOT = Path(__file__).resolve().parents[3]
FOLLOWS = """
    import asyncio, sys
    import asyncpg
    from service.read_models.follower import Follower

    async def follow(dsn):
        pool = await asyncpg.create_pool(dsn, min_size=1, max_size=2)
        follower = Follower(dsn, pool, events_max=7)
        await follower.start()
        while True:
            print(await follower.position(), flush=True)
            await asyncio.sleep(0.005)

    asyncio.run(follow(sys.argv[1]))
"""
ALIKE = dict.fromkeys(
    (
        "bindings_2",
        "bindings_2_regions",
        "settlements",
        "statements",
        "settlement_moves",
        "guardian_links",
        "guardian_links_uses",
        "bills",
        "open_premiums",
        "corrections",
        "visits",
        "premium_parties",
        "institutions",
        "signals_2",
        "signals_2_traces",
        "signals_2_owners",
        "signals_2_homes",
        "signals_2_months",
    ),
    0,
)


def test_who_is_behind_goes_up_to_the_next() -> None:
    """Read models at one position go on together; a new one catches up apart from them."""
    one, other, new = (Target(target.projection, target.name) for target in LIVE[:3])

    assert [Span((one, other), 90, 100), Span((new,), 0, 90)] == spans(
        {one: 90, other: 90, new: 0}, 100
    )
    assert [Span((new,), 0, 100)] == spans({one: 100, other: 100, new: 0}, 100)
    assert [] == spans({one: 100, other: 101, new: 100}, 100)


async def test_a_batch_that_was_applied_is_not_applied_again(dsn: str) -> None:
    """The same batch asked for twice changes nothing the second time, also at once."""
    story = families(range(1, 20))
    async with a_store(dsn) as store:
        head = await append(store, rows := story.rows())
        async with store.pool.acquire() as one, store.pool.acquire() as other:
            await prepare(one)
            await prepare(other)
            both = await asyncio.gather(
                advance(one, Span(LIVE, 0, head)), advance(other, Span(LIVE, 0, head))
            )
            again = await advance(one, Span(LIVE, 0, head))

        for target in LIVE:
            assert [0, head] == sorted(done.reached[target] for done in both)
        assert dict.fromkeys(LIVE, 0) == again.reached
        assert [{}, {}, {}] == [done.failed for done in (*both, again)]
        assert figures_of(story, rows) == await figures(store.pool)


async def test_the_read_models_show_what_was_recorded(dsn: str) -> None:
    """A statement's balances and sums are those of the account's events."""
    story = families(range(1, 30))
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=13) as follower:
        head = await append(store, rows := story.rows())
        assert await follower.wait_for(head, 30)
        patient, _, _ = members(9)
        statement = await entries.of_account(store.pool, patient)
        amounts = [row.amount_fen for row in rows if row.stream == patient and row.amount_fen]

        assert amounts == [entry.amount_fen for entry in reversed(statement.rows)]
        assert sum(amounts) == sum(statement.rows[0].balance)
        assert figures_of(story, rows) == await figures(store.pool)
        assert (ALIKE, []) == await check(dsn)


async def test_a_follower_cut_in_mid_batch_neither_skips_nor_repeats(dsn: str) -> None:
    """Its connection is cut again and again while it works; in the end every event is once."""
    story = families(range(1, 120))
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=11) as follower:
        writing = asyncio.create_task(append(store, rows, size=23))
        cut = 0
        while cut < 6:
            cut += await cut_follower(store.pool)
            await asyncio.sleep(0.013)
        assert await follower.wait_for(await writing, 30)

        assert follower.failures >= 1
        assert figures_of(story, rows) == await figures(store.pool)
        assert (ALIKE, []) == await check(dsn)


async def test_a_killed_process_neither_skips_nor_repeats(dsn: str) -> None:
    """A process that follows is killed without a goodbye; the next one goes on behind it."""
    story = families(range(1, 60))
    rows = story.rows()
    async with a_store(dsn) as store:
        head = await append(store, rows)
        for part in (1, 2, 3):
            victim = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(FOLLOWS), dsn],
                cwd="/",
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                text=True,
            )
            assert victim.stdout is not None
            while int(await asyncio.to_thread(victim.stdout.readline)) < part * head // 8:
                pass
            victim.kill()
            victim.wait()
            victim.stdout.close()
        async with a_follower(dsn, store.pool) as follower:
            before = await follower.position()
            assert await follower.wait_for(head, 30)

        assert 0 < before < head
        assert figures_of(story, rows) == await figures(store.pool)
        assert (ALIKE, []) == await check(dsn)


async def test_one_follows_and_the_other_takes_over(dsn: str) -> None:
    """Of two followers exactly one works; when it goes, the other follows within seconds."""
    story = families(range(1, 10))
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as second:
        async with a_follower(dsn, store.pool) as first:
            half = await append(store, rows[: len(rows) // 2])
            assert await first.wait_for(half, 10)
            assert await second.wait_for(half, 10)
            follows = [first.is_following, second.is_following]
            stays, goes = (second, first) if first.is_following else (first, second)
            await goes.close()
            head = await append(store, rows[len(rows) // 2 :])
            assert await stays.wait_for(head, 10)

            assert [False, True] == sorted(follows)
            assert stays.is_following
        assert figures_of(story, rows) == await figures(store.pool)


async def test_who_stands_by_can_wait_too(dsn: str) -> None:
    """A process that does not follow sees how far the other has come, and gives up in time."""
    async with (
        a_store(dsn) as store,
        a_follower(dsn, store.pool) as one,
        a_follower(dsn, store.pool) as other,
    ):
        head = await append(store, families([1, 2]).rows())
        waited = await asyncio.gather(one.wait_for(head, 10), other.wait_for(head, 10))
        too_far = await asyncio.gather(one.wait_for(head + 1, 0.1), other.wait_for(head + 1, 0.1))

        assert (True, True) == tuple(waited)
        assert (False, False) == tuple(too_far)
        assert [head, head] == [await one.position(), await other.position()]


async def test_topics_of_the_library_are_passed_over(dsn: str) -> None:
    """What the library stored under its own topics is no event of ours, even at the head."""
    story = families([1, 2, 3])
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=1) as follower:
        await append_foreign(dsn, "bank.accounts:Account.Opened")
        await append(store, rows)
        await append_foreign(dsn, "bank.accounts:Account.Closed")
        await append_foreign(dsn, "topic")
        head = await store.position()

        assert await follower.wait_for(head, 10)
        assert len(rows) + 3 == head
        assert figures_of(story, rows) == await figures(store.pool)


async def test_an_event_of_a_newer_release_is_told_and_tried_again(
    dsn: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What stands before it is shown, nothing behind it is, and the follower does not die."""
    story = families([1, 2, 3])
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=8) as follower:
        with caplog.at_level(logging.ERROR, "gongji.follow"):
            middle = await append(store, rows[:20])
            await append_foreign(dsn, "account.debited/99", b"not JSON of ours")
            head = await append(store, rows[20:])
            assert await follower.wait_for(middle, 10)
            assert not await follower.wait_for(middle + 1, 1.0)
        failures = follower.failures
        assert 1 <= failures
        assert f"error=UnreadableEventError sqlstate=None unreadable={middle + 1}" in caplog.text
        assert "not JSON" not in caplog.text

        await tamper(
            store.pool,
            "UPDATE events SET topic = (SELECT id FROM topics WHERE topic = 'account.frozen/1')"
            " WHERE position = $1",
            middle + 1,
        )
        assert await follower.wait_for(head, 20)
        assert figures_of(story, rows) == await figures(store.pool)


async def test_an_event_of_a_newer_release_that_nobody_reads_is_parked(dsn: str) -> None:
    """It was left to others often enough: every read model goes on behind it."""
    story = families([1, 2, 3])
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, newer_tries=2) as follower:
        await append(store, rows[:20])
        await append_foreign(dsn, "account.debited/99")
        head = await append(store, rows[20:])

        assert await follower.wait_for(head, 20)
        assert figures_of(story, rows) == await figures(store.pool)
        found = await parked(store.pool, [target.name for target in LIVE])
        assert {(target.name, 21) for target in LIVE} == {each[:2] for each in found}


async def test_a_database_that_refuses_a_write_is_tried_again(dsn: str) -> None:
    """A table that is gone for a while stops nothing for good."""
    story = families([1, 2, 3])
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        await tamper(store.pool, "ALTER TABLE statements RENAME TO elsewhere")
        head = await append(store, rows)
        assert not await follower.wait_for(head, 0.5)
        await tamper(store.pool, "ALTER TABLE elsewhere RENAME TO statements")

        assert await follower.wait_for(head, 20)
        assert follower.failures >= 1
        assert figures_of(story, rows) == await figures(store.pool)
        assert [] == await parked(store.pool, [target.name for target in LIVE])


async def test_a_wake_is_answered_before_the_next_look(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits with a wake each are followed although nobody looks by himself any more."""
    monkeypatch.setattr(followers, "LOOK_EVERY_S", 3600.0)
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        await eventually(lambda: asyncio.sleep(0, follower.is_following))
        for number in range(1, 21):
            head = await append(store, families([number]).rows())
            follower.wake()
            assert await follower.wait_for(head, 60)


def test_every_read_model_is_known_by_name() -> None:
    """The names a rebuild takes are those of the read models."""
    assert NAMES == (
        "bindings",
        "settlements",
        "statements",
        "settlement_moves",
        "guardian_links",
        "bills",
        "open_premiums",
        "corrections",
        "visits",
        "premium_parties",
        "institutions",
        "signals",
    )
