"""The national protocol in front of the other routes: one entrance for all of its paths.

The transaction is named in the body; the path does not matter. Every answer of ours has HTTP
status 200, because clients take any other status for a network fault.

`api/his/wrong_path.py` answers a message that comes to a path outside of the protocol.
"""

from functools import partial
from urllib.parse import parse_qsl

from fastapi import Response

from api.his.exchange import JSON, Exchange, ExchangeReply, unrecorded
from api.his.forwarding import Arrival
from api.his.wrong_path import pass_on
from api.http.access_log_middleware import TELLS
from api.http.asgi import App, Receive, Scope, Send, read_raw
from api.http.dependencies import Api
from api.http.headers import answer_headers, raw_headers
from api.http.limits.rate_limits import address_of

PATHS = ("/fsi/api/", "/mss/", "/mbs/", "/ebus/", "/uif-hsaf-med-api/", "/CSB", "/power-csb/")
"""The protocol's default paths (`GONGJI_FSI_PATHS`): styles A to D."""
DOWNLOAD = "/fileupload/download"
"""The end of the address of a file; clients fetch it by GET too."""
BODY_MAX = 8 * 1_048_576
"""Bytes of a message: a day's file comes as a list of numbers."""


class Gateway:
    """An ASGI application that answers the national protocol and passes the rest on."""

    def __init__(self, app: App, api: Api, paths: tuple[str, ...] = PATHS) -> None:
        self._app = app
        self._exchange = Exchange(api)
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a transaction, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_inside, method = scope["path"].startswith(self._paths), scope["method"]
        if method == "POST" and not is_inside:
            await pass_on(self._app, scope, receive, send)
        elif method == "POST":
            scope[TELLS] = _unrecorded
            read = partial(read_raw, receive, BODY_MAX)
            await _send(await self._exchange.answer(read, arrival_of(scope)), send)
        elif method == "GET" and is_inside and scope["path"].endswith(DOWNLOAD):
            scope[TELLS] = _unrecorded
            query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            await _send(await self._exchange.answer_download(query, arrival_of(scope)), send)
        else:
            await self._app(scope, receive, send)


def arrival_of(scope: Scope) -> Arrival:
    """The headers of a request, with names in lower case, and where it came from and to."""
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    path = scope.get("raw_path") or scope["path"].encode()
    query = b"?" + scope["query_string"] if scope.get("query_string") else b""
    target = (path + query).decode("latin-1")
    return Arrival(headers, address_of(scope.get("client")), scope["method"], target)


def _unrecorded(_: Exception) -> Response:
    return Response(unrecorded(), 200, answer_headers(), JSON)


async def _send(told: ExchangeReply, send: Send) -> None:
    shared = raw_headers(answer_headers(is_replayed=told.is_replayed))
    kind = (b"content-type", told.kind.encode())
    length = (b"content-length", b"%d" % len(told.body))
    start = {"type": "http.response.start", "status": told.status}
    await send(start | {"headers": [kind, *shared, length]})
    await send({"type": "http.response.body", "body": told.body})


def paths_of(setting: str | None) -> tuple[str, ...]:
    """The paths of a setting such as `/fsi/api/,/CSB`, or the default ones."""
    paths = tuple(path.strip() for path in (setting or "").split(",") if path.strip())
    return paths or PATHS
