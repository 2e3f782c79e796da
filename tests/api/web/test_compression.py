"""Large answers are small on the wire, and an answer that could betray a secret is as it was."""

import gzip

import httpx
import pytest

from api.http.asgi import Receive, Scope, Send
from api.web.compression_middleware import CompressionMiddleware
from tests.api.clients import AUDITOR, HOSPITAL, Desk, a_claim, a_family

GZIP = {"Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


async def sent(desk: Desk, path: str, **headers: str) -> tuple[httpx.Headers, bytes]:
    """The headers of an answer, and its bytes as they were sent."""
    asked = desk.bearer(AUDITOR) | headers
    async with desk.front.stream("GET", path, headers=asked) as answer:
        return answer.headers, b"".join([part async for part in answer.aiter_raw()])


@pytest.mark.parametrize(
    "path", ["/openapi.json", "/docs/swagger-ui-bundle.js", "/docs/fsi", "/v1/policies"]
)
async def test_a_document_is_small_on_the_wire(desk: Desk, path: str) -> None:
    """The same document in a third of its size; the OpenAPI document in a sixth."""
    _, plain = await sent(desk, path, **PLAIN)
    headers, small = await sent(desk, path, **GZIP)

    assert "gzip" == headers["content-encoding"]
    assert "accept-encoding" in headers["vary"].lower()
    assert plain == gzip.decompress(small)
    assert len(small) * (6 if path == "/openapi.json" else 3) < len(plain)


async def test_who_accepts_nothing_gets_it_plain(desk: Desk) -> None:
    """Without `gzip` in Accept-Encoding nothing is compressed, nor what is small anyway."""
    plain, _ = await sent(desk, "/openapi.json", **PLAIN)
    small, _ = await sent(desk, "/livez", **GZIP)

    assert "content-encoding" not in plain
    assert "content-encoding" not in small


@pytest.mark.parametrize(
    ("method", "path", "cookie", "is_small"),
    [
        ("GET", "/v1/accounts/P1/entries", None, True),
        ("POST", "/v1/credential-links/lnk_1/codes", None, False),
        ("GET", "/v1/events", None, False),
        ("GET", "/v1/me", "session=1", False),
    ],
)
async def test_an_answer_that_could_betray_a_secret_is_as_it_was(
    method: str, path: str, cookie: str | None, *, is_small: bool
) -> None:
    """A POST may answer with a code and what was sent, a session with its tokens."""
    transport = httpx.ASGITransport(app=CompressionMiddleware(a_large_answer))
    headers = GZIP | ({} if cookie is None else {"Cookie": cookie})
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        answer = await client.request(method, path, headers=headers)

    assert is_small == ("content-encoding" in answer.headers)
    assert LARGE == answer.content


async def test_a_settlement_is_answered_as_it_was(desk: Desk) -> None:
    """The hot path has no part in it: the same bytes and headers, whatever the client accepts."""
    await a_family(desk)
    first = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k", **GZIP)
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k", **PLAIN)

    assert first.content == again.content
    assert first.headers["content-length"] == again.headers["content-length"]
    assert {"content-encoding", "vary"}.isdisjoint(first.headers)


LARGE = b"x" * 5000


async def a_large_answer(_: Scope, __: Receive, send: Send) -> None:
    """Answer every request with 5,000 bytes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": LARGE})
