"""The words of ASGI, and a body's bytes."""

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
        ProblemError: BODY_TOO_LARGE; REQUEST_TIMEOUT: the connection ended before the body did.
    """
    raw = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ProblemError("REQUEST_TIMEOUT")
        raw += message.get("body", b"")
        if len(raw) > size_max:
            raise ProblemError("BODY_TOO_LARGE")
        if not message.get("more_body"):
            return bytes(raw)
