"""Events folded and settlements decided again a second, against reading the rows out."""

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import asyncpg
import uvloop

from service.clock import monotonic_s
from service.persons import load_keys
from service.replay.balances import check_balances
from service.replay.run import Scope, replay
from tests.bench import in_process

COPIED = """
    SELECT position, recorded_at, stream, amount_fen, version, topic, state FROM events
     ORDER BY position
"""


class Read(NamedTuple):
    """How many events of the log were handled in how many seconds, and of our own processor's."""

    events: int
    seconds: float
    cpu_seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def compare(options: argparse.Namespace, dsn: str, place: Path) -> None:
    """Settle for a while, then read, add up and tell the log again, round after round."""
    mine, _ = uvloop.run(in_process.make_database(dsn, "told", place, options.families))
    settling = in_process.grouped(mine, place, options.families, options.seconds, 1)
    settled = uvloop.run(settling).settled + options.families
    print(f"replay of {settled} settlements")
    told: list[float] = []
    for number in range(options.rounds):
        copied = uvloop.run(copy(mine))
        added = uvloop.run(add_up(mine))
        alone = uvloop.run(tell(mine, place))
        both = tell_together(mine, place, copied.events)
        told.append(both.rate / copied.rate)
        print(
            f"  round {number + 1}: COPY {copied.rate:,.0f} events/s,"
            f" balances {added.rate:,.0f}/s ({added.rate / copied.rate:.2f} of COPY),"
            f" replay {alone.rate:,.0f}/s, by two processes {both.rate:,.0f}/s"
            f" ({settled / alone.seconds:,.0f} and {settled / both.seconds:,.0f} settlements/s;"
            f" {settled / alone.cpu_seconds:,.0f} in a second of processor time)"
        )
    print(
        f"replay by two processes, start and read models counted:"
        f" {statistics.median(told):.3f} x [{min(told):.3f}..{max(told):.3f}] of COPY\n"
    )


async def copy(dsn: str) -> Read:
    """Read every row out, and do nothing with it."""
    connection = await asyncpg.connect(dsn)
    events = await connection.fetchval("SELECT count(*) FROM events")
    began = monotonic_s()
    await connection.copy_from_query(COPIED, output=os.devnull, format="binary")
    seconds = monotonic_s() - began
    await connection.close()
    return Read(events, seconds)


async def add_up(dsn: str) -> Read:
    """The quick check of all balances and versions."""
    began = monotonic_s()
    events, found = await check_balances(dsn)
    assert found.count == 0, found.kept[:3]
    return Read(events, monotonic_s() - began)


async def tell(dsn: str, place: Path) -> Read:
    """One process, without the read models."""
    began, busy = monotonic_s(), os.times().user
    report = await replay(dsn, load_keys(place / "keys.json"), Scope(with_tables=False))
    assert report.found.count == 0, report.found.kept[:3]
    return Read(report.counts.events, monotonic_s() - began, os.times().user - busy)


def tell_together(dsn: str, place: Path, events: int) -> Read:
    """The command itself, its two processes started and all compared."""
    began = monotonic_s()
    words = [sys.executable, "-P", "-m", "api", "replay", "--processes", "2"]
    own = {"GONGJI_DATABASE_URL": dsn, "GONGJI_DATA": str(place)}
    done = subprocess.run(words, env={**os.environ, **own}, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
    return Read(events, monotonic_s() - began)
