"""A service of its own process whose business clock is wrong: by what a file says, read each time.

`python -m tests.faults.skewed_service FILE`: the file has the seconds that the clock is ahead of
the machine's. The rest is in the environment, as for `run`.
"""

import socket
import sys
from datetime import timedelta
from pathlib import Path

import uvicorn
import uvloop
from typing_extensions import override

from aggregates.vocabulary import Instant, instant
from api.app import create_app
from api.commands.terminal import open_context
from api.http.dependencies import Api
from api.http.tokens import Tokens
from service.clock import machine_now
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.read_models.follower import Follower
from service.read_models.reader import ReadModels
from service.runtime.logs import set_up_logging
from service.settings import Settings


class FileClock:
    """A clock that somebody else sets."""

    def __init__(self, file: Path) -> None:
        """Read the difference from a file."""
        self._file = file

    def __call__(self) -> Instant:
        """The wrong time."""
        ahead = timedelta(seconds=float(self._file.read_text(encoding="ascii")))
        return instant(machine_now() + ahead)


class Telling(uvicorn.Server):
    """uvicorn, saying where it listens."""

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        sys.stdout.write(f"ready {self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


async def serve(file: Path, settings: Settings) -> None:
    """Serve until told to stop."""
    assert settings.database_url is not None, "it is a guest"
    assert settings.token_keys is not None, "both take the same tokens"
    async with open_context(settings, settings.database_url, FileClock(file)) as context:
        assert isinstance(context.store, PostgresStore), "a service keeps its ledger in PostgreSQL"
        await publish(context)
        follower = Follower(settings.database_url, context.store.pool)
        await follower.prepare()
        read_models = ReadModels(context.store.pool, follower)
        api = Api(context, Tokens(settings.token_keys, context.vault), read_models)
        config = uvicorn.Config(
            create_app(api), port=0, lifespan="off", access_log=False, log_config=None
        )
        await Telling(config).serve()


if __name__ == "__main__":
    set_up_logging()
    uvloop.run(serve(Path(sys.argv[1]), Settings.read()))
