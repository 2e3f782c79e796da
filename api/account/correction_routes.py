"""Corrections: propose, list, decide, look. One of the agency proposes, another decides."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from aggregates.vocabulary import Bucket
from api.account.correction_schemas import (
    CorrectionBody,
    CorrectionReply,
    CorrectionsReply,
    RejectionBody,
)
from api.http.dependencies import (
    CallerOf,
    DoorOf,
    KeyHeader,
    Render,
    answer_read,
    answer_written,
    page_answer,
    read_body,
    request_of,
)
from api.http.fields import NUMBER_MAX, NothingBody, fen
from api.http.openapi_helpers import body_of, problems
from service.account import corrections
from service.context import House
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of
from service.read_models.reader import Asked

router = APIRouter(prefix="/v1/corrections", tags=["corrections"])


@router.post(
    "",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(
        CorrectionBody,
        {
            "person_no": "P1001",
            "bucket": "current",
            "amount": "-12.00",
            "reason": "credited twice in March",
            "reference": "2026-03/17",
        },
    ),
)
async def propose(
    request: Request, door: DoorOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Propose to put a wrong balance right (agency); no money moves yet."""
    body = await read_body(request, CorrectionBody)
    reply = await corrections.propose(
        door.house,
        request_of(caller, key, "corrections", body),
        corrections.ProposeCorrection(
            person_no=body.person_no,
            bucket=Bucket(body.bucket),
            amount_fen=fen(body.amount),
            reason=body.reason,
            reference=body.reference,
        ),
    )
    return await _answered(door.house, reply, request)


@router.get("", response_model=CorrectionsReply, responses=problems(422))
async def list_corrections(
    door: DoorOf,
    caller: CallerOf,
    status: Annotated[str | None, Query(pattern="^(proposed|approved|rejected)$")] = None,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    min_position: Annotated[int | None, Query(ge=0, le=NUMBER_MAX)] = None,
) -> Response:
    """The corrections of an agency's region, newest first; auditors see all.

    `status=proposed` lists those that somebody else must still decide.
    """
    asked = Asked(cursor, limit, min_position)
    shown = await corrections.corrections_of(door.house, door.shelf, caller, status, asked)
    return page_answer(shown)


@router.get("/{correction_id}", response_model=CorrectionReply, responses=problems(404))
async def look_at_correction(door: DoorOf, caller: CallerOf, correction_id: str) -> Response:
    """A correction as the log has it now (its region's agency, auditors)."""
    stream = stream_of("cor", correction_id)
    reply = await corrections.look_at_correction(door.house, caller, stream)
    return answer_read(reply, await _with_person(door.house, reply.answer))


@router.post(
    "/{correction_id}/approval",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(NothingBody, {}),
)
async def approve(
    request: Request, door: DoorOf, caller: CallerOf, correction_id: str, key: KeyHeader = None
) -> Response:
    """Agree to what another of the agency proposed; the money moves."""
    body = await read_body(request, NothingBody)
    stream = stream_of("cor", correction_id)
    asked = request_of(caller, key, f"corrections/{stream}/approval", body)
    reply = await corrections.approve(door.house, asked, stream)
    return await _answered(door.house, reply, request)


@router.post(
    "/{correction_id}/rejection",
    status_code=201,
    response_model=CorrectionReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(RejectionBody, {"reason": "the voucher says otherwise"}),
)
async def reject(
    request: Request, door: DoorOf, caller: CallerOf, correction_id: str, key: KeyHeader = None
) -> Response:
    """Do not agree to what another of the agency proposed; nothing moves."""
    body = await read_body(request, RejectionBody)
    stream = stream_of("cor", correction_id)
    asked = request_of(caller, key, f"corrections/{stream}/rejection", body)
    reply = await corrections.reject(door.house, asked, stream, body.reason)
    return await _answered(door.house, reply, request)


async def _answered(house: House, reply: Reply, request: Request) -> Response:
    render = None if reply.refusal else await _with_person(house, reply.answer)
    return answer_written(reply, request, render=render)


async def _with_person(house: House, answer: bytes) -> Render:
    account = corrections.account_in(answer)
    person = (await persons_of(house, [account])).get(account)

    def render(correction: dict[str, Any]) -> dict[str, Any]:
        return correction | {"person_no": person and person.person_no}

    return render
