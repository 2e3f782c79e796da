"""Corrections: propose, list, decide, look. One of the agency proposes, another decides."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from aggregates.vocabulary import Bucket
from api.account.correction_schemas import (
    CorrectionBody,
    CorrectionReply,
    CorrectionsReply,
    RejectionBody,
)
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    Change,
    ChangeOf,
    Render,
    answer_read,
    page_answer,
)
from api.http.fields import NUMBER_MAX, NothingBody, fen
from api.http.openapi_helpers import problems
from api.http.strict_body import StrictBodyRoute
from service.account import corrections
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of
from service.read_models.reader import PageRequest

router = APIRouter(prefix="/v1/corrections", tags=["corrections"], route_class=StrictBodyRoute)


@router.post(
    "",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
)
async def propose(change: ChangeOf, body: CorrectionBody) -> Response:
    """Propose to put a wrong balance right (agency); no money moves yet."""
    reply = await corrections.propose(
        change.context,
        change.request("corrections", body),
        corrections.ProposeCorrection(
            person_no=body.person_no,
            bucket=Bucket(body.bucket),
            amount_fen=fen(body.amount),
            reason=body.reason,
            reference=body.reference,
        ),
    )
    return await _answered(change, reply)


@router.get("", response_model=CorrectionsReply, responses=problems(422))
async def list_corrections(
    api: ApiOf,
    caller: CallerOf,
    status: Annotated[str | None, Query(pattern="^(proposed|approved|rejected)$")] = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    min_position: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
) -> Response:
    """The corrections of an agency's region, newest first; auditors see all.

    `status=proposed` lists those that somebody else must still decide.
    """
    asked = PageRequest(cursor, limit, min_position)
    shown = await corrections.corrections_of(api.context, api.read_models, caller, status, asked)
    return page_answer(shown)


@router.get("/{correction_id}", response_model=CorrectionReply, responses=problems(404))
async def look_at_correction(api: ApiOf, caller: CallerOf, correction_id: str) -> Response:
    """A correction as the log has it now (its region's agency, auditors)."""
    stream = stream_of("cor", correction_id)
    reply = await corrections.look_at_correction(api.context, caller, stream)
    return answer_read(reply, await _with_person(api.context, reply.answer))


@router.post(
    "/{correction_id}/approval",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
)
async def approve(change: ChangeOf, correction_id: str, body: NothingBody) -> Response:
    """Agree to what another of the agency proposed; the money moves."""
    stream = stream_of("cor", correction_id)
    asked = change.request(f"corrections/{stream}/approval", body)
    reply = await corrections.approve(change.context, asked, stream)
    return await _answered(change, reply)


@router.post(
    "/{correction_id}/rejection",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
)
async def reject(change: ChangeOf, correction_id: str, body: RejectionBody) -> Response:
    """Do not agree to what another of the agency proposed; nothing moves."""
    stream = stream_of("cor", correction_id)
    asked = change.request(f"corrections/{stream}/rejection", body)
    reply = await corrections.reject(change.context, asked, stream, body.reason)
    return await _answered(change, reply)


async def _answered(change: Change, reply: Reply) -> Response:
    render = None if reply.refusal else await _with_person(change.context, reply.answer)
    return change.answer(reply, render=render)


async def _with_person(context: ServiceContext, answer: bytes) -> Render:
    account = corrections.account_in(answer)
    person = (await persons_of(context, [account])).get(account)

    def render(correction: dict[str, Any]) -> dict[str, Any]:
        return correction | {"person_no": person and person.person_no}

    return render
