"""`gongji replay`: tell the log again, decide it again, and compare with all that is stored.

Works beside a running service. Ends with 1 where anything differs, each difference on a line:
position (`-` where no event is at fault), stream, in what, as stored, as it is made again.
"""

import argparse
import asyncio
import sys

from pydantic import TypeAdapter

from api.commands.options import database, parser, settings_of
from service.ledger.migrate import migrate
from service.persons import Keys, load_keys
from service.replay.run import NoSuchMomentError, Report, moment, replay
from service.replay.words import summary

REPORT = TypeAdapter(Report)


def main(arguments: list[str]) -> int:
    """Replay; 0 where nothing differs, 1 where anything does, 2 where there is no such moment."""
    made = parser("replay", "Rebuild every state and decision from the log and compare.")
    made.add_argument(
        "--as-of",
        type=_moment,
        metavar="POSITION or TIME",
        help="only up to there; what is stored now is then not compared",
    )
    made.add_argument("--json", action="store_true", help="print the report as one JSON document")
    options = made.parse_args(arguments)
    settings = settings_of(options)
    keys = load_keys(settings.key_file)
    with database(settings) as dsn:
        try:
            report = asyncio.run(_replay(dsn, keys, options))
        except NoSuchMomentError:
            print("gongji: the log has not come so far", file=sys.stderr)
            return 2
    if options.json:
        print(REPORT.dump_json(report).decode())
    else:
        print("\n".join(summary(report)))
    return 1 if report.found.count else 0


async def _replay(dsn: str, keys: Keys, options: argparse.Namespace) -> Report:
    await migrate(dsn)
    return await replay(dsn, keys, as_of=options.as_of, progress=_progress)


def _moment(text: str) -> object:
    try:
        return moment(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a position, or a time in ISO form") from error


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\r\x1b[K" if done == total else ""
        print(f"\r{done} of {total} events{end}", end="", file=sys.stderr, flush=True)
