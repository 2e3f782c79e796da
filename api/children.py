"""The follower as a child process: started, woken, started again when it dies."""

import asyncio
import contextlib
import logging
import os
import sys

LOG = logging.getLogger("gongji.run")
AGAIN_S = 1.0
END_S = 10.0
"""How long a child may take to end after its input did."""


class FollowingChild:
    """A process of ours that follows the log of one database."""

    def __init__(self, dsn: str) -> None:
        """Follow this database's log."""
        self._dsn = dsn
        self._wakes = -1
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
        """Say that something was committed; a child that is still busy is not waited for."""
        if self._wakes >= 0:
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(self._wakes, b"\n")

    async def _keep(self) -> None:
        while True:
            await self._once()
            LOG.error("follower.ended again_in_s=%.1f", AGAIN_S)
            await asyncio.sleep(AGAIN_S)

    async def _once(self) -> None:
        reads, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "api",
            "follow",
            stdin=reads,
            env={**os.environ, "GONGJI_DATABASE_URL": self._dsn},
            start_new_session=True,
        )
        os.close(reads)
        try:
            await child.wait()
        finally:
            wakes, self._wakes = self._wakes, -1
            os.close(wakes)
            await _ended(child)


async def _ended(child: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(END_S):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
