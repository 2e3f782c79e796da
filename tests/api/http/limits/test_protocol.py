"""What a connection may cost before anybody knows who it is: real sockets, one server."""

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator

import pytest
import uvicorn
from typing_extensions import override

from api.http.asgi import Receive, Scope, Send, read_raw
from api.http.limits.protocol import LINGER_S, Bounds, bounded
from api.http.problems import ProblemError

pytestmark = pytest.mark.thorough

PROBLEM = b"application/problem+json"
OK = b"HTTP/1.1 200 OK"
LIVEZ = b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
SHORT = Bounds(head_s=0.5, quiet_s=0.5, body_s=2.0)
"""Bounds that a test can wait for; an honest request here takes a millisecond."""

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Quiet(uvicorn.Server):
    """uvicorn without its signal handlers."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def count_bytes(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads its body and says how long it was, and how many headers came."""
    if scope["path"] == "/much":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": bytes(2**16), "more_body": True})
        return
    try:
        told = f"{len(await read_raw(receive, 2**21))} {len(scope['headers'])}".encode()
    except ProblemError as error:
        told = error.code.encode()
    length = (b"content-length", b"%d" % len(told))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": told})


@contextlib.asynccontextmanager
async def serving(bounds: Bounds) -> AsyncIterator[int]:
    """A server with these bounds; its port."""
    config = uvicorn.Config(
        count_bytes,
        port=0,
        http=bounded(bounds),
        interface="asgi3",
        lifespan="off",
        log_level="error",
    )
    server = _Quiet(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 -- uvicorn sends no event
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


async def knock(port: int, sent: bytes) -> Ends:
    """Connect and send some bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    await writer.drain()
    return reader, writer


async def answer_to(port: int, sent: bytes) -> bytes:
    """All that comes back until the server closes; nothing more is sent."""
    reader, writer = await knock(port, sent)
    try:
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()


async def is_alive(port: int) -> bool:
    """Whether an honest request is answered."""
    reader, writer = await knock(port, LIVEZ)
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    return line.startswith(OK)


def says(answer: bytes, status: int, code: str) -> None:
    """A whole problem, and nothing behind it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()), answer[:200]
    assert PROBLEM in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (status, code, "not_applied") == (
        problem["status"],
        problem["code"],
        problem["outcome"],
    )


def a_head(size: int) -> bytes:
    """A head of exactly so many bytes as we count them."""
    begin, end = b"GET / HTTP/1.1\r\nx: ", b"\r\n\r\n"
    counted = len("/") + len("x: ") + 2
    return begin + b"a" * (size - counted) + end


async def test_a_head_may_have_32_kib_and_no_byte_more() -> None:
    """The bound itself passes; one byte more is refused, in one write or in many."""
    async with serving(Bounds()) as port:
        reader, writer = await knock(port, a_head(32 * 1024))
        assert (await reader.readline()).startswith(OK)
        writer.close()
        says(await answer_to(port, a_head(32 * 1024 + 1)), 431, "HEAD_TOO_LARGE")

        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in range(0, 32 * 1024 + 1000, 1000):
            writer.write(a_head(40_000)[byte : byte + 1000])
            await writer.drain()
        says(await asyncio.wait_for(reader.read(), 30), 431, "HEAD_TOO_LARGE")
        writer.close()


ENDLESS = {
    "one value": (b"GET / HTTP/1.1\r\nx: ", b"a" * 1024),
    "one name": (b"GET / HTTP/1.1\r\n", b"a" * 1024),
    "many small headers": (b"GET / HTTP/1.1\r\n", b"a: b\r\n" * 170),
    "the address": (b"GET /", b"a" * 1024),
    "empty lines": (b"", b"\r\n" * 512),
    "trailers": (
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: ",
        b"a" * 1024,
    ),
    "a chunk's extension": (
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;",
        b"a" * 1024,
    ),
}


@pytest.mark.parametrize(("begin", "more"), ENDLESS.values(), ids=ENDLESS)
async def test_what_has_no_end_is_refused_early(begin: bytes, more: bytes) -> None:
    """Whatever a client sends without an end, memory stays and the connection is closed."""
    async with serving(Bounds()) as port:
        tracemalloc.start()
        reader, writer = await knock(port, begin)
        answer = asyncio.create_task(reader.read())
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 16 * 2**20 and not answer.done():
                writer.write(more * 64)
                await writer.drain()
                sent += len(more) * 64
        assert sent < 16 * 2**20, "it was closed long before"
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
        tracemalloc.stop()
        says(await answer, 431, "HEAD_TOO_LARGE")
        writer.close()
        assert await is_alive(port)


