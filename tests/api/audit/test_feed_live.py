"""The live feed: as it happens, once, from where it was cut, and never in the way of an end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

from api.audit.event_feed_routes import HEARTBEAT, Streamed, live
from api.http.tokens import issue
from service.clock import machine_now, monotonic_s
from service.read_models.event_feed import Feed
from tests.api.audit.feed_server import Message, messages, served, taken
from tests.api.audit.test_feed import PATH, lines
from tests.api.clients import AUDITOR, Desk, a_family, a_settlement
from tests.api.programs import a_place, a_service, run


async def test_a_follower_sees_every_position_once_while_others_write(
    desk_on_postgres: Desk,
) -> None:
    """Lines behind a position, written by many at once, arrive in order without gap or twin."""
    desk = desk_on_postgres
    await a_family(desk)
    began = await desk.context.store.position()

    async def write(number: int) -> None:
        for n in range(10):
            visit = f"v{number}-{n}"
            await a_settlement(desk, visit=visit, total="0.20", fund_pay="0.10")

    async with served(desk) as server:
        # each settlement of the patient's own money is a debit and the settlement
        following = asyncio.create_task(taken(server, AUDITOR, began + 400))
        await asyncio.gather(*(write(number) for number in range(20)))
        found = await following

    head = await desk.context.store.position()
    assert began + 400 == head
    assert list(range(1, head + 1)) == [message.position for message in found]
    assert await lines(desk, AUDITOR) == [message.event for message in found]
    assert {message.topic for message in found} == {m.event["topic"] for m in found}


async def test_a_follower_goes_on_where_it_was_cut(desk_on_postgres: Desk) -> None:
    """`Last-Event-ID` counts before `after`: however often it is cut, nothing is lost or twice."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    head = await desk.context.store.position()
    found: list[Message] = []
    async with served(desk) as server:
        for upto in (3, 4, 11, head):
            last = str(found[-1].position) if found else ""
            found += await taken(server, AUDITOR, upto, last)

    assert list(range(1, head + 1)) == [message.position for message in found]


async def test_a_reader_that_goes_leaves_nothing_behind(desk_on_postgres: Desk) -> None:
    """After the client has gone its stream is counted no more, whether quiet or at work."""
    desk = desk_on_postgres
    await a_family(desk)
    async with served(desk) as server:
        for _ in range(5):
            await taken(server, AUDITOR, 1)
        async with asyncio.timeout(5):
            while server.streams():  # noqa: ASYNC110 -- nobody tells us
                await asyncio.sleep(0.01)


async def test_an_open_stream_ends_when_the_service_stops(desk_on_postgres: Desk) -> None:
    """The stream ends by itself, to the last byte, and the server does not wait for it."""
    desk = desk_on_postgres
    await a_family(desk)
    async with served(desk) as server, server.follow(AUDITOR) as stream:
        told = messages(stream)
        await anext(told)
        began = monotonic_s()
        server.stop()
        async for _ in told:
            pass
        await server.ended()
        assert monotonic_s() - began < 5


def test_a_service_with_an_open_stream_stops_at_once() -> None:
    """SIGTERM ends `run` with 0 well within its patience while somebody follows."""
    with a_place() as place, a_service(place / "data", "--no-demo") as service:
        token = run("token", "--data", str(place / "data"), "--role", "auditor").strip()
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        address = service.address + PATH
        with httpx.stream("GET", address, headers=headers, trust_env=False) as stream:
            told = stream.iter_lines()
            assert "retry: 1000" == next(told)
            began = monotonic_s()
            service.process.terminate()
            assert "id: 1" in list(told)
        assert 0 == service.stop()
        assert monotonic_s() - began < 10


async def test_a_quiet_stream_beats_and_ends_with_its_token(desk_on_postgres: Desk) -> None:
    """Between events there is a comment; a token that has run out ends the stream."""
    desk = desk_on_postgres
    ends_at = machine_now().timestamp() + 4
    token = issue(desk.issuer, *AUDITOR, type(machine_now()).fromtimestamp(ends_at))
    async with served(desk) as server:
        feed = Feed(desk.context.store, server.api.read_models.pool)
        head = await desk.context.store.position()
        async with asyncio.timeout(10):
            told = [x async for x in live(feed, server.api, f"Bearer {token}", head, 0.2)]

    assert 3 <= told.count(HEARTBEAT)
    assert {HEARTBEAT} == set(told[1:])


async def test_a_reader_that_takes_nothing_cannot_hold_the_service() -> None:
    """A piece that is never taken is given up shortly after the service stops."""
    stopping, asked = asyncio.Event(), 0

    async def told() -> AsyncIterator[bytes]:
        nonlocal asked
        while True:
            asked += 1
            yield b"x"

    async def never(*_: object) -> Any:  # noqa: ANN401 -- receive and send of ASGI
        await asyncio.Event().wait()

    answer = Streamed(told(), stopping, "text/plain", 0)  # type: ignore[arg-type]
    call = asyncio.create_task(answer({"type": "http"}, never, never))
    await asyncio.sleep(0.05)
    stopping.set()
    async with asyncio.timeout(5):
        await call
    assert 0 == asked, "nothing is made before the last piece was taken"
