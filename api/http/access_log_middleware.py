"""Records who read what, and who was refused, before the answer leaves.

It stands before every route, the fast one too. A change needs no record here: its event holds
who made it. A request without a valid token is only counted in the metrics, and an answer of 500
or above shows no data; neither is recorded. A message that was forwarded is always recorded.
"""

import re
from collections.abc import Awaitable, Callable

from fastapi import Response

from api.http.asgi import App, Message, Receive, Scope, Send
from api.http.dependencies import Api
from api.http.headers import REPLAYED, sent_header
from api.http.problems import ProblemError, answer_problem
from service.audit.access_log_writer import AccessLog
from service.caller import Caller
from service.clock import micros
from service.ledger.access_log import Access
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from service.request_context import MESSAGE, SEEN, RequestContext

PURPOSE = re.compile(r"[A-Za-z][A-Za-z0-9.-]{0,39}")
OPEN = ("/v1/policies", "/livez", "/readyz", "/metrics", "/openapi.json", "/docs")
"""Paths that show no person and no institution."""
REHEARSALS = "/v1/policies/rehearsals"
"""Under an open path, and recorded: a report names settlements."""
READING = frozenset({"POST /v1/quotes", "POST /v1/reconciliations", "POST /v1/accounts:search"})
"""Operations that only read, though they take a body."""
SETTLING = frozenset({f"{MESSAGE}2207"})
"""Messages whose events are record enough; every other message is recorded."""
TELLS = "gongji.tells"
"""The member of a scope that turns a fault into an answer of the route's own form."""
REFUSED_FROM, BUSY, BROKEN_FROM = 400, 429, 500


class UnrecordedError(Exception):
    """The record could not be made durable, so the answer is not sent."""


class AccessLogMiddleware:
    """Records what an application's answers show, before they are sent."""

    def __init__(self, app: App, api: Api) -> None:
        self._app = app
        self._api = api
        self._log = AccessLog(api.context.store)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and delay its answer until the record is durable."""
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        seen = RequestContext()
        held = _Held(send, lambda start: self._record(scope, seen, start))
        before = SEEN.set(seen)
        try:
            _check_purpose(scope)
            await self._app(scope, receive, held.send)
        except ProblemError as error:
            held.fault = error
        except UnrecordedError:
            pass  # told below
        finally:
            SEEN.reset(before)
        if held.fault is not None:
            await _tell(_answer_fault(scope, held.fault), send)

    async def _record(self, scope: Scope, seen: RequestContext, start: Message) -> None:
        operation = seen.operation or _operation(scope)
        status: int = start["status"]
        if operation is None or not _is_kept(operation, seen, start):
            return
        caller = seen.caller or self._caller(scope)
        if caller is None:
            return
        await self._log.keep(
            Access(
                at=micros(self._api.context.clock()),
                status=status,
                caller=caller.name,
                role=caller.role,
                operation=operation,
                code=" ".join(seen.codes) or None,
                purpose=sent_header(scope, b"gongji-purpose"),
                trace_id=seen.trace_id,
                streams=tuple(s for s in seen.streams if not s.startswith("pol_")),
            )
        )

    def _caller(self, scope: Scope) -> Caller | None:
        try:
            return self._api.tokens.caller(sent_header(scope, b"authorization"))
        except ProblemError:
            return None


class _Held:
    """An answer that leaves only when its record is durable; otherwise `fault` says why."""

    def __init__(self, send: Send, record: Callable[[Message], Awaitable[None]]) -> None:
        self._send = send
        self._record = record
        self.fault: Exception | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            try:
                await self._record(message)
            except StoreUnavailableError as error:
                self.fault = _told_instead(message, error)
        if self.fault is not None:
            raise UnrecordedError
        await self._send(message)


def _is_kept(operation: str, seen: RequestContext, start: Message) -> bool:
    """Whether an answer shows or refuses something that no event records."""
    status: int = start["status"]
    if seen.is_kept:
        return True
    if status >= BROKEN_FROM or status == BUSY:
        return False
    is_look = operation.startswith(("GET ", "HEAD ", MESSAGE)) and operation not in SETTLING
    if is_look or operation in READING or seen.codes:
        return True
    return status >= REFUSED_FROM or _is_replayed(start)


def _is_replayed(start: Message) -> bool:
    name = REPLAYED.lower().encode()
    return any(name == sent.lower() for sent, _ in start.get("headers", ()))


def _operation(scope: Scope) -> str | None:
    """The method and the path's pattern; None for an unknown path."""
    route = scope.get("route")
    if route is None:
        return f"{scope['method']} {scope['path']}" if scope["path"] in FIXED else None
    return f"{scope['method']} {route.path}"


FIXED = frozenset({"/v1/settlements"})
"""Paths answered before the routes; no part of them names a person."""


def _told_instead(start: Message, error: StoreUnavailableError) -> Exception:
    """The error in place of an answer; its outcome is true also for a replayed change."""
    return OutcomeUnknownError(str(error)) if _is_replayed(start) else error


def _check_purpose(scope: Scope) -> None:
    """Check and store the code of a request's purpose.

    Raises:
        ProblemError: PURPOSE_FORMAT.
    """
    purpose = sent_header(scope, b"gongji-purpose")
    if purpose is not None and not PURPOSE.fullmatch(purpose):
        raise ProblemError("PURPOSE_FORMAT")


def _answer_fault(scope: Scope, fault: Exception) -> Response:
    if TELLS in scope:
        told: Response = scope[TELLS](fault)
        return told
    return answer_problem(fault, sent_header(scope, b"accept-language"), scope["method"])


async def _tell(answer: Response, send: Send) -> None:
    start = {"status": answer.status_code, "headers": answer.raw_headers}
    await send({"type": "http.response.start"} | start)
    await send({"type": "http.response.body", "body": bytes(answer.body)})


def _is_open(path: str) -> bool:
    return path.startswith(OPEN) and not path.startswith(REHEARSALS)
