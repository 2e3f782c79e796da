"""One real server for many ledgers: each case brings its own rules, database and clock."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import uvicorn
import uvloop
from typing_extensions import override

from aggregates.policy.edition import Edition
from aggregates.vocabulary import StreamId
from api.app import plain_app, serving
from api.http.asgi import App, Receive, Scope, Send
from api.http.dependencies import Api
from api.http.problems import problem_of
from api.http.tokens import Tokens, make_issuer
from api.ndjson_import.lines import read_line
from service import RefusalError
from service.context import ServiceContext, furnish
from service.ledger.codec import stream_id
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.premium.resolver import PremiumResolver
from service.read_models.reader import ReadModels
from service.regions.policy_book import PolicyBook
from tests.api.clients import LEDGER_KEYS, NoFollower
from tests.api.taxes import TaxOnASocket
from tests.cases.outcome import StoppedClock
from tests.ledgers import tamper

T = TypeVar("T")
TABLES = ("events", "heads", "command_keys", "unique_names", "person_keys")
BEGINNING = "UPDATE log_head SET position = 0, recorded_at = 0"


class _Quiet(uvicorn.Server):
    """uvicorn without its signal handlers: it runs beside the tests, in a thread."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Room:
    """A server on a free port, in a thread with a loop of its own."""

    def __init__(self, place: Path, dsn: str) -> None:
        """Serve nothing yet, from a migrated ledger that each case empties."""
        self._dsn = dsn
        self._store: PostgresStore | None = None
        self.issuer = place / "issuer.json"
        make_issuer(self.issuer)
        self.clock = StoppedClock()
        self._tokens = Tokens(self.issuer, LEDGER_KEYS)
        self._context: ServiceContext | None = None
        self._plain = plain_app()
        self._app: App | None = None
        self._tax = TaxOnASocket()
        self._loop = uvloop.new_event_loop()
        config = uvicorn.Config(
            self._answer, port=0, interface="asgi3", lifespan="off", log_level="warning"
        )
        self._server = _Quiet(config)
        self._thread = threading.Thread(target=self._serve, name="room")
        self._thread.start()

    def _serve(self) -> None:
        self._loop.run_until_complete(self._server.serve())
        self._loop.run_until_complete(self._tax.close())
        if self._store is not None:
            self._loop.run_until_complete(self._store.close())
        self._loop.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None, "furnish comes first"
        await self._app(scope, receive, send)

    @property
    def address(self) -> str:
        """Where it listens."""
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """Serve an empty ledger from here on, with these rules published, before every case."""
        self.clock.at = StoppedClock().at
        await self._there(self._furnish(editions))

    async def _furnish(self, editions: tuple[Edition, ...]) -> None:
        store = await self._emptied()
        regions = {edition.region for edition in editions}
        book = PolicyBook({r: tuple(e for e in editions if e.region == r) for r in regions})
        self._context = furnish(store, LEDGER_KEYS, book, self.clock)
        self._context.tax = await self._tax.side()
        await publish(self._context)
        api = Api(self._context, self._tokens, ReadModels(store.pool, NoFollower()))
        self._app = serving(self._plain, api)

    async def _emptied(self) -> PostgresStore:
        if self._store is None:
            self._store = PostgresStore(self._dsn)
            await self._store.open()
        for table in TABLES:
            await tamper(self._store.pool, f"DELETE FROM {table}")  # noqa: S608 -- of this list
        await self._store.pool.execute(BEGINNING)
        return self._store

    async def behave(self, word: str) -> None:
        """Let the tax side behave like this from now on."""
        await self._there(self._tax.behave(word))

    async def resolve(self) -> None:
        """Take on every premium that the tax side has not answered."""
        await self._there(self._resolve())

    async def _resolve(self) -> None:
        assert self._context is not None, "furnish comes first"
        assert self._store is not None, "it has a ledger then"
        pool = self._store.pool

        async def waiting(_: int, limit: int) -> list[StreamId]:
            found = await pool.fetch("SELECT stream FROM heads WHERE kind = 8 LIMIT $1", limit)
            return [stream_id("prm", stream.hex) for (stream,) in found]

        await PremiumResolver(self._context, waiting, 0.0).once()

    async def load(self, line: Mapping[str, object]) -> tuple[str | None, dict[str, Any]]:
        """Import a line, as `gongji import` does: a refusal's code and its facts."""
        return await self._there(self._load(json.dumps(line).encode()))

    async def _load(self, raw: bytes) -> tuple[str | None, dict[str, Any]]:
        assert self._context is not None, "furnish comes first"
        try:
            reply = await read_line(raw)[1].begin(self._context)
        except RefusalError as refusal:
            return problem_of(refusal)[0], {}
        return reply.refusal, json.loads(reply.answer)

    async def vacate(self) -> None:
        """Let the ledger go."""
        if self._context is not None:
            await self._there(self._vacate(self._context))
        self._context = self._app = None

    @staticmethod
    async def _vacate(context: ServiceContext) -> None:
        await context.appender.close()
        if context.tax is not None:
            await context.tax.close()

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        """Stop the server, then let the ledger go."""
        self._server.should_exit = True
        self._thread.join()
