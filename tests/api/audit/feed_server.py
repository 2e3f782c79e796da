"""A desk's application on a port of its own, for what only a real connection can show."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import uvicorn
from typing_extensions import override

from api.app import create_app
from api.http.dependencies import Api
from api.http.metrics import MetricsMiddleware
from api.http.tokens import Tokens
from service.read_models.reader import ReadModels
from tests.api.clients import Desk, NoFollower, Who


class Message(NamedTuple):
    """One message of a live feed."""

    position: int
    topic: str
    event: dict[str, Any]


async def messages(stream: httpx.Response) -> AsyncIterator[Message]:
    """The messages of a live feed; comments and the time to wait are passed over."""
    told: dict[str, str] = {}
    async for line in stream.aiter_lines():
        name, _, value = line.partition(": ")
        if line and name in ("id", "event", "data"):
            assert name not in told
            told[name] = value
        elif not line and told:
            event = json.loads(told["data"])
            assert int(told["id"]) == event["position"]
            yield Message(int(told["id"]), told["event"], event)
            told = {}


class Served:
    """A running server and how to follow it."""

    def __init__(
        self, desk: Desk, api: Api, server: uvicorn.Server, app: MetricsMiddleware
    ) -> None:
        """Know the server; it listens already."""
        self.desk, self.api = desk, api
        self._server, self._app = server, app
        self._ended = asyncio.create_task(server.serve())

    async def listening(self) -> None:
        """Wait until it listens."""
        while not self._server.started:
            assert not self._ended.done()
            await asyncio.sleep(0.005)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"

    @asynccontextmanager
    async def follow(self, who: Who, **headers: str) -> AsyncIterator[httpx.Response]:
        """A live feed from the beginning, or from where the headers say."""
        told = self.desk.bearer(who) | {"Accept": "text/event-stream"} | headers
        async with (
            httpx.AsyncClient(trust_env=False, timeout=30) as client,
            client.stream("GET", f"{self.address}/v1/events", headers=told) as stream,
        ):
            assert 200 == stream.status_code
            assert stream.headers["content-type"].startswith("text/event-stream")
            yield stream

    def streams(self) -> int:
        """How many live feeds are counted."""
        app: Any = self._app
        while not hasattr(app, "state"):  # the routes lie behind what watches and bounds them
            app = app._app  # noqa: SLF001
        counted: int = app.state.feed.streams
        return counted

    def stop(self) -> None:
        """Tell it to stop, as `run` does."""
        self._server.should_exit = True
        self.api.stopping.set()

    async def ended(self) -> None:
        """Wait until it has stopped."""
        await self._ended


async def taken(server: Served, who: Who, upto: int, after: str = "") -> list[Message]:
    """Live messages up to a position."""
    headers = {"Last-Event-ID": after} if after else {}
    found: list[Message] = []
    async with asyncio.timeout(30), server.follow(who, **headers) as stream:
        async for message in messages(stream):
            found.append(message)
            if message.position >= upto:
                break
    return found


class _Quiet(uvicorn.Server):
    """uvicorn without its signal handlers: a test has its own."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[Served]:
    """A desk in PostgreSQL behind a port that was free, stopped at the end."""
    read_models = ReadModels(desk.context.store.pool, NoFollower())  # type: ignore[attr-defined]
    api = Api(desk.context, Tokens(desk.issuer, desk.context.vault), read_models)
    app = create_app(api)
    assert isinstance(app, MetricsMiddleware)
    config = uvicorn.Config(
        app, port=0, http="httptools", ws="none", lifespan="off", log_level="warning"
    )
    server = Served(desk, api, _Quiet(config), app)
    await server.listening()
    try:
        yield server
    finally:
        server.stop()
        await server.ended()
