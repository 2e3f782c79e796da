"""Our child processes: started, started again when they die, ended with their input."""

import asyncio
import contextlib
import logging
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from typing_extensions import override

from service.settings import Settings

LOG = logging.getLogger("gongji.run")
AGAIN_S = 1.0
END_S = 5.0
"""How long a child may take to end after its input did."""


class Child:
    """A process of ours that runs a module for as long as we live."""

    def __init__(
        self,
        name: str,
        words: tuple[str, ...],
        environment: Mapping[str, str],
        inherits: tuple[int, ...] = (),
    ) -> None:
        """Know what to run: a module and its arguments, and sockets that it inherits."""
        self._name = name
        self._words = words
        self._environment = environment
        self._inherits = inherits
        self._input = -1
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Let it finish: its input ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Send it a byte; a child that is still busy is not waited for."""
        if self._input >= 0:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._input, b"\n")

    async def _keep(self) -> None:
        while True:
            await self._once()
            LOG.error("%s.ended again_in_s=%.1f", self._name, AGAIN_S)
            await asyncio.sleep(AGAIN_S)

    async def _once(self) -> None:
        reads, self._input = os.pipe()
        os.set_blocking(self._input, False)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            *self._words,
            stdin=reads,
            env={**os.environ, **self._environment},
            start_new_session=True,
            pass_fds=self._inherits,
        )
        os.close(reads)
        try:
            await child.wait()
        finally:
            end, self._input = self._input, -1
            os.close(end)
            await _ended(child)


class FollowingChild(Child):
    """A process that follows and seals the log of one database.

    `wake` says that something is committed.
    """

    def __init__(self, dsn: str, settings: Settings) -> None:
        """Follow this database's log, and seal it with the keys of these settings."""
        environment = {
            "GONGJI_DATABASE_URL": dsn,
            "GONGJI_DATA": str(settings.data),
            "GONGJI_KEY_FILE": str(settings.key_file),
        }
        super().__init__("follower", ("api", "follow"), environment)


class TaxChild(Child):
    """The stand-in for the tax side, on a port of this machine that stays open while it dies."""

    def __init__(self, books: Path) -> None:
        """Keep its books in a file."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        number = self._listening.fileno()
        words = ("api.sandbox.tax", f"fd={number}", str(books))
        super().__init__("tax-stand-in", words, {}, (number,))

    @override
    async def close(self) -> None:
        """Let it finish, and close the port."""
        await super().close()
        self._listening.close()


async def _ended(child: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
