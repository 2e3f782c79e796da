"""The route of batches: many claims in one request, each settled by itself."""

import asyncio
import json
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import from_json, to_json

from api.http.dependencies import Api, ApiOf, CallerOf, Change, check_key
from api.http.fields import CLAIMS_MAX, Body, dated
from api.http.headers import json_answer
from api.http.openapi_helpers import body_of, problems
from api.http.problems import ProblemAnswer, ProblemError, answer_problem, answer_refusal
from api.http.strict_body import read_json
from api.settlement.requests import BatchBody, ClaimBody
from api.settlement.responses import BatchReply
from api.settlement.routes import OPERATION, settling_of
from service.caller import Caller, Role, check_role
from service.settlement import settle
from service.settlement.queries import status_since

BODY_MAX = 4 * 1_048_576
"""Bytes of a batch: 1,000 claims of 4 KiB."""
AT_ONCE = 256
"""Claims of one batch that are settled at a time, so that other requests are not delayed."""
DUPLICATE = object()
"""Replaces an object that has a member twice."""

router = APIRouter(prefix="/v1", tags=["settlements"])


class RawBatchBody(BaseModel):
    """A batch whose claims are not validated yet; clients are told `BatchBody`."""

    model_config = Body.model_config

    claims: Annotated[list[Any], Field(max_length=CLAIMS_MAX)]


@router.post(
    "/settlements:batch",
    response_model=BatchReply,
    responses=problems(413, 422),
    openapi_extra=body_of(BatchBody),
)
async def settle_batch(request: Request, api: ApiOf, caller: CallerOf) -> Response:
    """Settle up to 1,000 claims, each under its own `key` (institution).

    It takes no Idempotency-Key: a batch may be sent again, and every claim that was decided gets
    the same answer; `since` is the settlement's present status. Claims are decided in order, and
    none stops another; `items` has their order. The body may have 4 MiB; `Gongji-Position` is the
    newest position answered.
    """
    check_role(caller, Role.INSTITUTION)
    claims = read_claims(await read_json(request, BODY_MAX))
    batch = _Batch(api, caller, request.headers.get("accept-language"))
    items = await asyncio.gather(*(batch.settle(claim) for claim in claims))
    return json_answer(b'{"items":[%b]}' % b",".join(items), batch.position)


def read_claims(raw: bytes) -> list[Any]:
    """The claims of a batch, not validated; DUPLICATE where an object has a member twice.

    Raises:
        ProblemError: JSON_INVALID, JSON_TOO_DEEP, JSON_DUPLICATE_KEY; ValidationError: the
        batch is not of its shape.
    """
    try:
        body = json.loads(raw.decode(), object_pairs_hook=_members, parse_constant=_no_number)
    except RecursionError as error:
        raise ProblemError("JSON_TOO_DEEP") from error
    except ValueError as error:
        raise ProblemError("JSON_INVALID") from error
    if body is DUPLICATE:
        raise ProblemError("JSON_DUPLICATE_KEY")
    return RawBatchBody.model_validate(body).claims


def read_claim(members: dict[str, Any], today: date | None = None) -> ClaimBody:
    """One claim of a batch in its strict shape, without its key; `today` is the business day.

    Raises:
        ProblemError: JSON_DUPLICATE_KEY, JSON_INVALID, JSON_TOO_DEEP; ValidationError: not of
        that shape.
    """
    claim = {name: value for name, value in members.items() if name != "key"}
    try:
        if _has_duplicate(claim):
            raise ProblemError("JSON_DUPLICATE_KEY")
        raw = json.dumps(claim, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ProblemError("JSON_TOO_DEEP") from error
    except ValueError as error:  # an unpaired surrogate
        raise ProblemError("JSON_INVALID") from error
    return ClaimBody.model_validate_json(raw, context=dated(today))


def _members(pairs: list[tuple[str, Any]]) -> Any:  # noqa: ANN401 -- JSON, or DUPLICATE
    members = dict(pairs)
    return members if len(members) == len(pairs) else DUPLICATE


def _no_number(word: str) -> None:
    raise ValueError(word)  # NaN and Infinity are not JSON


def _has_duplicate(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_has_duplicate, value.values()))
    return any(map(_has_duplicate, value)) if isinstance(value, list) else value is DUPLICATE


class _Batch:
    """Settles the claims of one batch in their order, `AT_ONCE` of them at a time."""

    def __init__(self, api: Api, caller: Caller, language: str | None) -> None:
        self._api = api
        self._caller = caller
        self._language = language
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.position = 0

    async def settle(self, sent: object) -> bytes:
        """The result of one claim, in JSON."""
        key: str | None = None
        try:
            members = _object_of(sent)
            key = _key_of(members)
            claim = read_claim(members, self._api.context.clock().on)
            change = Change(self._api, self._caller, key, self._language)
            request = change.request(OPERATION, claim)
            async with self._turns:
                reply = await settle.settle(self._api.context, request, settling_of(claim))
                since = await status_since(self._api.context, self._caller, reply)
        except Exception as error:  # noqa: BLE001 -- any error is this claim's alone
            return _problem(key, answer_problem(error, self._language))
        self.position = max(self.position, reply.position)
        if reply.refusal is not None:
            return _problem(key, answer_refusal(reply, self._language))
        return (
            b'{"key":%b,"status_code":201,"outcome":"applied","replayed":%b,%b'
            b'"settlement":%b,"position":%d}}'
            % (
                to_json(key),
                to_json(reply.is_replayed),
                b'"since":"%b",' % since.encode() if since else b"",
                reply.answer[:-1],
                reply.position,
            )
        )


def _object_of(sent: object) -> dict[str, Any]:
    if isinstance(sent, dict):
        return sent
    raise ProblemError("JSON_DUPLICATE_KEY" if sent is DUPLICATE else "FIELD_INVALID")


def _key_of(members: dict[str, Any]) -> str:
    key = members.get("key")
    if key is not None and not isinstance(key, str):
        raise ProblemError("IDEMPOTENCY_KEY_FORMAT")
    return check_key(key)


def _problem(key: str | None, answer: ProblemAnswer) -> bytes:
    problem = bytes(answer.body)
    return b'{"key":%b,"status_code":%d,"outcome":%b,"problem":%b}' % (
        to_json(key),
        answer.status_code,
        to_json(from_json(problem)["outcome"]),
        problem,
    )