HALF: dict[str, tuple[bytes, str | None]] = {
    "nothing": (b"", None),
    "an empty line": (b"\r\n", "REQUEST_TIMEOUT"),
    "half a head": (b"GET /livez HTTP/1.1\r\nhost: a\r\n", "REQUEST_TIMEOUT"),
    "half a body": (POST + b"12345", "REQUEST_TIMEOUT"),
    "no body": (POST, "REQUEST_TIMEOUT"),
    "half a chunk": (
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\na",
        "REQUEST_TIMEOUT",
    ),
}


@pytest.mark.parametrize(("sent", "code"), HALF.values(), ids=HALF)
async def test_what_stops_half_way_is_closed(sent: bytes, code: str | None) -> None:
    """A connection whose client stops is answered with a problem if it asked, and closed."""
    async with serving(SHORT) as port:
        answer = await answer_to(port, sent)

    if code is None:
        assert answer == b""
    else:
        says(answer, 408, code)


async def test_a_drip_is_no_progress_for_ever() -> None:
    """A byte now and then holds neither a head nor a body open beyond its time."""
    async with serving(SHORT) as port:
        for begin in (b"GET / HTTP/1.1\r\nx: ", POST.replace(b"10", b"1000")):
            reader, writer = await knock(port, begin)
            answer = asyncio.create_task(reader.read())
            while not answer.done():
                writer.write(b"a")
                await asyncio.sleep(0.1)
            says(await answer, 408, "REQUEST_TIMEOUT")
            writer.close()


async def test_a_second_half_request_is_closed_too() -> None:
    """What stops behind a whole request, or while its answer stands, does not stay."""
    async with serving(SHORT) as port:
        for sent in (LIVEZ + b"GET / HT", LIVEZ + POST + b"1"):
            answer = await answer_to(port, sent)
            assert answer.startswith(OK)
            assert b" 408 " in answer


async def test_a_long_body_on_its_way_is_no_stop() -> None:
    """Who keeps sending at a fair rate is heard; pipelined requests are answered in order."""
    async with serving(SHORT) as port:
        size = 2**20
        reader, writer = await knock(port, b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size)
        for _ in range(8):
            writer.write(b"a" * (size // 8))
            await writer.drain()
            await asyncio.sleep(0.1)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(OK)
        assert str(size).encode() in await reader.read(len(str(size)))
        writer.write(POST + b"a" * 10 + LIVEZ + POST + b"b" * 10)
        told = b""
        while told.count(OK) < 3:
            told += await asyncio.wait_for(reader.read(4096), 30)
        writer.close()


async def test_a_trailer_is_no_header() -> None:
    """What comes behind a chunked body adds nothing to the request's headers."""
    sent = b"POST / HTTP/1.1\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    async with serving(Bounds()) as port:
        plain = await answer_to(port, sent + b"2\r\nab\r\n0\r\n\r\n")
        trailed = await answer_to(port, sent + b"2\r\nab\r\n0\r\nauthorization: b\r\n\r\n")

    assert plain.endswith(b"2 2")
    assert trailed.endswith(b"2 2")


async def test_many_half_open_connections_leave_room_for_an_honest_one() -> None:
    """A crowd that asks nothing is closed oldest first, and never keeps an honest request out."""
    async with serving(Bounds(connections=50)) as port:
        crowd = [await knock(port, b"GET / HTTP/1.1\r\n") for _ in range(200)]
        for _ in range(3):
            assert await is_alive(port)
        early = [asyncio.wait_for(reader.read(), 30) for reader, _ in crowd[:150]]
        for answer in await asyncio.gather(*early):
            says(answer, 503, "OVERLOADED")
        for _, writer in crowd:
            writer.close()


async def test_unfinished_bodies_share_a_bound() -> None:
    """When too many bytes wait for their rest, who has been sending longest goes first."""
    begin = b"POST / HTTP/1.1\r\ncontent-length: 100000\r\n\r\n" + b"a" * 40_000
    async with serving(Bounds(unfinished_bytes=100_000)) as port:
        crowd = []
        for _ in range(4):
            crowd.append(await knock(port, begin))
            await asyncio.sleep(0.05)
        for reader, _ in crowd[:2]:
            says(await asyncio.wait_for(reader.read(), 30), 503, "OVERLOADED")
        reader, writer = crowd[3]
        writer.write(b"a" * 60_000)
        assert (await asyncio.wait_for(reader.readline(), 30)).startswith(OK)
        for _, writer in crowd:
            writer.close()


async def test_who_does_not_read_his_answer_is_closed() -> None:
    """An answer that nobody takes does not keep a connection for ever."""
    async with serving(Bounds(unread_s=0.5, head_s=0.5)) as port:
        reader, writer = await knock(port, b"GET /much HTTP/1.1\r\n\r\n")
        await reader.readline()
        await asyncio.sleep(2 * LINGER_S + 2)
        taken = 0
        with contextlib.suppress(ConnectionError):
            while part := await asyncio.wait_for(reader.read(2**20), 30):
                taken += len(part)
        assert taken < 1000 * 2**16, "the rest was never sent"
        writer.close()
        assert await is_alive(port)
