"""Bodies of requests: JSON in UTF-8, no member twice, nothing unknown, nothing guessed."""

import inspect
import json
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from api.http.asgi import read_raw
from api.http.dependencies import today
from api.http.fields import Body, dated
from api.http.openapi_helpers import body_of
from api.http.problems import ProblemError

BODY_MAX = 1_048_576
"""Bytes of a request body."""
B = TypeVar("B", bound=Body)


class StrictBodyRoute(APIRoute):
    """A route whose parameter `body` is read by `read_body`, and described by its model.

    FastAPI's own reader takes a member that comes twice. Parameters are read in their order, so
    a `body` behind the caller is read only for somebody with a valid token.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        **options: Any,  # noqa: ANN401 -- FastAPI's own, passed on
    ) -> None:
        model = endpoint.__annotations__.get("body")
        if model is not None:
            _read_strictly(endpoint, model)
            options["openapi_extra"] = body_of(model)
        super().__init__(path, endpoint, **options)


def _read_strictly(endpoint: Callable[..., Any], model: type[Body]) -> None:
    """Let FastAPI fill the parameter `body` by a dependency."""

    async def read(request: Request) -> Body:
        return await read_body(request, model)

    signature = inspect.signature(endpoint)
    body = signature.parameters["body"].replace(annotation=Annotated[model, Depends(read)])
    parameters = signature.parameters | {"body": body}
    changed = signature.replace(parameters=list(parameters.values()))
    endpoint.__signature__ = changed  # type: ignore[attr-defined]


async def read_body(request: Request, model: type[B]) -> B:
    """The body of a request in its strict shape.

    Raises:
        ProblemError: as `read_json` and `check_members`; ValidationError: not of that shape.
    """
    return parse_body(model, await read_json(request, BODY_MAX), today(request))


def parse_body(model: type[B], raw: bytes, today: date | None) -> B:
    """A body in its strict shape; dates are bounded by `today`, the business day.

    Raises:
        ProblemError: as `check_members`; ValidationError: not of that shape.
    """
    check_members(raw)
    return model.model_validate_json(raw, context=dated(today))


async def read_json(request: Request, size_max: int) -> bytes:
    """The bytes of a JSON body.

    Raises:
        ProblemError: MEDIA_TYPE, ENCODING_UNSUPPORTED; BODY_TOO_LARGE: more than `size_max`;
        REQUEST_TIMEOUT: the connection ended before the body did.
    """
    check_media_type(request.headers.get("content-type"), request.headers.get("content-encoding"))
    return await read_raw(request.receive, size_max)


def check_media_type(content_type: str | None, encoding: str | None) -> None:
    """Check that a body is sent as JSON in UTF-8, not compressed.

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
    """Refuse a member that comes twice: two readers could see two bodies.

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
"""Checks that no object has a member twice. An integer is read as its length, which is cheap."""
