"""`gongji rebuild [PROJECTION]`: rebuild read models beside the live ones, and replace these.

Parked events are retried. Exits with 0 if every event was applied, with 1 if some stay parked or
nothing was replaced.
"""

import asyncio
import sys
from functools import partial

from api.commands.terminal import database, ended, parser, settings_of
from service.read_models.rebuild import NAMES, LogCutError, RebuildRunningError, rebuild
from service.settings import Settings


def main(arguments: list[str]) -> int:
    """Rebuild one read model, or all."""
    command = parser("rebuild", "Rebuild the read models from the first event.")
    command.add_argument("projection", nargs="?", choices=NAMES)
    options = command.parse_args(arguments)
    names = (options.projection,) if options.projection else NAMES
    return ended("rebuild", partial(_run, settings_of(options), names))


def _run(settings: Settings, names: tuple[str, ...]) -> int:
    with database(settings) as dsn:
        try:
            return asyncio.run(_rebuild(dsn, names))
        except LogCutError as error:
            return _fail(f"{error}: the read models are unchanged; run `gongji replay`")
        except RebuildRunningError:
            return _fail("another rebuild is running")


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1


async def _rebuild(dsn: str, names: tuple[str, ...]) -> int:
    rebuilt = await rebuild(dsn, names, _progress)
    print(f"read {rebuilt.events} events")
    for table, rows in rebuilt.rows.items():
        print(f"{table}: {rows} rows")
    for parked in rebuilt.parked:
        print(parked.line())
    count = len(rebuilt.parked)
    print(f"verdict: {count} events stay parked" if count else "verdict: every event was taken")
    return 1 if count else 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} events", end="", file=sys.stderr, flush=True)
