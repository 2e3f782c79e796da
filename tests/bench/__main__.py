"""`gongji bench`: ratios from one run; absolute numbers belong to the machine alone."""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from service.embedded_postgres.server import EmbeddedPostgres
from service.runtime.gc_tuning import settle_in
from tests.bench import importing, in_process, over_http, replaying

Run = Callable[[int], Coroutine[Any, Any, in_process.Measured]]


def main(arguments: list[str]) -> int:
    """Measure settling, importing, or telling the log again."""
    options = _options(arguments)
    settle_in()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        postgres = EmbeddedPostgres(place / "data")
        dsn = postgres.start()
        try:
            if options.what == "import":
                importing.compare(options, dsn, place)
            elif options.what == "replay":
                replaying.compare(options, dsn, place)
            else:
                _settle(options, dsn, place)
        finally:
            postgres.stop()
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="gongji bench")
    made.add_argument("what", choices=["settle", "import", "replay"])
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--seconds", type=float, default=5.0)
    made.add_argument("--families", type=int, default=2000)
    made.add_argument("--lines", type=int, default=100_000)
    made.add_argument("--settlements", type=int, default=100_000)
    made.add_argument("--only", choices=["process", "http"])
    return made.parse_args(arguments)


def _settle(options: argparse.Namespace, dsn: str, place: Path) -> None:
    if options.only != "http":
        _process(options, dsn, place)
    if options.only != "process":
        over_http.compare(options, dsn, place)


def _process(options: argparse.Namespace, dsn: str, place: Path) -> None:
    print(f"in process, {options.families} families of one to three payers, caps and orders on")
    count = options.families
    databases = [
        uvloop.run(in_process.make_database(dsn, name, place, count)) for name in ("many", "one")
    ]
    ratios: list[float] = []
    for number in range(options.rounds):
        first = 1 + number * 1_000_000
        many = uvloop.run(in_process.grouped(databases[0][0], place, count, options.seconds, first))
        one = uvloop.run(
            in_process.one_by_one(databases[1][0], place, count, options.seconds, first)
        )
        ratios.append(many.rate / one.rate)
        print(
            f"  round {number + 1}: grouped {many.rate:,.0f}/s,"
            f" one per transaction {one.rate:,.0f}/s, ratio {ratios[-1]:.1f}"
        )
    for database, fen in databases:
        uvloop.run(in_process.audit(database, fen))
    print(
        f"settle in process: {statistics.median(ratios):.1f} x"
        f" [{min(ratios):.1f}..{max(ratios):.1f}] of one command per transaction"
        f" on {in_process.CONNECTIONS} connections\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
