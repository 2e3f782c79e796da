"""`gongji replay`: tell the log again, decide it again, and compare with all that is stored.

Works beside a running service. Ends with 1 where anything differs, each difference on a line:
position (`-` where no event is at fault), stream, in what, as stored, as it is made again.
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
"""Events that one process tells sooner than two could start."""
NICE = 10
"""How far a replay that the service started stands back for the counters."""
_REPORT = TypeAdapter(ReplayReport)


def main(arguments: list[str]) -> int:
    """Replay; 0 where nothing differs, 1 where anything does, 2 where there is no such moment."""
    options = _options(arguments)
    return ended("replay", partial(_told, options, settings_of(options)))


def _told(options: argparse.Namespace, settings: Settings) -> int:
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
            print("gongji: the log has not come so far", file=sys.stderr)
            return 2
    if options.json:
        print(to_json({"report": _REPORT.dump_python(report, mode="json")}).decode())
    else:
        print("\n".join(summary(report)))
    return 1 if report.found.count else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    made = parser("replay", "Rebuild every state and decision from the log and compare.")
    made.add_argument(
        "--as-of",
        type=moment,
        metavar="POSITION or TIME",
        help="only up to there; what is stored now is then not compared",
    )
    made.add_argument(
        "--json", action="store_true", help="print progress and report as lines of JSON"
    )
    made.add_argument(
        "--balances",
        action="store_true",
        help="only add up: every balance and version, by the database itself",
    )
    made.add_argument("--share", type=_share, default=None, help=argparse.SUPPRESS)
    made.add_argument(
        "--processes",
        type=int,
        metavar="N",
        help="processes that share the work: 2 on a long log, else 1",
    )
    return made.parse_args(arguments)


def _add_up(settings: Settings) -> int:
    with database(settings) as dsn:
        events, found = asyncio.run(check_balances(dsn))
    lines = [difference.line() for difference in found.kept]
    print("\n".join([*lines, f"added up {events} events", f"differences: {found.count}"]))
    return 1 if found.count else 0


async def _replay(
    dsn: str, vault: Vault, settings: Settings, options: argparse.Namespace
) -> ReplayReport:
    progress: Progress = _as_json if options.json else _on_terminal
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
    """Another share of the same replay, in a process of its own."""
    as_of = options.as_of if isinstance(options.as_of, int | None) else options.as_of.isoformat()
    told = () if as_of is None else ("--as-of", str(as_of))
    words = ("replay", "--json", "--share", f"{share.number}/{share.of}", *told)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "api", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "GONGJI_DATABASE_URL": dsn,
            "GONGJI_DATA": str(settings.data),
            "GONGJI_KEY_FILE": str(settings.key_file),
        },
    )
    try:
        said, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return _REPORT.validate_python(from_json(said.splitlines()[-1])["report"])


def _share(text: str) -> Partition:
    number, _, of = text.partition("/")
    return Partition(int(number), int(of))


def moment(text: str) -> int | datetime:
    """A position or a moment from the command line.

    Raises:
        argparse.ArgumentTypeError: it is neither.
    """
    try:
        return read_moment(text)
    except RefusalError as error:
        raise argparse.ArgumentTypeError("a position, or a time in ISO form") from error


def _on_terminal(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == total else ""
        print(f"\r{done} of {total} events{end}", end="", file=sys.stderr, flush=True)


def _as_json(done: int, total: int) -> None:
    print(to_json({"done": done, "of": total}).decode(), flush=True)
