"""`gongji close-year`: close the old year on every account, beside a running service or alone."""

import os
import sys
from datetime import datetime

import uvloop

from api.commands import terminal as bar
from api.commands.terminal import (
    check_clock,
    clock_beside,
    clock_option,
    database,
    is_behind_log,
    open_context,
    parser,
    settings_of,
)
from service.account.year_close import close_year
from service.clock import business_clock
from service.proof.outside import UNSAFE, outside_of
from service.runtime.clock_skew import ClockSkewError
from service.runtime.gc_tuning import settle_in
from service.settings import Settings


def main(arguments: list[str]) -> int:
    """Close every open year, and print the number of accounts."""
    made = parser("close-year", "Close the old year on every account not touched since.")
    clock_option(made, os.environ.get("GONGJI_CLOCK"))
    options = made.parse_args(arguments)
    settings = settings_of(options)
    if options.clock is not None and settings.database_url is not None:
        return _fail("--clock needs the embedded database")
    with database(settings) as dsn:
        try:
            return uvloop.run(_close(settings, dsn, options.clock))
        except (ClockSkewError, *UNSAFE) as error:
            return _fail(str(error))


async def _close(settings: Settings, dsn: str, at: datetime | None) -> int:
    clock = business_clock(at) if at is not None else await clock_beside(settings, dsn)
    await check_clock(dsn)
    async with open_context(settings, dsn, clock, outside=outside_of(settings)) as context:
        if at is not None and await is_behind_log(context.store, clock):
            return _fail("--clock lies before the last recorded event")
        settle_in()
        closed = await close_year(context, bar.show)
        year = context.clock().on.year - 1
    bar.clear()
    print(f"closed {year} on {closed} accounts")
    return 0


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1
