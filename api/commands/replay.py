"""`gongji replay`: fold and decide the whole log again, and compare it with all that is stored.

Works beside a running service. Exits with 1 if anything differs. Each difference is a line with
position (`-` if no event differs), stream, kind, stored value and replayed value.
"""

import argparse
import asyncio
import os
import sys
from datetime import datetime
from functools import partial

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from api.commands.terminal import database, ended, parser, settings_of
from service import RefusalError
from service.audit.as_of import read_moment
from service.ledger.postgres.connect import connect
from service.replay.compare.balances import check_balances
from service.replay.partition import Partition
from service.replay.report_text import summary
from service.replay.run import NoSuchMomentError, ReplayReport, ReplayScope, replay, together
from service.runtime.gc_tuning import settle_in
from service.runtime.progress import Progress
from service.settings import Settings
from service.vault import Vault, load_keys

ALONE_MAX = 50_000
"""Events that one process replays sooner than two can start."""
NICE = 10
"""The nice value of a replay that the service starts."""
_REPORT = TypeAdapter(ReplayReport)


def main(arguments: list[str]) -> int:
    """Replay; 0 if nothing differs, 1 if anything does, 2 if there is no such position or time."""
    options = _options(arguments)
    return ended("replay", partial(_run, options, settings_of(options)))


def _run(options: argparse.Namespace, settings: Settings) -> int:
    vault = load_keys(settings.key_file)
    if options.json:
        os.nice(NICE)
    settle_in()
    if options.balances:
        return _add_up(settings)
    with database(settings) as dsn:
        try:
            report = asyncio.run(_replay(dsn, vault, settings, options))
        except NoSuchMomentError:
            print("gongji: the log does not reach so far", file=sys.stderr)
            return 2
    if options.json:
        print(to_json({"report": _REPORT.dump_python(report, mode="json")}).decode())
    else:
        print("\n".join(summary(report)))
    return 1 if report.found.count else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    command = parser("replay", "Rebuild every state and decision from the log and compare.")
    command.add_argument(
        "--as-of",
        type=moment,
        metavar="POSITION or TIME",
        help="replay only up to there, without comparing what is stored now",
    )
    command.add_argument(
        "--json", action="store_true", help="print progress and report as lines of JSON"
    )
    command.add_argument(
        "--balances",
        action="store_true",
        help="only add up every balance and version in the database",
    )
    command.add_argument("--share", type=_share, default=None, help=argparse.SUPPRESS)
    command.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="number of processes: 2 on a long log, else 1",
    )
    return command.parse_args(arguments)


def _add_up(settings: Settings) -> int:
    with database(settings) as dsn:
        events, found = asyncio.run(check_balances(dsn))
    lines = [difference.line() for difference in found.kept]
    print("\n".join([*lines, f"added up {events} events", f"differences: {found.count}"]))
    return 1 if found.count else 0


async def _replay(
    dsn: str, vault: Vault, settings: Settings, options: argparse.Namespace
) -> ReplayReport:
    progress: Progress = as_json if options.json else on_terminal
    of = 1 if options.share else options.processes or await _processes(dsn)
    others = [_other(dsn, settings, options, Partition(number, of)) for number in range(1, of)]
    scope = ReplayScope(as_of=options.as_of, share=options.share or Partition(0, of))
    own = replay(dsn, vault, scope, progress)
    return together(await asyncio.gather(own, *others))


async def _processes(dsn: str) -> int:
    connection = await connect(dsn, {"application_name": "gongji-replay"})
    position: int = await connection.fetchval("SELECT position FROM log_head")
    await connection.close()
    return 1 if position <= ALONE_MAX else min(2, os.cpu_count() or 1)


async def _other(
    dsn: str, settings: Settings, options: argparse.Namespace, share: Partition
) -> ReplayReport:
    """Another partition of the same replay, in its own process."""
    as_of = options.as_of if isinstance(options.as_of, int | None) else options.as_of.isoformat()
    until = () if as_of is None else ("--as-of", str(as_of))
    words = ("replay", "--json", "--share", f"{share.number}/{share.of}", *until)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=settings.for_child(dsn),
    )
    try:
        output, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _REPORT.validate_python(from_json(output.splitlines()[-1])["report"])


def _share(text: str) -> Partition:
    number, _, of = text.partition("/")
    return Partition(int(number), int(of))


def moment(text: str) -> int | datetime:
    """A position or a time from the command line.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    try:
        return read_moment(text)
    except RefusalError as error:
        raise argparse.ArgumentTypeError("a position, or a time in ISO form") from error


def on_terminal(done: int, total: int) -> None:
    """Show the progress where somebody sees it."""
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == total else ""
        print(f"\r{done} of {total} events{end}", end="", file=sys.stderr, flush=True)


def as_json(done: int, total: int) -> None:
    """Print the progress as a line of JSON, for the process that started this one."""
    print(to_json({"done": done, "of": total}).decode(), flush=True)
