"""A long log is told again: nothing differs, memory stays bounded, one change is found."""

from pathlib import Path

import asyncpg
import pytest

from service.replay.compare.balances import check_balances
from service.replay.differences import Mismatch
from service.replay.run import ReplayScope, replay
from service.vault import load_keys
from tests.bench.in_process import grouped, make_database

pytestmark = pytest.mark.deepened

HEADS_MAX = 500
"""Far fewer than the families have, so that most heads are set aside and some come back."""


async def settle_until(goal: int, dsn: str, place: Path, families: int) -> int:
    """Let all families settle, later some of them, until there are so many events; how many."""
    first, events = 1, 0
    while events < goal:
        living = families if events < goal // 10 else families // 20
        await grouped(dsn, place, living, min(20.0, goal / 3_000), first)
        first += 1_000_000
        events, _ = await check_balances(dsn)
    return events


@pytest.mark.timeout(3_600)
async def test_a_long_log_is_told_again(
    cluster: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Families settle until the log is long; with `--slow` it has a million events."""
    goal, families = (1_000_000, 2_000) if request.config.getoption("--slow") else (3_000, 200)
    connection = await asyncpg.connect(cluster)
    await connection.execute("DROP DATABASE IF EXISTS long_log WITH (FORCE)")
    dsn, _ = await make_database(cluster, "long_log", tmp_path, families)
    events = await settle_until(goal, dsn, tmp_path, families)
    keys = load_keys(tmp_path / "keys.json")
    report = await replay(dsn, keys, ReplayScope(heads_max=HEADS_MAX))
    other = await asyncpg.connect(dsn)
    stream = await other.fetchval(
        "UPDATE heads SET prior_fen = prior_fen + 1 WHERE stream ="
        " (SELECT max(stream::text)::uuid FROM balances) RETURNING stream"
    )
    await other.close()
    changed = await replay(dsn, keys, ReplayScope(heads_max=HEADS_MAX, with_tables=False))
    added = (await check_balances(dsn))[1]
    await connection.execute("DROP DATABASE long_log WITH (FORCE)")
    await connection.close()

    assert [] == report.found.kept
    assert events == report.position == report.counts.events >= goal
    assert report.set_aside > 0
    assert report.money.owed_fen == report.money.settled_fen > 0
    assert [(f"acc_{stream.hex}", Mismatch.BALANCE)] == [d[1:3] for d in changed.found.kept]
    assert [(f"acc_{stream.hex}", Mismatch.BALANCE)] == [d[1:3] for d in added.kept]
