"""Compresses answers for clients that accept gzip, where it pays: documents and what GET lists.

An answer's size tells what it has in common with what the caller sent, so a secret is never
compressed beside it (BREACH): answers to POST (codes, tokens) and to a browser's session (cookies)
are sent as they are. So are the feed, whose lines must not wait, and small answers.
"""

from starlette.middleware.gzip import GZipMiddleware

from api.http.asgi import App, Receive, Scope, Send
from api.http.headers import sent_header

SIZE_MIN = 1024
"""Bytes from which on it pays; a packet of the network has as many."""
LEVEL = 6
PLAIN = frozenset({"/v1/events"})
"""Paths that are never compressed."""


class CompressionMiddleware:
    """An ASGI application that compresses the large answers of another."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._small = GZipMiddleware(app, minimum_size=SIZE_MIN, compresslevel=LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; only a GET without cookies may be answered compressed."""
        app = self._small if _may_be_small(scope) else self._app
        await app(scope, receive, send)


def _may_be_small(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and scope["path"] not in PLAIN
        and sent_header(scope, b"cookie") is None
    )
