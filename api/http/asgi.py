"""Asgi."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from api.http.problems import ProblemError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def read_raw(receive: Receive, size_max: int) -> bytes:
    """The bytes of a body.

    Raises:
        ProblemError: BODY_TOO_LARGE.
    """
    message = await receive()
    raw: bytes = message.get("body", b"")
    while message.get("more_body") and len(raw) <= size_max:
        message = await receive()
        raw += message.get("body", b"")
    if len(raw) > size_max:
        raise ProblemError("BODY_TOO_LARGE")
    return raw
