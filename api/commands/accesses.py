"""`gongji accesses [--prune]`: check the access log's chain, and prune what is too old."""

import asyncio
from datetime import timedelta

from api.commands.terminal import database, parser, settings_of
from service.clock import machine_now
from service.ledger.access_log import ChainCheck, check, prune
from service.ledger.postgres.connect import make_pool
from service.ledger.postgres.store import READER_SETTINGS
from service.proof.access_log_head import AccessesBrokenError
from service.proof.sealer import check_accesses
from service.settings import Settings

DAYS_MIN = 180
"""The least that the law requires (网络安全法; policy.md §6.6), whatever the settings say."""


def main(arguments: list[str]) -> int:
    """Print the chain's head, to be kept elsewhere; status 1 if the chain is broken."""
    command = parser("accesses", "Check the access log; print its newest position and hash.")
    command.add_argument(
        "--prune", action="store_true", help="then delete what is older than GONGJI_ACCESS_DAYS"
    )
    options = command.parse_args(arguments)
    settings = settings_of(options)
    try:
        with database(settings) as dsn:
            checked, pruned = asyncio.run(_check(settings, dsn, prunes=options.prune))
    except AccessesBrokenError as error:
        print(error)
        return 1
    if checked.broken is not None:
        print(f"broken at {checked.broken} of {checked.position}")
        return 1
    print(f"whole {checked.position} {checked.hash.hex()}")
    if options.prune:
        print(f"{pruned} forgotten")
    return 0


async def _check(settings: Settings, dsn: str, *, prunes: bool) -> tuple[ChainCheck, int]:
    """Check the chain, also against the last checkpoint, and prune only if both hold."""
    async with make_pool(dsn, READER_SETTINGS, 1) as pool:
        checked = await check(pool)
        if checked.broken is None:
            await check_accesses(pool, settings.data)
        if not prunes or checked.broken is not None:
            return checked, 0
        days = timedelta(days=max(DAYS_MIN, settings.access_days))
        before = machine_now() - days
        return checked, await prune(pool, int(before.timestamp()) * 1_000_000)
