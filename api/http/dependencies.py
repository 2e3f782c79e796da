"""What every route does: read the body strictly, know the caller, answer with a position."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel
from pydantic_core import to_json

from api.http.fields import Body, dated
from api.http.headers import json_answer
from api.http.limits.rate_limits import RateLimits
from api.http.problems import ProblemError, answer_refusal
from api.http.tokens import Tokens
from api.http.values.dates import is_within
from api.processes.replay_jobs import Replays
from service.caller import Caller
from service.caller import Request as ServiceRequest
from service.clock import new_trace
from service.context import ServiceContext
from service.ledger.command import Reply
from service.person.free_text import is_id_number_in
from service.read_models.reader import PageResult, ReadModels

BODY_MAX = 1_048_576
"""Bytes of a request body."""
KEY_MAX = 64
B = TypeVar("B", bound=Body)


@dataclass(slots=True)
class Api:
    """What the routes lean on. `stopping` is set when the service is about to end.

    Without a database there are no `replays`.
    """

    context: ServiceContext
    tokens: Tokens
    read_models: ReadModels
    replays: Replays | None = None
    limits: RateLimits = field(default_factory=RateLimits)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


def api_of(request: Request) -> Api:
    """The door of the running application."""
    api: Api = request.app.state.api
    return api


def caller_of(request: Request) -> Caller:
    """The holder of the request's token.

    Raises:
        ProblemError: UNAUTHENTICATED.
    """
    return api_of(request).tokens.caller(request.headers.get("authorization"))


KeyHeader = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="1–64 printable ASCII characters; the same key and body give the same answer.",
    ),
]
CallerOf = Annotated[Caller, Depends(caller_of)]
ApiOf = Annotated[Api, Depends(api_of)]


def check_key(key: str | None) -> str:
    """The Idempotency-Key of a request.

    Raises:
        ProblemError: as `read_key`; PERSON_NAMED: it is kept for ever, and where erasure looks not.
    """
    key = read_key(key)
    if is_id_number_in(key):
        named = [{"field": "Idempotency-Key", "code": "PERSON_NAMED"}]
        raise ProblemError("PERSON_NAMED", errors=named)
    return key


def read_key(key: str | None) -> str:
    """A key that was used before, as it is asked for.

    Raises:
        ProblemError: IDEMPOTENCY_KEY_REQUIRED, IDEMPOTENCY_KEY_FORMAT.
    """
    if key is None:
        raise ProblemError("IDEMPOTENCY_KEY_REQUIRED")
    if not (0 < len(key) <= KEY_MAX and key.isascii() and key.isprintable()):
        raise ProblemError("IDEMPOTENCY_KEY_FORMAT")
    return key


async def read_body(request: Request, model: type[B]) -> B:
    """The body of a request, in its strict shape.

    Raises:
        ProblemError: BODY_TOO_LARGE, MEDIA_TYPE, JSON_INVALID, JSON_DUPLICATE_KEY;
        ValidationError: not of that shape.
    """
    raw = await read_raw(request, BODY_MAX)
    check_members(raw)
    return model.model_validate_json(raw, context=dated(today(request)))


def today(request: Request) -> date:
    """The business day."""
    return api_of(request).context.clock().on


def check_dates(api: Api, **sent: date | None) -> None:
    """Refuse query dates before 1900 or more than a year ahead.

    Raises:
        ProblemError: FIELD_INVALID, with the names of those that are.
    """
    on = api.context.clock().on
    wrong = [name for name, value in sent.items() if value and not is_within(value, on)]
    if wrong:
        named = [{"field": name.rstrip("_"), "code": "FIELD_INVALID"} for name in wrong]
        raise ProblemError("FIELD_INVALID", errors=named)


async def read_raw(request: Request, size_max: int) -> bytes:
    """The bytes of a JSON body.

    Raises:
        ProblemError: MEDIA_TYPE, ENCODING_UNSUPPORTED; BODY_TOO_LARGE: more than `size_max`.
    """
    check_media_type(request.headers.get("content-type"), request.headers.get("content-encoding"))
    raw = bytearray()
    async for part in request.stream():
        raw += part
        if len(raw) > size_max:
            raise ProblemError("BODY_TOO_LARGE")
    return bytes(raw)


def check_media_type(content_type: str | None, encoding: str | None) -> None:
    """JSON in UTF-8, not compressed.

    Raises:
        ProblemError: MEDIA_TYPE, ENCODING_UNSUPPORTED.
    """
    kind, _, parameters = (content_type or "application/json").partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if kind.strip().lower() != "application/json" or charset not in ("", "utf-8", "utf8"):
        raise ProblemError("MEDIA_TYPE")
    if encoding not in (None, "identity"):
        raise ProblemError("ENCODING_UNSUPPORTED")


def check_members(raw: bytes | bytearray) -> None:
    """Refuse a member that appears twice: two readers could see two bodies.

    Raises:
        ProblemError: JSON_DUPLICATE_KEY, JSON_INVALID, JSON_TOO_DEEP.
    """
    try:
        ONCE.decode(raw.decode(json.detect_encoding(raw), "surrogatepass"))
    except RecursionError as error:
        raise ProblemError("JSON_TOO_DEEP") from error
    except ValueError as error:
        raise ProblemError("JSON_INVALID") from error


def _no_number(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are not JSON


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ProblemError("JSON_DUPLICATE_KEY")
    return members


ONCE = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_constant=_no_number)
"""Reads nothing, and stops where a member comes twice."""


def digest_of(operation: str, body: BaseModel) -> bytes:
    """The digest of an operation and a validated body in canonical form.

    Members that are null count as not sent, so a new optional member changes no digest.
    """
    canonical = body.model_dump_json(exclude_none=True, by_alias=True)
    return hashlib.sha256(f"{operation}\0{canonical}".encode()).digest()


def request_of(caller: Caller, key: str | None, operation: str, body: BaseModel) -> ServiceRequest:
    """A request that changes something.

    Raises:
        ProblemError: as `check_key`.
    """
    return ServiceRequest(caller, check_key(key), digest_of(operation, body), "http")


def maybe_key(key: str | None) -> str:
    """The key of a PUT or PATCH, which may go without: then each call is its own."""
    return check_key(key) if key is not None else f"put:{new_trace()}"


Render = Callable[[dict[str, Any]], dict[str, Any]]


def answer_written(
    reply: Reply, request: Request, status: int = 201, render: Render | None = None
) -> Response:
    """The answer of a change: the stored body, its position, or the rule's refusal."""
    if reply.refusal is not None:
        return answer_refusal(reply, request.headers.get("accept-language"))
    body = _placed(reply, render)
    return json_answer(body, reply.position, status, is_replayed=reply.is_replayed)


def answer_read(reply: Reply, render: Render | None = None) -> Response:
    """The answer of a look: current as of its position."""
    return json_answer(_placed(reply, render), reply.position)


def _placed(reply: Reply, render: Render | None) -> bytes:
    if render is None:
        return b'%b,"position":%d}' % (reply.answer[:-1], reply.position)
    return to_json(render(json.loads(reply.answer)) | {"position": reply.position})


def page_answer(page: PageResult) -> Response:
    """A page as an answer."""
    return json_answer({"items": page.items, "next": page.following}, page.position)
