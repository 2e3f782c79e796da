"""A national message at a path that is not the protocol's: it must never read as success.

A client whose `infcode` is 0 until it is set takes the JSON of a problem for "done". So a POST
whose body has an `infno`, or is a sealed message, is answered with `infcode` -1 at every path. At
a path that is nobody's the answer is an ordinary refusal with HTTP 200. A route of the native API
keeps its status and its problem, and the problem has `infcode` and `err_msg` beside its own
members.
"""

import json
import re

from api.his.wire.envelope import Failed, bad_bytes, err_msg, read_envelope
from api.http.asgi import App, Message, Receive, Scope, Send
from api.http.headers import answer_headers, raw_headers
from api.http.problems import ProblemError, problem_of
from service.clock import machine_now

KEPT_MAX = 8 * 1_048_576
"""Bytes of a body that are searched for an `infno`."""
NUMBERED = re.compile(rb'\\?"(?:infno|encData)\\?"\s*:')
"""An `infno` in a body, or a sealed message; also in a body that is encoded as a JSON text."""
REFUSED_FROM = 300
NOT_FOUND, METHOD_WRONG = 404, 405
HOT = "/v1/settlements"
"""The native path that is answered in front of the routes."""
REFUSAL = Failed("FSI_PATH_UNKNOWN", "not_applied", {})
JSON = (b"content-type", b"application/json;charset=UTF-8")


async def pass_on(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Let an application answer a POST; change a refusal of a national message.

    Raises:
        ProblemError: as the application, where the body is no national message.
    """
    sent, told = _Sent(receive), _Told(send)
    try:
        await app(scope, sent.receive, told.send)
    except ProblemError as error:
        if not NUMBERED.search(await sent.whole()):
            raise
        code, outcome, fields = problem_of(error)
        await _answer_message(bytes(sent.kept), Failed(code, outcome, fields), send)
        return
    if not told.held:
        return
    start, status = told.held[0], told.held[0]["status"]
    body = b"".join(message.get("body", b"") for message in told.held[1:])
    if NUMBERED.search(await sent.whole()):
        is_hot = scope["path"] == HOT
        is_nobodys = status == NOT_FOUND and "route" not in scope and not is_hot
        if is_nobodys or status == METHOD_WRONG or _is_page(start):
            await _answer_message(bytes(sent.kept), REFUSAL, send)
            return
        body = _with_infcode(body)
        headers = [h for h in start["headers"] if h[0].lower() != b"content-length"]
        start = {**start, "headers": [*headers, (b"content-length", b"%d" % len(body))]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


class _Sent:
    """A body on its way to an application; `kept` is what came of it, up to `KEPT_MAX`."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False
        self._parts: list[bytes] = []
        self._size = 0

    @property
    def kept(self) -> bytes:
        return b"".join(self._parts)

    async def receive(self) -> Message:
        message = await self._receive()
        body = message.get("body", b"")
        self._is_over = not message.get("more_body")
        if self._size < KEPT_MAX:
            self._parts.append(body)
        self._size += len(body)
        return message

    async def whole(self) -> bytes:
        """What the application left unread comes too, up to `KEPT_MAX`."""
        while not self._is_over and self._size < KEPT_MAX:
            await self.receive()
        return self.kept


class _Told:
    """Passes an answer on, but a refusal, which it holds."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.held: list[Message] = []

    async def send(self, message: Message) -> None:
        is_refusal = message["type"] == "http.response.start" and message["status"] >= REFUSED_FROM
        if is_refusal or self.held:
            self.held.append(message)
        else:
            await self._send(message)


async def _answer_message(raw: bytes, failed: Failed, send: Send) -> None:
    """Refuse a national message with HTTP 200, in an encoding that its sender reads."""
    now = machine_now()
    try:
        head = read_envelope(raw, now)
    except ProblemError:
        head = None
    body = bad_bytes(head, failed, now, now)
    headers = [JSON, *raw_headers(answer_headers()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _is_page(start: Message) -> bool:
    """Whether an answer is a page, which no client of the protocol can read."""
    kind: bytes = dict(start["headers"]).get(b"content-type", b"")
    return kind.startswith(b"text/html")


def _with_infcode(body: bytes) -> bytes:
    """A problem with the members that a client of the national protocol reads."""
    try:
        problem = json.loads(body)
        told = {"infcode": -1, "err_msg": err_msg(Failed(problem["code"], "", {}))}
    except (ValueError, KeyError, TypeError):
        return json.dumps({"infcode": -1, "err_msg": err_msg(REFUSAL)}).encode()
    return json.dumps(problem | told, ensure_ascii=False).encode()
