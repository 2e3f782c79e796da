"""Child processes: started, restarted when they die, ended by closing their input."""

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
"""Seconds for a child to end after its input is closed."""


class Child:
    """A process that runs a module for as long as this process lives."""

    def __init__(
        self,
        name: str,
        words: tuple[str, ...],
        environment: Mapping[str, str] | None,
        inherits: tuple[int, ...] = (),
    ) -> None:
        self._name = name
        self._words = words
        self._environment = environment
        self._inherits = inherits
        self._input = -1
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start it, on the running loop."""
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Close its input and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Send it a byte; does not wait for a busy child."""
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
            env=self._environment,
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
    """A process that follows and seals the log of a database; `wake` it after a commit."""

    def __init__(self, dsn: str, settings: Settings) -> None:
        super().__init__("follower", ("api", "follow"), settings.for_child(dsn))


class TaxChild(Child):
    """The tax authority's stand-in, on a local port that stays open while it restarts."""

    def __init__(self, books: Path) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        number = self._listening.fileno()
        words = ("api.sandbox.tax", f"fd={number}", str(books))
        super().__init__("tax-stand-in", words, None, (number,))

    @override
    async def close(self) -> None:
        """Wait for its end, and close the port."""
        await super().close()
        self._listening.close()


async def _ended(child: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
