"""OpenAPI: bodies, problems and examples. The same models validate and describe."""

from typing import Any

from api.http.fields import Body


def body_of(model: type[Body]) -> dict[str, Any]:
    """The request body of a route, for its `openapi_extra`."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer, and those that every route may."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
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
    return {status: {"description": words[status], "content": content} for status in sorted(told)}


def telling_since() -> dict[int | str, dict[str, Any]]:
    """The header of a repeated answer whose settlement did not stay as it was answered."""
    header = {
        "description": "Beside a repeated answer: what became of the settlement since",
        "schema": {"type": "string", "enum": ["part_refunded", "cancelled", "reversed"]},
    }
    return {201: {"headers": {"Gongji-Since": header}}}
