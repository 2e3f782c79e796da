"""Errors over HTTP: RFC 9457 problems with a code and an outcome."""

import json
import logging
import re
from collections.abc import Mapping

import asyncpg
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.http.headers import answer_headers
from api.http.texts import PROBLEM_TEXTS
from service import CursorInvalidError, RefusalError
from service import request_context as seen
from service.adapters.tax_authority import TaxUnavailableError
from service.caller import Role
from service.ledger.command import KeyReusedError, OverloadedError, Reply
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from service.proof.tree import LogBrokenError

LOG = logging.getLogger("gongji.api")
RETRY_AFTER_S = "1"


class ProblemError(Exception):
    """A request that the API refuses before any use case."""

    def __init__(self, code: str, **fields: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields


class ProblemAnswer(Response):
    """An `application/problem+json` answer."""

    media_type = "application/problem+json"


CODES: tuple[tuple[type[Exception], str, str], ...] = (
    (ClientDisconnect, "REQUEST_TIMEOUT", "not_applied"),
    (CursorInvalidError, "PAGE_INVALID", "not_applied"),
    (KeyReusedError, "IDEMPOTENCY_KEY_REUSED", "not_applied"),
    (OverloadedError, "OVERLOADED", "not_applied"),
    (TaxUnavailableError, "TAX_UNAVAILABLE", "not_applied"),
    (StoreUnavailableError, "STORE_UNAVAILABLE", "not_applied"),
    (OutcomeUnknownError, "OUTCOME_UNKNOWN", "unknown"),
    (asyncpg.IntegrityConstraintViolationError, "INVARIANT_VIOLATION", "not_applied"),
    (asyncpg.DataError, "INVARIANT_VIOLATION", "not_applied"),
    (asyncpg.DiskFullError, "STORE_FULL", "not_applied"),
    (LogBrokenError, "LOG_BROKEN", "not_applied"),
    (asyncpg.PostgresError, "STORE_UNAVAILABLE", "not_applied"),
    (TimeoutError, "OUTCOME_UNKNOWN", "unknown"),
    (ConnectionError, "OUTCOME_UNKNOWN", "unknown"),
    (asyncpg.InterfaceError, "OUTCOME_UNKNOWN", "unknown"),
    (asyncpg.InternalClientError, "OUTCOME_UNKNOWN", "unknown"),
    (Exception, "INTERNAL_ERROR", "unknown"),
)
"""The codes of the service's own errors; the first that fits counts."""
OF_STATUS = {404: "NOT_FOUND", 405: "METHOD"}


def problem_of(error: Exception) -> tuple[str, str, Mapping[str, object]]:
    """The code, outcome and fields of an error."""
    match error:
        case RefusalError():
            return _told_as(error), "not_applied", error.fields
        case ProblemError(code=code, fields=fields):
            return code, "not_applied", fields
        case ValidationError():
            return shape_problem(error)
        case HTTPException(status_code=status) if status in OF_STATUS:
            return OF_STATUS[status], "not_applied", {}
        case _:
            code, outcome = next((c, o) for kind, c, o in CODES if isinstance(error, kind))
            return code, outcome, {}


def _told_as(refusal: RefusalError) -> str:
    """A refusal's code as callers know it (reliability.md b2, B35 and B38)."""
    code = refusal.code()
    if code == "NOT_PERMITTED" and refusal.fields.get("role") == Role.AUDITOR:
        return "READ_ONLY_ROLE"
    return "NOT_FOUND" if code == "UNKNOWN" else code


def answer_problem(error: Exception, language: str | None, method: str = "POST") -> ProblemAnswer:
    """An error as an answer. Only bugs are logged, without the body. A read applies nothing."""
    code, outcome, fields = problem_of(error)
    if method == "GET":
        outcome = "not_applied"
        code = "STORE_UNAVAILABLE" if code == "OUTCOME_UNKNOWN" else code
    trace_id = seen.trace_id()
    if PROBLEM_TEXTS[code].status == 500:  # noqa: PLR2004 -- a bug of ours
        LOG.error("%s %s", code, trace_id, exc_info=error)
    return _answer(code, outcome, fields, language, trace_id)


def answer_refusal(reply: Reply, language: str | None) -> ProblemAnswer:
    """A rule's refusal that used up its key."""
    assert reply.refusal is not None, "the reply is a refusal"
    fields = json.loads(reply.answer)
    answer = _answer(reply.refusal, "not_applied", fields, language, seen.trace_id())
    answer.headers.update(answer_headers(is_replayed=reply.is_replayed))
    return answer


def is_english(language: str | None) -> bool:
    """Whether an `Accept-Language` prefers English; otherwise the answer is in Chinese."""
    return (language or "").lower().startswith("en")


def _answer(
    code: str, outcome: str, fields: Mapping[str, object], language: str | None, trace_id: str
) -> ProblemAnswer:
    text = PROBLEM_TEXTS[code]
    seen.refused(code)
    in_english = is_english(language)
    kebab = code.lower().replace("_", "-")
    body = {
        "type": f"/problems/{kebab}",
        "title": code.replace("_", " ").capitalize(),
        "status": text.status,
        "detail": text.en if in_english else text.zh,
        "instance": f"urn:trace:{trace_id}",
        "code": code,
        "outcome": outcome,
        "trace_id": trace_id,
        **_about(code, fields),
        **{
            f"current_{name}" if name == "status" else name: value
            for name, value in fields.items()
            if name not in RESERVED
        },
    }
    headers = answer_headers() | {"Content-Language": "en" if in_english else "zh-CN"}
    if text.status == 503:  # noqa: PLR2004 -- try again
        headers["Retry-After"] = RETRY_AFTER_S
    if text.status == 429:  # noqa: PLR2004 -- wait
        headers["Retry-After"] = str(fields.get("retry_after_s", RETRY_AFTER_S))
    if text.status == 401:  # noqa: PLR2004 -- who are you
        headers["WWW-Authenticate"] = "Bearer"
    return ProblemAnswer(to_json(body), status_code=text.status, headers=headers)


def _about(code: str, fields: Mapping[str, object]) -> Mapping[str, object]:
    """The member that a problem is about: first as `field`, and in the list `errors`."""
    match fields:
        case {"errors": [{"field": first}, *_]}:
            return {"field": first}
        case {"field": first}:
            return {"errors": [{"field": first, "code": code}]}
        case _:
            return {}


def shape_problem(error: ValidationError) -> tuple[str, str, Mapping[str, object]]:
    """A body that is not of the right shape: the fields and what is wrong, never their values."""
    told = [
        {"field": _place(detail), "code": _field_code(detail)}
        for detail in error.errors(include_url=False)
    ]
    if told[0]["code"] == "JSON_INVALID":
        return "JSON_INVALID", "not_applied", {}
    return told[0]["code"], "not_applied", {"errors": told[:20]}


def _place(detail: ErrorDetails) -> str:
    """The place in the body."""
    return ".".join(safe_member(str(at)) for at in detail["loc"])


def safe_member(name: str) -> str:
    """A member's name or place in a list, or "?": what else was sent could be personal data."""
    return name if re.fullmatch("[a-z_]{1,40}|[0-9]+", name) else "?"


FIELD_CODES = {
    "json_invalid": "JSON_INVALID",
    "missing": "FIELD_REQUIRED",
    "extra_forbidden": "UNKNOWN_FIELD",
    "string_pattern_mismatch": "TEXT_INVALID",
    "string_too_long": "TEXT_INVALID",
    "string_too_short": "TEXT_INVALID",
    "person_named": "PERSON_NAMED",
}
"""Field codes by pydantic's kind of error; dates and amounts are distinguished below."""


def _field_code(detail: ErrorDetails) -> str:
    kind, field = detail["type"], detail["loc"][-1] if detail["loc"] else ""
    if field in AMOUNTS and kind.startswith("string"):
        sent = detail["input"]
        is_amount = isinstance(sent, str) and re.fullmatch(r"-?[0-9]+\.[0-9]{2}", sent)
        return "AMOUNT_OUT_OF_RANGE" if is_amount else "AMOUNT_FORMAT"
    if kind == "too_long":
        return "TOO_MANY_LINES"
    if field == "cert_no" and kind.startswith("string"):
        return "ID_FORMAT"
    if kind.startswith(("date", "timezone")):
        return "DATE_INVALID"
    return FIELD_CODES.get(kind, "FIELD_INVALID")


AMOUNTS = frozenset(
    {
        *("amount", "total", "fund_pay", "own", "aid", "cash"),
        *("per_settlement", "per_day", "per_month", "per_year"),
    }
)
PAGING = frozenset({"cursor", "limit"})
RESERVED = frozenset({"type", "title", "detail", "instance", "code", "outcome", "trace_id"})


async def on_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler for every error of a route."""
    answer = answer_problem(error, request.headers.get("accept-language"), request.method)
    if isinstance(error, HTTPException):
        answer.headers.update(error.headers or {})  # Allow
    return answer


async def on_query_error(request: Request, error: Exception) -> Response:
    """FastAPI's handler for a path or query parameter of the wrong shape."""
    assert isinstance(error, RequestValidationError)
    told = [(str(detail["loc"][-1]), detail["type"]) for detail in error.errors()]
    names = [{"field": name, "code": _query_code(name, kind)} for name, kind in told]
    problem = ProblemError(names[0]["code"], errors=names)
    return answer_problem(problem, request.headers.get("accept-language"))


def _query_code(name: str, kind: str) -> str:
    if name in PAGING:
        return "PAGE_INVALID"
    return "FIELD_INVALID" if kind == "out_of_bounds" else "QUERY_INVALID"
