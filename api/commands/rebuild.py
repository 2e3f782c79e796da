"""`gongji rebuild [PROJECTION]`: make read models again beside the live ones, and switch.

Every event is tried again, those too that were parked. Ends with a verdict: 0 where every event
was taken, 1 where some stay parked or nothing was put in place.
"""

import asyncio
import sys
from functools import partial

from api.commands.terminal import database, ended, parser, settings_of
from service.read_models.rebuild import NAMES, LogCutError, RebuildRunningError, rebuild
from service.settings import Settings


def main(arguments: list[str]) -> int:
    """Rebuild one read model, or all."""
    made = parser("rebuild", "Make the read models again from the first event, and switch.")
    made.add_argument("projection", nargs="?", choices=NAMES)
    options = made.parse_args(arguments)
    names = (options.projection,) if options.projection else NAMES
    return ended("rebuild", partial(_made, settings_of(options), names))


def _made(settings: Settings, names: tuple[str, ...]) -> int:
    with database(settings) as dsn:
        try:
            return asyncio.run(_rebuild(dsn, names))
        except LogCutError as error:
            return _fail(f"{error}: the read models stay as they were; look with `gongji replay`")
        except RebuildRunningError:
            return _fail("another rebuild is at work")


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1


async def _rebuild(dsn: str, names: tuple[str, ...]) -> int:
    made = await rebuild(dsn, names, _progress)
    print(f"read {made.events} events")
    for table, rows in made.rows.items():
        print(f"{table}: {rows} rows")
    for each in made.parked:
        print(each.line())
    count = len(made.parked)
    print(f"verdict: {count} events stay parked" if count else "verdict: every event was taken")
    return 1 if count else 0


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} events", end="", file=sys.stderr, flush=True)
