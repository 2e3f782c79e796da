"""Headers: those that every answer has, and how ASGI spells them."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from pydantic_core import to_json

RawHeaders = list[tuple[bytes, bytes]]
"""Headers of an ASGI message; names in lower case, bytes of Latin-1."""
REPLAYED = "Idempotency-Replayed"


def answer_headers(position: int | None = None, *, is_replayed: bool = False) -> dict[str, str]:
    """The headers of an answer: kept by no cache, taken for no other type.

    `position` is that of the newest event in the log that the answer shows.
    """
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if position is not None:
        headers["Gongji-Position"] = str(position)
    if is_replayed:
        headers[REPLAYED] = "true"
    return headers


def raw_headers(headers: Mapping[str, str]) -> RawHeaders:
    """Headers as ASGI sends them."""
    return [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()
    ]


def json_answer(
    body: object,
    position: int | None = None,
    status: int = 200,
    *,
    is_replayed: bool = False,
) -> Response:
    """An answer in JSON; `body` may be JSON already, as bytes."""
    content = body if isinstance(body, bytes) else to_json(body)
    headers = answer_headers(position, is_replayed=is_replayed)
    return Response(content, status, headers, "application/json")


def sent_header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """The first header of this name, in lower case, that came with an ASGI request."""
    found = next((value for sent, value in scope["headers"] if sent == name), None)
    return None if found is None else found.decode("latin-1")
