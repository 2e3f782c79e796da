"""`gongji rebuild [PROJECTION]`: make read models again beside the live ones, and switch."""

import asyncio
import sys

from api.commands.terminal import database, parser, settings_of
from service.read_models.rebuild import NAMES, LogCutError, RebuildRunningError, rebuild


def main(arguments: list[str]) -> int:
    """Rebuild one read model, or all."""
    made = parser("rebuild", "Make the read models again from the first event, and switch.")
    made.add_argument("projection", nargs="?", choices=NAMES)
    options = made.parse_args(arguments)
    names = (options.projection,) if options.projection else NAMES
    with database(settings_of(options)) as dsn:
        try:
            asyncio.run(_rebuild(dsn, names))
        except LogCutError as error:
            return _fail(f"{error}: the read models stay as they were; look with `gongji replay`")
        except RebuildRunningError:
            return _fail("another rebuild is at work")
    return 0


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1


async def _rebuild(dsn: str, names: tuple[str, ...]) -> None:
    made = await rebuild(dsn, names, _progress)
    print(f"read {made.events} events")
    for table, rows in made.rows.items():
        print(f"{table}: {rows} rows")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} events", end="", file=sys.stderr, flush=True)
