"""The national protocol in front of everything: any of its paths, one entrance.

The path is a hint and nothing more; the transaction is in the body. Everything is answered with
HTTP 200, because clients take another status for a broken network.
"""

import logging
from datetime import datetime
from typing import Any

from api.door import Door
from api.his.call import Call, FailedError
from api.his.envelope import Envelope, Failed, bad_bytes, good_bytes, read_envelope
from api.his.files import FILES
from api.his.reading import read_input
from api.his.signatures import Guard
from api.his.tables import TRANSACTIONS
from api.his.transactions import HANDLERS
from api.hot import App, Receive, Scope, Send, read_raw
from api.problem_texts import TEXTS
from api.problems import ProblemError, problem_of
from service.clock import machine_now, new_trace
from service.nonces import Nonces

LOG = logging.getLogger("gongji.api")
PATHS = ("/fsi/api/", "/mss/", "/mbs/", "/ebus/", "/uif-hsaf-med-api/", "/CSB")
"""Where the protocol is spoken unless `GONGJI_FSI_PATHS` says otherwise: styles A to D."""
JSON = (b"content-type", b"application/json;charset=UTF-8")
BYTES = (b"content-type", b"application/octet-stream")
SAFE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
FSI_BODY_MAX = 8 * 1_048_576
"""Bytes of a message: a day's file comes as a list of numbers."""
REPLAYED = (b"idempotency-replayed", b"true")

Headers = list[tuple[bytes, bytes]]


class Gateway:
    """An ASGI application that speaks the national protocol and leaves the rest to another."""

    def __init__(self, app: App, door: Door, paths: tuple[str, ...] = PATHS) -> None:
        """Stand in front of `app`."""
        self._app = app
        self._door = door
        self._paths = paths
        self._guard = Guard(door.tokens, Nonces(door.shelf.pool))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a transaction; pass everything else on."""
        if scope["type"] != "http" or not self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        came_at = machine_now()
        body, more = await self._answer(scope, receive, came_at)
        length = (b"content-length", b"%d" % len(body))
        start = {"type": "http.response.start", "status": 200, "headers": [*more, *SAFE, length]}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _is_ours(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return scope["method"] == "POST" and path.startswith(self._paths)

    async def _answer(
        self, scope: Scope, receive: Receive, came_at: datetime
    ) -> tuple[bytes, Headers]:
        envelope: Envelope | None = None
        try:
            raw = await read_raw(receive, FSI_BODY_MAX)
            envelope = read_envelope(raw, came_at)
            headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
            return await self._carried_out(envelope, headers, raw)
        except FailedError as error:
            failed = error.failed
        except Exception as error:  # noqa: BLE001 -- the one place that turns any error into -1
            failed = _failed(error)
        more: Headers = [JSON, REPLAYED] if failed.is_replayed else [JSON]
        return bad_bytes(envelope, failed, came_at, machine_now()), more

    async def _carried_out(
        self, envelope: Envelope, headers: dict[str, str], raw: bytes
    ) -> tuple[bytes, Headers]:
        code = envelope.institution
        terms = self._door.house.terms.of(code)
        now = machine_now()
        caller = await self._guard.check(code, terms.signature, headers, raw, now.timestamp())
        transaction = TRANSACTIONS.get(envelope.infno)
        if transaction is None:
            raise ProblemError("INFNO_UNKNOWN", field=envelope.infno)
        sent = read_input(transaction, envelope.input)
        call = Call(self._door, caller, envelope, transaction, sent, terms.dialect)
        if envelope.infno in FILES:
            return await FILES[envelope.infno](call), [BYTES]
        answered = await HANDLERS[envelope.infno](call)
        more: Headers = [JSON, REPLAYED] if answered.is_replayed else [JSON]
        return good_bytes(envelope, answered, machine_now()), more


def _failed(error: Exception) -> Failed:
    """An error by its code; a bug is logged without the body."""
    code, outcome, fields = problem_of(error)
    if TEXTS[code].status == 500:  # noqa: PLR2004 -- a bug of ours
        LOG.error("%s %s", code, new_trace(), exc_info=error)
    told: dict[str, Any] = dict(fields)
    wrong = told.pop("errors", None)
    if wrong and "field" not in told:
        told["field"] = wrong[0]["field"]
    return Failed(code, outcome, told)
