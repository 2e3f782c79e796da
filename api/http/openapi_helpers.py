"""OpenAPI: bodies, problems and examples. The same models validate and describe."""

from typing import Any

from api.http.fields import Body


def body_of(model: type[Body]) -> dict[str, Any]:
    """The request body of a route, for its `openapi_extra`."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
TEXT = {"type": "string"}
HEADERS: dict[str, dict[str, Any]] = {
    "Gongji-Position": {
        "description": "Position of the newest event that the answer shows; absent if it shows"
        " nothing of the log.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Idempotency-Replayed": {
        "description": "`true` if the key was used before and this is the stored answer; absent"
        " otherwise.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Gongji-Since": {
        "description": "Beside a repeated answer: what became of the settlement since; absent if"
        " it stands.",
        "schema": {"type": "string", "enum": ["part_refunded", "cancelled", "reversed"]},
    },
    "Retry-After": {
        "description": "Seconds to wait before the request is sent again, with the same key.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "WWW-Authenticate": {
        "description": "`Bearer`: send a token in `Authorization`.",
        "schema": TEXT,
    },
    "Content-Language": {
        "description": "Language of the sentences: `zh-CN`, or `en` if `Accept-Language` begins"
        " with it.",
        "schema": TEXT,
    },
    "Link": {
        "description": "Of a table: the address of the next page, with `rel=next`; absent at the"
        " list's end.",
        "schema": TEXT,
    },
    "Content-Disposition": {
        "description": "Of a table: the name to save it under; absent beside JSON.",
        "schema": TEXT,
    },
}
"""Every header that an answer may have beside the ordinary ones of HTTP."""


def told_headers(*names: str) -> dict[str, Any]:
    """Headers of an answer, for its `headers`."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer, and those that every route may."""
    told = {400, 401, 403, 429, 503, *statuses}
    words = {
        400: "Not readable, or the Idempotency-Key is missing",
        401: "No valid token",
        403: "Not permitted",
        404: "Unknown, or not yours",
        409: "Refused by a rule; final for this key",
        413: "Body too large",
        422: "Not of the right shape",
        429: "Too many misses or failures; wait for Retry-After",
        501: "Needs an optional extra that is not installed",
        503: "Busy, unavailable, or the outcome is unknown",
    }
    more = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
    return {
        status: {
            "description": words[status],
            "content": PROBLEM,
            "headers": told_headers("Content-Language", *more.get(status, ())),
        }
        for status in sorted(told)
    }


def telling_since() -> dict[int | str, dict[str, Any]]:
    """The header of a repeated answer whose settlement did not stay as it was answered."""
    return {201: {"headers": told_headers("Gongji-Since")}}
