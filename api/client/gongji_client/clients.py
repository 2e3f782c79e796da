"""The two clients: they carry out the same exchanges, one blocking, one awaiting."""

import asyncio
import random
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from gongji_client.exchange import Answer, Ask, Dialogue, Lost, Pause, Retries, Told
from gongji_client.operations import Operations, PagesOf

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_S = 10.0
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""Faults before the first byte of a request left."""


def new_uuid() -> str:
    """A key that nobody used."""
    return uuid.uuid4().hex


def _settings(
    base_url: str, token: str, language: str, timeout_s: float, tls: ssl.SSLContext | None
) -> dict[str, Any]:
    """How both clients speak HTTP: no redirects, no proxies of the environment, TLS verified."""
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}
    return {
        "base_url": base_url,
        "headers": headers | {"Content-Type": "application/json"},
        "timeout": timeout_s,
        "verify": tls or True,
        "follow_redirects": False,
        "trust_env": False,
    }


def _asked(ask: Ask) -> dict[str, Any]:
    return {
        "method": ask.method,
        "url": ask.path,
        "params": ask.query or None,
        "headers": ask.headers,
        "content": ask.content,
    }


def _answer(response: httpx.Response) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, response.content)


def _lost(error: httpx.RequestError) -> Lost:
    return Lost(not isinstance(error, NOT_SENT), type(error).__name__)


def _now(
    plan: Callable[Concatenate[Operations, P], Dialogue[T]],
) -> "Callable[Concatenate[Client, P], T]":
    @wraps(plan)
    def carried_out(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.carry_out(plan(self.operations, *args, **kwargs))

    return carried_out


def _all_now(
    plan: Callable[Concatenate[Operations, P], PagesOf[T]],
) -> "Callable[Concatenate[Client, P], Iterator[T]]":
    @wraps(plan)
    def carried_out(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        page_after, cursor = plan(self.operations, *args, **kwargs), None
        while True:
            items, cursor = self.carry_out(page_after(cursor))
            yield from items
            if cursor is None:
                return

    return carried_out


def _soon(
    plan: Callable[Concatenate[Operations, P], Dialogue[T]],
) -> "Callable[Concatenate[AsyncClient, P], Awaitable[T]]":
    @wraps(plan)
    async def carried_out(self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.carry_out(plan(self.operations, *args, **kwargs))

    return carried_out


def _all_soon(
    plan: Callable[Concatenate[Operations, P], PagesOf[T]],
) -> "Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]":
    @wraps(plan)
    async def carried_out(
        self: "AsyncClient", /, *args: P.args, **kwargs: P.kwargs
    ) -> AsyncIterator[T]:
        page_after, cursor = plan(self.operations, *args, **kwargs), None
        while True:
            items, cursor = await self.carry_out(page_after(cursor))
            for each in items:
                yield each
            if cursor is None:
                return

    return carried_out


class Client:
    """A blocking client of one caller; one for many threads. Use it in a `with` block."""

    def __init__(  # noqa: PLR0913 -- a client's settings, each with a default
        self,
        base_url: str,
        token: str,
        *,
        retries: Retries | None = None,
        language: str = "zh-CN",
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        transport: httpx.BaseTransport | None = None,
        new_key: Callable[[], str] = new_uuid,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`timeout_s` bounds each wait of an attempt: to connect, to send, to read."""
        self.operations = Operations(retries or Retries(), new_key, jitter)
        self._sleep = sleep
        told = _settings(base_url, token, language, timeout_s, tls)
        self._http = httpx.Client(**told, transport=transport)

    call = _now(Operations.call)
    quote = _now(Operations.quote)
    settle = _now(Operations.settle)
    settle_or_reverse = _now(Operations.settle_or_reverse)
    settlement = _now(Operations.settlement)
    settlement_by_key = _now(Operations.settlement_by_key)
    cancel = _now(Operations.cancel)
    refund = _now(Operations.refund)
    reverse = _now(Operations.reverse)
    invite = _now(Operations.invite)
    confirm = _now(Operations.confirm)
    order = _now(Operations.order)
    account = _now(Operations.account)
    entries = _all_now(Operations.entries)
    bills = _all_now(Operations.bills)
    bindings = _all_now(Operations.bindings)
    settlements = _all_now(Operations.settlements)
    listed = _all_now(Operations.listed)
    events = _all_now(Operations.events)

    def carry_out(self, exchange: Dialogue[T]) -> T:
        """Send what an exchange asks, wait when it says so, and give it what comes."""
        told: Told = None
        while True:
            try:
                step = exchange.send(told)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                self._sleep(step.seconds)
                told = None
                continue
            try:
                told = _answer(self._http.request(**_asked(step)))
            except httpx.RequestError as error:
                told = _lost(error)

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the connections go."""
        self.close()


class AsyncClient:
    """An awaiting client of one caller, with the operations of `Client`; `async with` closes it."""

    def __init__(  # noqa: PLR0913 -- a client's settings, each with a default
        self,
        base_url: str,
        token: str,
        *,
        retries: Retries | None = None,
        language: str = "zh-CN",
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        new_key: Callable[[], str] = new_uuid,
        jitter: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`timeout_s` bounds each wait of an attempt: to connect, to send, to read."""
        self.operations = Operations(retries or Retries(), new_key, jitter)
        self._sleep = sleep
        told = _settings(base_url, token, language, timeout_s, tls)
        self._http = httpx.AsyncClient(**told, transport=transport)

    call = _soon(Operations.call)
    quote = _soon(Operations.quote)
    settle = _soon(Operations.settle)
    settle_or_reverse = _soon(Operations.settle_or_reverse)
    settlement = _soon(Operations.settlement)
    settlement_by_key = _soon(Operations.settlement_by_key)
    cancel = _soon(Operations.cancel)
    refund = _soon(Operations.refund)
    reverse = _soon(Operations.reverse)
    invite = _soon(Operations.invite)
    confirm = _soon(Operations.confirm)
    order = _soon(Operations.order)
    account = _soon(Operations.account)
    entries = _all_soon(Operations.entries)
    bills = _all_soon(Operations.bills)
    bindings = _all_soon(Operations.bindings)
    settlements = _all_soon(Operations.settlements)
    listed = _all_soon(Operations.listed)
    events = _all_soon(Operations.events)

    async def carry_out(self, exchange: Dialogue[T]) -> T:
        """Send what an exchange asks, wait when it says so, and give it what comes."""
        told: Told = None
        while True:
            try:
                step = exchange.send(told)
            except StopIteration as end:
                result: T = end.value
                return result
            if isinstance(step, Pause):
                await self._sleep(step.seconds)
                told = None
                continue
            try:
                told = _answer(await self._http.request(**_asked(step)))
            except httpx.RequestError as error:
                told = _lost(error)

    async def aclose(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let the connections go."""
        await self.aclose()
