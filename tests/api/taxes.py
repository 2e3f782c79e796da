"""The stand-in for the tax authority, on a free port in the test's loop."""

import asyncio
import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI
from typing_extensions import override

from api.http.asgi import Receive, Scope, Send
from api.sandbox.tax import TaxBooks, create_sandbox
from service.adapters.http_client import http_client
from service.adapters.tax_authority import Tax
from tests.tax_patience import LATE_S, patience


class _Quiet(uvicorn.Server):
    """uvicorn without its signal handlers: it runs beside the tests."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class TaxOnASocket:
    """A tax authority, served from its first use."""

    def __init__(self) -> None:
        """Start without a server."""
        self._server: _Quiet | None = None
        self._serving: asyncio.Task[None] | None = None
        self._app: FastAPI | None = None
        self.books = TaxBooks(late_s=LATE_S)
        self._side: Tax | None = None

    async def side(self) -> Tax:
        """A client of an empty one."""
        self.books = TaxBooks(late_s=LATE_S)
        self._app = create_sandbox(self.books)
        self._side = Tax(await self._address(), timeout_s=patience("normal"))
        return self._side

    async def behave(self, word: str) -> None:
        """Set its behaviour over its socket."""
        address = await self._address()
        async with http_client(30) as client:
            answer = await client.post(f"{address}/behaviour", json={"now": word})
        assert word == answer.json()["now"]
        if self._side is not None:
            self._side.timeout_s = patience(word)

    async def close(self) -> None:
        """Stop serving."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving

    async def _address(self) -> str:
        if self._server is None:
            config = uvicorn.Config(
                self._answer,
                port=0,
                interface="asgi3",
                lifespan="off",
                log_level="critical",
                timeout_graceful_shutdown=1,
            )
            self._server = _Quiet(config)
            self._serving = asyncio.create_task(self._server.serve())
            while not self._server.started:
                assert not self._serving.done()
                await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None, "a side comes first"
        await self._app(scope, receive, send)
