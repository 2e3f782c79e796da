"""The stand-in centre on a free port in the test's loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from typing_extensions import override

from api.sandbox.centre import CentreDesk, create_centre


class _Quiet(uvicorn.Server):
    """uvicorn without its signal handlers: it runs beside the tests."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class CentreOnASocket:
    """A centre, its address, and what came to it."""

    def __init__(self, desk: CentreDesk, url: str) -> None:
        """Take the desk of a served centre."""
        self.desk = desk
        self.url = url

    @property
    def came(self) -> int:
        """How many requests came."""
        return len(self.desk.received)


@asynccontextmanager
async def a_centre() -> AsyncIterator[CentreOnASocket]:
    """A centre that answers, until the test is over."""
    desk = CentreDesk()
    config = uvicorn.Config(
        create_centre(desk),
        port=0,
        lifespan="off",
        log_level="critical",
        timeout_graceful_shutdown=1,
    )
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield CentreOnASocket(desk, f"http://127.0.0.1:{port}")
    finally:
        desk.behave("normal")
        server.should_exit = True
        await serving
