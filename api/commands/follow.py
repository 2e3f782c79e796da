"""`api follow`: update the read models and seal the log, as a child of `gongji run`.

In the serving process, decoding the log would take a fifth of its time. A byte on standard input
signals a commit; its end signals that the parent is gone.
"""

import asyncio
import os
import sys

import uvloop

from api.commands.terminal import parser
from service.ledger.postgres.connect import Patience
from service.ledger.postgres.store import make_readers
from service.proof.outside import outside_of
from service.proof.sealer import Sealer
from service.read_models.follower import Follower
from service.runtime.logs import set_up_logging
from service.settings import Settings

WAKES = 4096


def main(arguments: list[str]) -> int:
    """Follow until standard input ends."""
    parser("follow", "Update the read models and seal the log (started by `run`).").parse_args(
        arguments
    )
    set_up_logging()
    settings = Settings.read()
    assert settings.database_url is not None, "the parent sets it"
    return uvloop.run(_follow(settings.database_url, settings))


async def _follow(dsn: str, settings: Settings) -> int:
    patience = Patience.of(settings.silent_s)
    async with make_readers(dsn, 2, patience) as pool:
        follower = Follower(dsn, pool, patience=patience)
        await follower.start()
        outside = outside_of(settings)
        sealer = Sealer(dsn, settings.key_file, settings.data, outside, patience)
        sealer.start()
        gone = asyncio.Event()

        def on_input() -> None:
            if os.read(sys.stdin.fileno(), WAKES):
                follower.wake()
            else:
                gone.set()

        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), on_input)
        await gone.wait()
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        await sealer.close()
        await follower.close()
        if outside is not None:
            await outside.close()
    return 0
