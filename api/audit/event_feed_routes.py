"""The feed of events: as lines (NDJSON) up to a limit, or live (server-sent events)."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import StreamingResponse
from typing_extensions import override

from api.http.asgi import Receive, Scope, Send
from api.http.dependencies import Api, ApiOf, CallerOf
from api.http.headers import answer_headers
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from service.clock import monotonic_s
from service.ledger.command import OverloadedError
from service.read_models import event_feed
from service.read_models.event_feed import READ_MAX, Feed, FeedLine

LOG = logging.getLogger("gongji.api")
LINES, LIVE = "application/x-ndjson", "text/event-stream"
HEARTBEAT_S = 15.0
"""After this many quiet seconds a live feed sends a heartbeat and checks its token again."""
GRACE_S = 2.0
"""How long an answer may take to end after the service stops, in seconds."""
STREAMS_MAX = 100
"""Live feeds of one process."""
BEGINNING = b"retry: 1000\n\n"
HEARTBEAT = b":\n\n"

router = APIRouter(prefix="/v1", tags=["events"])

EVENT = {"schema": {"$ref": "#/components/schemas/EventReply"}}
FEED_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One event a line, or one message each",
        "content": {LINES: EVENT, LIVE: EVENT},
    }
}


@router.get("/events", response_class=Response, responses=FEED_ANSWERS | problems(422))
async def follow_events(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    after: Annotated[int, Query(ge=0, le=event_feed.POSITION_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=event_feed.LIMIT_MAX)] = 1000,
    last_event_id: Annotated[str | None, Header(pattern="^([0-9]{1,18})?$")] = None,
) -> Response:
    """Events after a position, in the log's order (auditor: all; agency: its region's).

    NDJSON, one event a line; `Gongji-Position` is the next `after`: the last line's position,
    or the given `after` if there is no line. With `Accept: text/event-stream` the feed is
    live: `id` is the position, `event` the topic; `Last-Event-ID` has precedence over `after`,
    and `limit` is ignored. Amounts are fen; sealed personal data is left out.
    """
    event_feed.check_follower(caller)
    feed: Feed = request.app.state.feed  # one for all readers
    if LIVE in request.headers.get("accept", "").lower():
        if feed.streams >= STREAMS_MAX:
            raise OverloadedError
        token = request.headers.get("authorization")
        parts = live(feed, api, token, int(last_event_id or after))
        return Streamed(parts, api.stopping, LIVE, after, feed)
    positions = (await feed.find(caller, after, limit)).positions
    last = positions[-1] if positions else after
    return Streamed(_lines(feed, positions), api.stopping, LINES, last)


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
    """Events after a position as they come, until the service stops or the token expires."""
    yield BEGINNING
    caller, checked_s = None, 0.0
    sent_s = monotonic_s()
    while not api.stopping.is_set():
        if caller is None or monotonic_s() - checked_s >= heartbeat_s:
            checked_s = monotonic_s()
            try:
                caller = api.tokens.caller(authorization)
            except ProblemError:
                return
        page: list[FeedLine] = []
        if await feed.head() > after:
            positions, after = await feed.find(caller, after, READ_MAX)
            page = await feed.read(positions)
        if page or monotonic_s() - sent_s >= heartbeat_s:
            yield _messages(page) or HEARTBEAT
            sent_s = monotonic_s()
        if len(page) < READ_MAX:
            await _pause(api.stopping)


def _messages(page: Iterable[FeedLine]) -> bytes:
    return b"".join(
        b"id: %d\nevent: %b\ndata: %b\n\n" % (line.position, line.topic.encode(), line.body)
        for line in page
    )


async def _pause(stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(event_feed.LOOK_EVERY_S):
            await stopping.wait()
    except TimeoutError:
        pass


class Streamed(StreamingResponse):
    """An answer in parts that ends when its reader disconnects or the service stops.

    Each part waits until the one before was sent. If the answer cannot be completed, the
    connection is cut, so that a reader sees that it is incomplete.
    """

    def __init__(
        self,
        parts: AsyncGenerator[bytes],
        stopping: asyncio.Event,
        media_type: str,
        position: int,
        feed: Feed | None = None,
    ) -> None:
        """Send the parts; with a `feed` the answer counts as one of its live streams."""
        headers = answer_headers(position) | {"X-Accel-Buffering": "no"}
        super().__init__(parts, headers=headers, media_type=media_type)
        self._parts = parts
        self._stopping = stopping
        self._feed = feed

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts until they end, the reader disconnects, or the service stops."""
        writing = asyncio.create_task(self.stream_response(send))
        gone = asyncio.create_task(_gone(receive))
        stopping = asyncio.create_task(self._stopping.wait())
        self._count(1)
        try:
            await asyncio.wait({writing, gone, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not (writing.done() or gone.done()):
                ends = {writing, gone}
                await asyncio.wait(ends, timeout=GRACE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._count(-1)
            for task in (writing, gone, stopping):
                task.cancel()
            ended, *_ = await asyncio.gather(writing, gone, stopping, return_exceptions=True)
            await self._parts.aclose()
        if isinstance(ended, Exception):
            LOG.error("feed.cut error=%s", type(ended).__name__)

    def _count(self, more: int) -> None:
        if self._feed is not None:
            self._feed.streams += more


async def _gone(receive: Receive) -> None:
    """Wait until the reader disconnects."""
    while (await receive())["type"] != "http.disconnect":
        pass
