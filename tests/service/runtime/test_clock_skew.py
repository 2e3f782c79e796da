"""The machine's clock against the database's: measured, refused over a second, and told."""

import asyncio
import json
from pathlib import Path

import asyncpg
import psycopg
import pytest

from service.clock import LedgerClock, business_clock, micros
from service.runtime.clock_skew import ClockSkewError, SkewWatch, check_skew, measure
from tests.api.clients import an_opening
from tests.api.programs import run
from tests.cases.outcome import StoppedClock


async def set_database_clock(dsn: str, seconds: float) -> None:
    """From now on this database's clock is so far ahead of the machine's."""
    connection = await asyncpg.connect(dsn)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(
        "CREATE SCHEMA IF NOT EXISTS skewed; GRANT USAGE ON SCHEMA skewed TO PUBLIC;"
        "CREATE OR REPLACE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
        f" $$ SELECT pg_catalog.clock_timestamp() + interval '{seconds} seconds' $$;"
        f"ALTER DATABASE {name} SET search_path = public, skewed, pg_catalog"
    )
    await connection.close()


@pytest.mark.parametrize("seconds", [-3600.0, -1.5, -0.5, 0.0, 0.5, 1.5, 3600.0])
async def test_what_is_measured(dsn: str, seconds: float) -> None:
    """Ahead is above 0; over a second nobody starts, and the message says which way and how far."""
    await set_database_clock(dsn, -seconds)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        ahead_s = await measure(pool)
        assert seconds - 0.2 <= ahead_s <= seconds + 0.2
        if abs(seconds) < 1:
            assert abs(await check_skew(pool)) < 1
            return
        with pytest.raises(ClockSkewError, match="CLOCK_SKEW") as refused:
            await check_skew(pool)
        assert ("ahead of" if seconds > 0 else "behind") in str(refused.value)


async def test_what_a_watch_tells(dsn: str) -> None:
    """A clock that goes wrong while a service runs is told, and so is that it is right again."""
    shown: list[float] = []
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        watch = SkewWatch(pool, LedgerClock(business_clock()), shown.append)
        await watch.start()
        assert [] == watch.reasons()
        for seconds in (-5.0, 0.0):
            await set_database_clock(dsn, seconds)
            await pool.expire_connections()
            await watch.once()
            told = [reason.code for reason in watch.reasons()]
            assert told == (["CLOCK_SKEW"] if seconds else [])
        await watch.close()

    assert [0, 5, 0] == [round(ahead_s) for ahead_s in shown]


async def test_a_log_that_is_ahead_is_told(dsn: str) -> None:
    """Decisions stand still at the log's time until the clock has come there: operators know."""
    source = StoppedClock()
    clock = LedgerClock(source)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        watch = SkewWatch(pool, clock, lambda _: None)
        clock.see(micros(source()) + 900_000)
        assert [] == watch.reasons()
        clock.see(micros(source()) + 60_000_000)
        (reason,) = watch.reasons()

    assert "CLOCK_SKEW" == reason.code
    assert "60.000 s ahead" in reason.detail


def test_nobody_starts_by_another_clock(dsn: str, tmp_path: Path) -> None:
    """`run` and `import` end with 1 and say why; no event is written."""
    asyncio.run(set_database_clock(dsn, 90))
    file = tmp_path / "lines.ndjson"
    file.write_text(json.dumps({"type": "account"} | an_opening("P1")))
    here = {"GONGJI_DATABASE_URL": dsn, "GONGJI_DATA": str(tmp_path)}
    for words in (("run", "--port", "0", "--no-demo"), ("import", str(file)), ("close-year",)):
        said = run(*words, status=1, **here)
        assert "CLOCK_SKEW" in said
        assert "behind the database" in said
        assert "Traceback" not in said
    with psycopg.connect(dsn) as connection:
        assert [(0,)] == connection.execute("SELECT position FROM log_head").fetchall()
