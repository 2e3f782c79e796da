"""A network between the client and the application that loses chosen attempts."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence

import httpx
from typing_extensions import override

from gongji_client import AsyncClient, Client
from tests.api.clients import Desk, Who

ADDRESS = "http://desk"
UNSENT = {"refused": httpx.ConnectError, "no way": httpx.ConnectTimeout}
HALF_SENT = {"half sent": httpx.WriteError, "sent slowly": httpx.WriteTimeout}
UNANSWERED = {"unanswered": httpx.ReadTimeout, "closed": httpx.RemoteProtocolError}
HELD = "held"
"""The request waits in the network; `release` lets it arrive."""
PROBLEMS = {
    "busy": (429, "RATE_LIMITED", "not_applied", "3"),
    "unavailable": (503, "STORE_UNAVAILABLE", "not_applied", "1"),
    "unknown": (503, "OUTCOME_UNKNOWN", "unknown", "1"),
    "unknown, applied": (503, "OUTCOME_UNKNOWN", "unknown", "1"),
    "a bug, applied": (500, "INTERNAL_ERROR", "unknown", ""),
}
APPLIED = ", applied"
"""The request arrives before the answer is lost."""
PAGES = {"moved": 302, "a proxy's page": 502, "a proxy's page, applied": 504}
FAULTS = (*UNSENT, *HALF_SENT, *UNANSWERED, "torn", "cut", *PROBLEMS, *PAGES)


class Torn(httpx.AsyncByteStream):
    """A body whose connection breaks in the middle."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx.ReadError("gone")


class Losing(httpx.AsyncBaseTransport):
    """The way to a desk: the first attempts meet the faults, in order; the others arrive."""

    def __init__(self, desk: Desk, faults: Sequence[str]) -> None:
        self._desk = desk
        self._faults = list(faults)
        self._held: list[httpx.Request] = []
        self.keys: list[str | None] = []
        self.token_ends_after: int | None = None

    async def release(self) -> list[httpx.Response]:
        """Let arrive what was held."""
        held, self._held = self._held, []
        return [await self._deliver(request) for request in held]

    async def _deliver(self, request: httpx.Request) -> httpx.Response:
        return await self._desk.front.request(
            request.method, str(request.url), content=request.content, headers=request.headers
        )

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("idempotency-key"))
        if self.token_ends_after is not None and len(self.keys) > self.token_ends_after:
            request.headers["authorization"] = "Bearer ended"
        fault = self._faults.pop(0) if self._faults else ""
        if fault in UNSENT | HALF_SENT:
            raise (UNSENT | HALF_SENT)[fault](fault)
        if fault == HELD:
            self._held.append(request)
            raise httpx.ReadTimeout(fault)
        if fault in PROBLEMS | PAGES and not fault.endswith(APPLIED):
            return _told(fault)
        answer = await self._deliver(request)
        if fault in UNANSWERED:
            raise UNANSWERED[fault](fault)
        if fault in PROBLEMS | PAGES:
            return _told(fault)
        headers = {"Content-Type": answer.headers["content-type"]} | {
            name: answer.headers[name] for name in ("gongji-since",) if name in answer.headers
        }
        if fault == "torn":
            return httpx.Response(answer.status_code, headers=headers, stream=Torn(answer.content))
        body = answer.content[: len(answer.content) // 2] if fault == "cut" else answer.content
        return httpx.Response(answer.status_code, headers=headers, content=body)


def _told(fault: str) -> httpx.Response:
    if fault in PAGES:
        headers = {"Location": "http://elsewhere/", "Content-Type": "text/html"}
        return httpx.Response(PAGES[fault], headers=headers, content=b"<html>")
    status, code, outcome, after = PROBLEMS[fault]
    problem = {"code": code, "outcome": outcome, "status": status, "detail": "d", "trace_id": "t"}
    headers = {"Content-Type": "application/problem+json"}
    headers |= {"Retry-After": after} if after else {}
    return httpx.Response(status, headers=headers, content=json.dumps(problem).encode())


class Bridge(httpx.BaseTransport):
    """The same network for a blocking client in another thread."""

    def __init__(self, losing: Losing) -> None:
        self._losing = losing
        self._loop = asyncio.get_running_loop()

    @override
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self._there(request), self._loop).result()

    async def _there(self, request: httpx.Request) -> httpx.Response:
        answer = await self._losing.handle_async_request(request)
        content = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=content)


def token_of(desk: Desk, who: Who) -> str:
    return desk.bearer(who)["Authorization"].removeprefix("Bearer ")


async def nothing(_seconds: float) -> None:
    """Wait no time."""


def a_client(desk: Desk, who: Who, losing: Losing | None = None) -> AsyncClient:
    """An awaiting client that never waits between attempts."""
    way = losing or Losing(desk, ())
    return AsyncClient(ADDRESS, token_of(desk, who), transport=way, sleep=nothing)


def a_blocking_client(desk: Desk, who: Who, losing: Losing | None = None) -> Client:
    """A blocking client that never waits between attempts; call it in another thread."""
    way = Bridge(losing or Losing(desk, ()))
    return Client(ADDRESS, token_of(desk, who), transport=way, sleep=lambda _: None)
