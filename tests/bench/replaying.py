"""Events folded and settlements decided again a second, against reading the rows out."""

import argparse
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
from multiprocessing.pool import Pool
from pathlib import Path
from typing import NamedTuple

import asyncpg
import uvloop

from service.clock import monotonic_s
from service.replay.compare.balances import check_balances
from service.replay.partition import WHOLE, Partition
from service.replay.run import ReplayReport, ReplayScope, replay, together
from service.runtime.gc_tuning import settle_in
from service.vault import load_keys
from tests.bench import in_process

COPIED = """
    SELECT position, recorded_at, stream, amount_fen, version, topic, state FROM events
     ORDER BY position
"""
BILLS_EACH = 10
"""Settlements of a family: what its accounts hold lasts for a good part of them."""


class Read(NamedTuple):
    """How many events of the log were handled in how many seconds, and of our own processor's.

    `decided` counts the settlements decided again, `peak_mb` is the most memory of one process.
    """

    events: int
    seconds: float
    decided: int = 0
    cpu_seconds: float = 0.0
    peak_mb: int = 0

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def against(self, copied: "Read") -> str:
        """The rates as words, with their ratio to reading the rows out."""
        return (
            f"{self.decided / self.seconds:,.0f} settlements/s, {self.rate:,.0f} events/s"
            f" ({self.rate / copied.rate:.3f} of COPY;"
            f" {self.decided / self.cpu_seconds:,.0f} settlements in a second of processor time;"
            f" {self.peak_mb} MB)"
        )


def compare(options: argparse.Namespace, dsn: str, place: Path) -> None:
    """Settle until the log is long, then read, add up and tell it again, round after round."""
    families = options.settlements // BILLS_EACH
    mine, _ = uvloop.run(in_process.make_database(dsn, "told", place, families))
    settled, first = 0, 1
    while settled < options.settlements:
        settling = in_process.grouped(mine, place, families, options.seconds, first)
        settled, first = settled + uvloop.run(settling).settled + families, first + 1_000_000
    print(f"replay of {settled} settlements of {families} families")
    pair: list[float] = []
    with multiprocessing.get_context("spawn").Pool(2, settle_in) as pool:
        pool.map(abs, range(64))  # started, and everything imported
        for number in range(options.rounds):
            copied, added = uvloop.run(copy(mine)), uvloop.run(add_up(mine))
            (alone,), both = tell(pool, mine, place, [WHOLE]), tell_by_two(pool, mine, place)
            assert alone[0].found.count == 0, alone[0].found.kept[:3]
            pair.append(both.decided / both.seconds)
            print(
                f"  round {number + 1}: COPY {copied.rate:,.0f} events/s,"
                f" balances {added.rate:,.0f}/s ({added.rate / copied.rate:.2f} of COPY)\n"
                f"    one process  {alone[1].against(copied)}\n"
                f"    two of them  {both.against(copied)}"
            )
    print(
        f"decided again by two processes: {statistics.median(pair):,.0f} settlements/s"
        f" [{min(pair):,.0f}..{max(pair):,.0f}]"
    )
    seconds = tell_everything(mine, place)
    print(f"the command, its start and the read models counted: {seconds:.0f} s\n")


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


def tell(
    pool: Pool, dsn: str, place: Path, shares: list[Partition]
) -> list[tuple[ReplayReport, Read]]:
    """Each share by a process of the pool, without the read models."""
    return pool.starmap(tell_share, [(dsn, place, share) for share in shares], chunksize=1)


def tell_share(dsn: str, place: Path, share: Partition) -> tuple[ReplayReport, Read]:
    """One process, from its first query to its last comparison."""
    began, busy = monotonic_s(), _cpu_s()
    scope = ReplayScope(share=share, with_tables=False)
    report = uvloop.run(replay(dsn, load_keys(place / "keys.json"), scope))
    seconds, cpu_seconds = monotonic_s() - began, _cpu_s() - busy
    decided = report.counts.decided["settlement.settled/1"]
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return report, Read(report.counts.events, seconds, decided, cpu_seconds, peak_mb)


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system


def tell_by_two(pool: Pool, dsn: str, place: Path) -> Read:
    """Both shares at once; nothing may differ."""
    began = monotonic_s()
    told = tell(pool, dsn, place, [Partition(number, 2) for number in range(2)])
    seconds = monotonic_s() - began
    whole = together([report for report, _ in told])
    assert whole.found.count == 0, whole.found.kept[:3]
    decided = whole.counts.decided["settlement.settled/1"]
    cpu_seconds = sum(read.cpu_seconds for _, read in told)
    peak_mb = max(read.peak_mb for _, read in told)
    return Read(whole.counts.events, seconds, decided, cpu_seconds, peak_mb)


def tell_everything(dsn: str, place: Path) -> float:
    """The command itself, its two processes started and all compared; the seconds."""
    began = monotonic_s()
    words = [sys.executable, "-P", "-m", "api", "replay", "--processes", "2"]
    own = {"GONGJI_DATABASE_URL": dsn, "GONGJI_DATA": str(place)}
    done = subprocess.run(words, env={**os.environ, **own}, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()
    return monotonic_s() - began
