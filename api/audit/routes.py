"""Audit over HTTP: a settlement's story, the state at a point of the log, and replays."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api.audit.responses import (
    AccountAsOfReply,
    BindingAsOfReply,
    FamilyAsOfReply,
    InstitutionAsOfReply,
    ReplayBody,
    ReplayReply,
    StoryReply,
)
from api.audit.trace_text import with_texts
from api.http.dependencies import Api, ApiOf, CallerOf, check_dates
from api.http.headers import json_answer
from api.http.openapi_helpers import body_of, problems
from api.http.problems import ProblemError, is_english
from api.http.strict_body import read_body
from api.processes.replay_jobs import Replays
from service.audit import as_of as past
from service.audit.trace import trace
from service.caller import Role, check_role
from service.ids import stream_of
from service.ledger.store import StoreUnavailableError
from service.replay.jobs import Job

router = APIRouter(prefix="/v1/audit", tags=["audit"])
REPLAY_ID = re.compile("rpl_[0-9a-f]{1,40}")
AsOf = Annotated[
    str | None,
    Query(
        max_length=40,
        description="A position, or a time (RFC 3339; Beijing's without an offset); else now.",
    ),
]
AS_OF_PROBLEMS = problems(403, 404, 422)


@router.get("/settlements/{settlement_id}", response_model=StoryReply, responses=problems(403, 404))
async def tell_settlement(
    request: Request, api: ApiOf, caller: CallerOf, settlement_id: str
) -> Response:
    """A settlement's whole story, with every decision in it decided again (auditor).

    Texts are Chinese, or English with `Accept-Language: en`.
    """
    check_role(caller, Role.AUDITOR)
    story = await trace(api.context, caller, stream_of("stl", settlement_id))
    language = request.headers.get("accept-language")
    return _answer(with_texts(story, in_english=is_english(language)))


@router.get("/accounts/{person_no}", response_model=AccountAsOfReply, responses=AS_OF_PROBLEMS)
async def account_as_of(
    api: ApiOf, caller: CallerOf, person_no: str, as_of: AsOf = None
) -> Response:
    """An account at a position or a moment, from the log alone (auditor).

    `person_no` is a person number or an account id (`acc_…`).
    """
    return _answer(await past.account_as_of(api.context, caller, person_no, _point(api, as_of)))


@router.get("/families/{person_no}", response_model=FamilyAsOfReply, responses=AS_OF_PROBLEMS)
async def family_as_of(
    api: ApiOf, caller: CallerOf, person_no: str, as_of: AsOf = None
) -> Response:
    """A patient and all sponsors at a position or a moment, from the log alone (auditor).

    `person_no` is a person number or an account id (`acc_…`).
    """
    return _answer(await past.family_as_of(api.context, caller, person_no, _point(api, as_of)))


@router.get("/bindings/{binding_id}", response_model=BindingAsOfReply, responses=AS_OF_PROBLEMS)
async def binding_as_of(
    api: ApiOf, caller: CallerOf, binding_id: str, as_of: AsOf = None
) -> Response:
    """A binding at a position or a moment, from the log alone (auditor)."""
    check_role(caller, Role.AUDITOR)
    stream = stream_of("bnd", binding_id)
    return _answer(await past.binding_as_of(api.context, caller, stream, _point(api, as_of)))


@router.get("/institutions/{code}", response_model=InstitutionAsOfReply, responses=AS_OF_PROBLEMS)
async def institution_as_of(
    api: ApiOf, caller: CallerOf, code: str, as_of: AsOf = None
) -> Response:
    """An institution at a position or a moment, from the log alone (auditor).

    `code` is the institution's code or its id (`ins_…`).
    """
    return _answer(await past.institution_as_of(api.context, caller, code, _point(api, as_of)))


@router.post(
    "/replays",
    status_code=202,
    response_model=ReplayReply,
    responses=problems(403, 409, 422),
    openapi_extra=body_of(ReplayBody),
)
async def start_replay(request: Request, api: ApiOf, caller: CallerOf) -> Response:
    """Start a replay of the log with a comparison, one at a time (auditor).

    Changes nothing and needs no Idempotency-Key. The replay runs in a process of its own;
    every process of the deployment can show its progress.
    """
    check_role(caller, Role.AUDITOR)
    body = await read_body(request, ReplayBody)
    _point(api, body.as_of)
    replays = _replays(api)
    job = await replays.start(body.as_of)
    if job is None:
        raise ProblemError("REPLAY_RUNNING", replay_id=await replays.jobs.running())
    return _answer(_replay_answer(job), 202)


@router.get("/replays/{replay_id}", response_model=ReplayReply, responses=problems(403, 404))
async def look_at_replay(api: ApiOf, caller: CallerOf, replay_id: str) -> Response:
    """A replay's progress and result (auditor).

    `interrupted` means that the service stopped before the replay ended: start another.
    """
    check_role(caller, Role.AUDITOR)
    is_id = REPLAY_ID.fullmatch(replay_id) is not None
    job = await _replays(api).jobs.find(replay_id) if is_id else None
    if job is None:
        raise ProblemError("NOT_FOUND")
    return _answer(_replay_answer(job))


def _replays(api: Api) -> Replays:
    if api.replays is None:
        raise StoreUnavailableError
    return api.replays


def _replay_answer(job: Job) -> dict[str, Any]:
    report = job.report
    return {
        "replay_id": job.id,
        "status": job.status,
        "as_of": job.as_of,
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "progress": {"done": job.done, "of": job.total},
        "result": None if report is None else "different" if report["found"]["count"] else "equal",
        "report": None if report is None else _report_answer(report),
    }


def _report_answer(report: dict[str, Any]) -> dict[str, Any]:
    counts, differences = report["counts"], report["found"]
    return {
        "position": report["position"],
        "events": counts["events"],
        "decided_again": counts["decided"],
        "folded_only": counts["folded"],
        "money_fen": report["money"],
        "compared": {name: report[name] for name in ("heads", "keys", "names")},
        "read_models": report["tables"],
        "difference_count": differences["count"],
        "differences": [
            dict(zip(("position", "stream", "in", "stored", "made"), values, strict=True))
            for values in differences["kept"]
        ],
    }


def _point(api: Api, text: str | None) -> int | datetime | None:
    """A position, a moment or neither."""
    point = None if text is None else past.read_moment(text)
    if isinstance(point, datetime):
        check_dates(api, as_of=point)
    return point


def _answer(answer: dict[str, Any], status: int = 200) -> Response:
    return json_answer(answer, answer.get("position"), status)
