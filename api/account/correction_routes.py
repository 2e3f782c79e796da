"""Routes of corrections: one agency clerk proposes, another one decides."""

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
    PageOf,
    Render,
    answer_read,
    page_answer,
)
from api.http.fields import NothingBody, fen
from api.http.openapi_helpers import problems
from api.http.strict_body import StrictBodyRoute
from service.account import corrections
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of

router = APIRouter(prefix="/v1/corrections", tags=["corrections"], route_class=StrictBodyRoute)


@router.post("", status_code=201, response_model=CorrectionReply, responses=problems(404, 409, 422))
async def propose_correction(change: ChangeOf, body: CorrectionBody) -> Response:
    """Propose to correct a wrong balance (agency); no money moves yet."""
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
    return await _answer(change, reply)


@router.get("", response_model=CorrectionsReply, responses=problems(422))
async def list_corrections(
    api: ApiOf,
    caller: CallerOf,
    page: PageOf,
    status: Annotated[str | None, Query(pattern="^(proposed|approved|rejected)$")] = None,
) -> Response:
    """The corrections of an agency's region, newest first; auditors see all.

    `status=proposed` lists those that another clerk must still decide.
    """
    return page_answer(
        await corrections.corrections_of(api.context, api.read_models, caller, status, page)
    )


@router.get("/{correction_id}", response_model=CorrectionReply, responses=problems(404))
async def look_at_correction(api: ApiOf, caller: CallerOf, correction_id: str) -> Response:
    """A correction as of now (its region's agency, auditors)."""
    stream = stream_of("cor", correction_id)
    reply = await corrections.look_at_correction(api.context, caller, stream)
    return answer_read(reply, await _with_person(api.context, reply.answer))


@router.post(
    "/{correction_id}/approval",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
)
async def approve_correction(change: ChangeOf, correction_id: str, body: NothingBody) -> Response:
    """Approve what another clerk of the agency proposed; the money moves."""
    stream = stream_of("cor", correction_id)
    request = change.request(f"corrections/{stream}/approval", body)
    reply = await corrections.approve(change.context, request, stream)
    return await _answer(change, reply)


@router.post(
    "/{correction_id}/rejection",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
)
async def reject_correction(change: ChangeOf, correction_id: str, body: RejectionBody) -> Response:
    """Reject what another clerk of the agency proposed; no money moves."""
    stream = stream_of("cor", correction_id)
    request = change.request(f"corrections/{stream}/rejection", body)
    reply = await corrections.reject(change.context, request, stream, body.reason)
    return await _answer(change, reply)


async def _answer(change: Change, reply: Reply) -> Response:
    render = None if reply.refusal else await _with_person(change.context, reply.answer)
    return change.answer(reply, render=render)


async def _with_person(context: ServiceContext, answer: bytes) -> Render:
    account = corrections.account_in(answer)
    person = (await persons_of(context, [account])).get(account)

    def render(correction: dict[str, Any]) -> dict[str, Any]:
        return correction | {"person_no": person and person.person_no}

    return render
