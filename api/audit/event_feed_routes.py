"""The feed of events: as lines (NDJSON) up to a limit, or live (server-sent events)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse
from typing_extensions import override

from api.audit.event_feed_responses import EVENT_EXAMPLE
from api.http.asgi import Receive, Scope, Send
from api.http.dependencies import Api, ApiOf, CallerOf
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from service.clock import monotonic_s
from service.ledger.command import OverloadedError
from service.read_models.event_feed import (
    LIMIT_MAX,
    LOOK_EVERY_S,
    POSITION_MAX,
    READ_MAX,
    Feed,
    FeedLine,
    check_follower,
)

LOG = logging.getLogger("gongji.api")
LINES, LIVE = "application/x-ndjson", "text/event-stream"
HEARTBEAT_S = 15.0
"""After so many quiet seconds a live feed says that it is there, and looks at its token again."""
GRACE_S = 2.0
"""How long an answer may take to end once the service stops, in seconds."""
STREAMS_MAX = 100
"""Live feeds of one process."""
BEGINNING = b"retry: 1000\n\n"
HEARTBEAT = b":\n\n"

router = APIRouter(prefix="/v1", tags=["events"])

EVENT = {"schema": {"$ref": "#/components/schemas/EventReply"}, "example": EVENT_EXAMPLE}
TOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One event a line, or one message each",
        "content": {LINES: EVENT, LIVE: EVENT},
    }
}


@router.get("/events", response_class=Response, responses=TOLD | problems(422))
async def follow_events(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    after: Annotated[int, Query(ge=0, le=POSITION_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 1000,
    last_event_id: Annotated[str | None, Header(pattern="^([0-9]{1,18})?$")] = None,
) -> Response:
    """Events behind a position, in the log's order (auditor: all; agency: its region's).

    NDJSON, one event a line; `Gongji-Position` is where to go on from: the last line's
    position, or `after` where there is none. With `Accept: text/event-stream` the feed goes
    on live: `id` is the position, `event` the topic; `Last-Event-ID` counts before `after`,
    and `limit` does not count. Amounts are fen; sealed personal data is left out.
    """
    check_follower(caller)
    feed = _feed_of(request, api)
    if LIVE in request.headers.get("accept", "").lower():
        if feed.streams >= STREAMS_MAX:
            raise OverloadedError
        told = live(feed, api, request.headers.get("authorization"), int(last_event_id or after))
        return Streamed(told, api.stopping, LIVE, after, feed)
    found = await feed.find(caller, after, limit)
    last = found.positions[-1] if found.positions else after
    return Streamed(_lines(feed, found.positions), api.stopping, LINES, last)


def _feed_of(request: Request, api: Api) -> Feed:
    """The feed of this application, one for all who ask."""
    state = request.app.state
    if not hasattr(state, "feed"):
        state.feed = Feed(api.context.store, api.read_models.pool)
    feed: Feed = state.feed
    return feed


async def _lines(feed: Feed, positions: Sequence[int]) -> AsyncGenerator[bytes]:
    for first in range(0, len(positions), READ_MAX):
        page = await feed.read(positions[first : first + READ_MAX])
        yield b"".join(line.body + b"\n" for line in page)


async def live(
    feed: Feed,
    api: Api,
    authorization: str | None,
    after: int,
    heartbeat_s: float = HEARTBEAT_S,
) -> AsyncGenerator[bytes]:
    """Events behind a position as they come, until the service stops or the token ends."""
    yield BEGINNING
    caller, looked_s = None, 0.0
    spoke_s = monotonic_s()
    while not api.stopping.is_set():
        if caller is None or monotonic_s() - looked_s >= heartbeat_s:
            looked_s = monotonic_s()
            try:
                caller = api.tokens.caller(authorization)
            except ProblemError:
                return
        page: list[FeedLine] = []
        if await feed.head() > after:
            positions, after = await feed.find(caller, after, READ_MAX)
            page = await feed.read(positions)
        if page or monotonic_s() - spoke_s >= heartbeat_s:
            yield _messages(page) or HEARTBEAT
            spoke_s = monotonic_s()
        if len(page) < READ_MAX:
            await _pause(api.stopping)


def _messages(page: Iterable[FeedLine]) -> bytes:
    return b"".join(
        b"id: %d\nevent: %b\ndata: %b\n\n" % (line.position, line.topic.encode(), line.body)
        for line in page
    )


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_EVERY_S):
            await stopping.wait()
    except TimeoutError:
        pass


class Streamed(StreamingResponse):
    """An answer in pieces that ends when its reader goes or the service stops.

    Each piece waits until the one before was taken. What cannot be told to its end is cut,
    so that nobody takes a part for the whole.
    """

    def __init__(
        self,
        told: AsyncGenerator[bytes],
        stopping: asyncio.Event,
        media_type: str,
        position: int,
        feed: Feed | None = None,
    ) -> None:
        """Tell the pieces; with a `feed` it counts among its live streams."""
        headers = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "X-Accel-Buffering": "no",
            "Gongji-Position": str(position),
        }
        super().__init__(told, headers=headers, media_type=media_type)
        self._told = told
        self._stopping = stopping
        self._feed = feed

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces until one of the three ends: they, the reader, the service."""
        writing = asyncio.create_task(self.stream_response(send))
        gone = asyncio.create_task(_gone(receive))
        stopping = asyncio.create_task(self._stopping.wait())
        self._count(1)
        try:
            await asyncio.wait({writing, gone, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not (writing.done() or gone.done()):
                await asyncio.wait(
                    {writing, gone}, timeout=GRACE_S, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            self._count(-1)
            for task in (writing, gone, stopping):
                task.cancel()
            ended, *_ = await asyncio.gather(writing, gone, stopping, return_exceptions=True)
            await self._told.aclose()
        if isinstance(ended, Exception):
            LOG.error("feed.cut error=%s", type(ended).__name__)

    def _count(self, more: int) -> None:
        if self._feed is not None:
            self._feed.streams += more


async def _gone(receive: Receive) -> None:
    """Wait until the reader has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
