"""The dependencies of routes: the caller, the key, the answer with its position."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from api.http.fields import NUMBER_MAX
from api.http.headers import json_answer
from api.http.limits.rate_limits import RateLimits
from api.http.metrics import count_dropped_findings
from api.http.problems import ProblemError, answer_refusal
from api.http.tokens import Tokens
from api.http.values.dates import is_within
from api.processes.replay_jobs import Rehearsals, Replays
from service.caller import Caller
from service.caller import Request as ServiceRequest
from service.clock import new_trace
from service.context import ServiceContext
from service.his.findings import FindingsBook
from service.ledger.command import Reply
from service.person.free_text import is_id_number_in
from service.read_models.reader import PageRequest, PageResult, ReadModels

KEY_MAX = 64


@dataclass(slots=True)
class Api:
    """What the routes use. `stopping` is set when the service is about to end.

    Without a database there are no `replays` and no `rehearsals`.
    """

    context: ServiceContext
    tokens: Tokens
    read_models: ReadModels
    replays: Replays | None = None
    rehearsals: Rehearsals | None = None
    limits: RateLimits = field(default_factory=RateLimits)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    findings: FindingsBook = field(init=False)

    def __post_init__(self) -> None:
        """Keep the findings of the national protocol in the read models' database."""
        self.findings = FindingsBook(self.read_models.pool, count_dropped_findings)


def api_of(request: Request) -> Api:
    """The `Api` of the running application."""
    api: Api = request.app.state.api
    return api


def caller_of(request: Request) -> Caller:
    """The holder of the request's token.

    Raises:
        ProblemError: UNAUTHENTICATED.
    """
    return api_of(request).tokens.caller(request.headers.get("authorization"))


KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key")]
CallerOf = Annotated[Caller, Depends(caller_of)]
ApiOf = Annotated[Api, Depends(api_of)]


def check_key(key: str | None) -> str:
    """The Idempotency-Key of a request.

    Raises:
        ProblemError: as `read_key`; PERSON_NAMED: erasure does not reach a key.
    """
    key = read_key(key)
    if is_id_number_in(key):
        named = [{"field": "Idempotency-Key", "code": "PERSON_NAMED"}]
        raise ProblemError("PERSON_NAMED", errors=named)
    return key


def read_key(key: str | None) -> str:
    """The key of a look-up.

    Raises:
        ProblemError: IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_FORMAT.
    """
    if key is None:
        raise ProblemError("IDEMPOTENCY_KEY_REQUIRED")
    if not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
        raise ProblemError("IDEMPOTENCY_KEY_FORMAT")
    return key


def today(request: Request) -> date:
    """The business day."""
    return api_of(request).context.clock().on


def check_dates(api: Api, **sent: date | None) -> None:
    """Refuse query dates before 1900 or more than a year ahead.

    Raises:
        ProblemError: FIELD_INVALID, with the names of the wrong ones.
    """
    on = api.context.clock().on
    wrong = [name for name, value in sent.items() if value and not is_within(value, on)]
    if wrong:
        named = [{"field": name.rstrip("_"), "code": "FIELD_INVALID"} for name in wrong]
        raise ProblemError("FIELD_INVALID", errors=named)


def digest_of(operation: str, body: BaseModel) -> bytes:
    """The digest of an operation and a validated body in canonical form.

    Members that are null count as not sent, so a new optional member changes no digest.
    """
    canonical = body.model_dump_json(exclude_none=True, by_alias=True)
    return hashlib.sha256(f"{operation}\0{canonical}".encode()).digest()


Render = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """A changing request: its caller and its Idempotency-Key."""

    api: Api
    caller: Caller
    key: str | None
    language: str | None

    @property
    def context(self) -> ServiceContext:
        """The service context of the use cases."""
        return self.api.context

    def request(self, operation: str, body: BaseModel, *, needs_key: bool = True) -> ServiceRequest:
        """The request as the service takes it. A PUT or PATCH may go without a key.

        Raises:
            ProblemError: as `check_key`.
        """
        key = check_key(self.key) if needs_key or self.key is not None else f"put:{new_trace()}"
        return ServiceRequest(self.caller, key, digest_of(operation, body), "http")

    def answer(self, reply: Reply, status: int = 201, render: Render | None = None) -> Response:
        """The answer: the stored body with its position, or the rule's refusal."""
        if reply.refusal is not None:
            return answer_refusal(reply, self.language)
        body = _placed(reply, render)
        return json_answer(body, reply.position, status, is_replayed=reply.is_replayed)


def change_of(request: Request, api: ApiOf, caller: CallerOf, key: KeyHeader = None) -> Change:
    """The request as a changing one."""
    return Change(api, caller, key, request.headers.get("accept-language"))


ChangeOf = Annotated[Change, Depends(change_of)]


def answer_read(reply: Reply, render: Render | None = None) -> Response:
    """The answer of a read, current as of its position."""
    return json_answer(_placed(reply, render), reply.position)


def _placed(reply: Reply, render: Render | None) -> bytes:
    if render is None:
        return b'%b,"position":%d}' % (reply.answer[:-1], reply.position)
    return to_json(render(json.loads(reply.answer)) | {"position": reply.position})


def page_of(
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    min_position: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
) -> PageRequest:
    """The part of a list that a request asks for."""
    return PageRequest(cursor, limit, min_position)


PageOf = Annotated[PageRequest, Depends(page_of)]


def page_answer(page: PageResult) -> Response:
    """A page as an answer."""
    return json_answer({"items": page.items, "next": page.following}, page.position)
