"""`gongji rewrap`: replace the key that wraps the persons' keys."""

import asyncio
import sys

from api.commands.terminal import database, parser, settings_of
from service.person.rewrap import Rewrapped, rewrap
from service.settings import Settings
from service.vault import KeyFileError


def main(arguments: list[str]) -> int:
    """Wrap every person's key again; exit status 1 while a process uses the old wrapping key."""
    made = parser("rewrap", "Replace the wrapping key in the key file, and wrap every key anew.")
    settings = settings_of(made.parse_args(arguments))
    try:
        with database(settings) as dsn:
            done = asyncio.run(_rewrap(settings, dsn))
    except KeyFileError as error:
        print(f"gongji: {error}", file=sys.stderr)
        return 1
    print(f"{done.wrapped} keys wrapped anew")
    if done.is_done:
        print("the old wrapping key is gone from the key file")
        return 0
    print("a process still uses the old wrapping key: restart it, then run this again")
    return 1


async def _rewrap(settings: Settings, dsn: str) -> Rewrapped:
    return await rewrap(dsn, settings.key_file, _progress)


def _progress(count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{count} keys", end="", file=sys.stderr, flush=True)
