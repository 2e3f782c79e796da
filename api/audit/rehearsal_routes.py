"""Rehearsals over HTTP: the recorded log decided again under a draft of a region's file."""

import json
import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from api.audit.responses import ProgressReply
from api.http.dependencies import Api, ApiOf, CallerOf, check_dates
from api.http.fields import Body, Day, TermDay
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from api.processes.replay_jobs import Rehearsals
from service.caller import Caller, Role, check_role, is_foreign
from service.ledger.store import StoreUnavailableError
from service.regions.policy_book import PolicyFilesError
from service.rehearsal.run import RehearsalRequest
from service.replay.jobs import Job

router = APIRouter(prefix="/v1/policies", tags=["audit"], route_class=StrictBodyRoute)
REHEARSAL_ID = re.compile("reh_[0-9a-f]{1,40}")
DRAFT_MAX = 200_000
"""Characters of a draft; a whole file has a tenth of them."""


class RehearsalBody(Body):
    """A draft, the whole text of a region's file, and the days that are decided again.

    Without days it is the whole log; without a region everybody's bills are counted.
    """

    draft: str = Field(max_length=DRAFT_MAX)
    from_on: Annotated[Day | None, Field(alias="from")] = None
    to: TermDay | None = None
    region: Annotated[str | None, Field(pattern=r"^[0-9]{6}$")] = None


class PaidReply(ApiModel):
    """What is paid in fen: as recorded, under the draft, and how much more that is."""

    recorded: int
    draft: int
    more: int


class PaidByReply(ApiModel):
    """What is paid by whom: own accounts, sponsors, patients in cash, and premiums."""

    own: PaidReply
    aid: PaidReply
    cash: PaidReply
    premium: PaidReply


class PaidTotalReply(ApiModel):
    """The bills of a group, how many of them change, and what is paid by whom."""

    bills: int
    changed: int
    fen: PaidByReply


class PaidGroupReply(PaidTotalReply):
    """The same of one group."""

    key: str


class PaidGroupsReply(ApiModel):
    """The groups by the patient's class, the payer's relation, the place, and the month."""

    person_class: list[PaidGroupReply]
    relation: list[PaidGroupReply]
    place: list[PaidGroupReply]
    month: list[PaidGroupReply]


class BillCostReply(ApiModel):
    """What a bill costs whom, in fen; `code` says that the draft refuses it."""

    own: int
    aid: int
    cash: int
    code: str | None


class ChangedBillReply(ApiModel):
    """A bill that costs somebody else something under the draft; its receipt is by its id."""

    settlement_id: str
    position: int
    recorded: BillCostReply
    draft: BillCostReply


class DraftReply(ApiModel):
    """The area of a draft, and its editions."""

    code: str
    editions: list[str]


class RehearsedReply(ApiModel):
    """What a rehearsal found. What goes back counts as paid less.

    `not_followed` counts recorded events that took money which is not there under the draft.
    `picture` is an SVG of how much more cash each group pays.
    """

    draft: DraftReply
    decided: dict[str, int]
    changed: dict[str, int]
    differences: int
    reason_changed: int
    refused: dict[str, int]
    not_followed: int
    total: PaidTotalReply
    by: PaidGroupsReply
    largest: list[ChangedBillReply]
    picture: str
    position: int


class RehearsalReply(ApiModel):
    """A rehearsal that runs or has ended."""

    rehearsal_id: str
    status: Literal["running", "done", "failed", "interrupted"]
    code: str
    from_: Annotated[str | None, Field(alias="from")]
    to: str | None
    region: str | None
    started_at: str
    ended_at: str | None
    progress: ProgressReply
    result: Literal["equal", "different"] | None
    report: RehearsedReply | None


@router.post(
    "/rehearsals",
    status_code=202,
    response_model=RehearsalReply,
    responses=problems(403, 409, 413, 422),
)
async def start_rehearsal(api: ApiOf, caller: CallerOf, body: RehearsalBody) -> Response:
    """Decide the recorded log again under a draft, one at a time (auditor, agency).

    Changes nothing and needs no Idempotency-Key. An agency's rehearsal counts the bills of its
    region. It runs in a process of its own; every process can show its progress.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY)
    check_dates(api, **{"from": body.from_on, "to": body.to})
    region = _region_of(caller, body.region)
    rehearsals = _rehearsals(api)
    request = RehearsalRequest(body.draft, body.from_on, body.to, region)
    try:
        job = await rehearsals.start(request)
    except PolicyFilesError as unsound:
        errors = [{"field": "draft", "code": problem.line()} for problem in unsound.problems]
        raise ProblemError("DRAFT_UNSOUND", errors=errors) from unsound
    if job is None:
        raise ProblemError("REHEARSAL_RUNNING")
    return json_answer(_answer(job), None, 202)


@router.get(
    "/rehearsals/{rehearsal_id}", response_model=RehearsalReply, responses=problems(403, 404)
)
async def look_at_rehearsal(api: ApiOf, caller: CallerOf, rehearsal_id: str) -> Response:
    """A rehearsal's progress and report (auditor; agency of its region).

    `interrupted` means that the service stopped before it ended: start another.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY)
    is_id = REHEARSAL_ID.fullmatch(rehearsal_id) is not None
    job = await _rehearsals(api).jobs.find(rehearsal_id) if is_id else None
    if job is None or not _is_seen(caller, job):
        raise ProblemError("NOT_FOUND")
    return json_answer(_answer(job))


def _region_of(caller: Caller, asked: str | None) -> str | None:
    """Whose bills count: those of an agency's own region, where it has one."""
    if caller.role is not Role.AGENCY or caller.region is None:
        return asked
    if asked is not None and is_foreign(caller, asked):
        raise ProblemError("NOT_FOUND")
    return caller.region


def _is_seen(caller: Caller, job: Job) -> bool:
    region = json.loads(job.as_of or "{}").get("region")
    return caller.role is Role.AUDITOR or caller.region in (None, region)


def _rehearsals(api: Api) -> Rehearsals:
    if api.rehearsals is None:
        raise StoreUnavailableError
    return api.rehearsals


def _answer(job: Job) -> dict[str, Any]:
    report = job.report
    asked = json.loads(job.as_of or "{}")
    if report is not None:
        report = {name: report[name] for name in RehearsedReply.model_fields}
    return {
        "rehearsal_id": job.id,
        "status": job.status,
        **{name: asked.get(name) for name in ("code", "from", "to", "region")},
        "started_at": job.started_at,
        "ended_at": job.ended_at,
        "progress": {"done": job.done, "of": job.total},
        "result": None if report is None else "different" if report["differences"] else "equal",
        "report": report,
    }
