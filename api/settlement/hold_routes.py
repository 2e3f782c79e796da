"""Bills that are not final: their money is set aside, then debited or let go."""

from fastapi import APIRouter, Request, Response

from api.http.dependencies import (
    ApiOf,
    CallerOf,
    KeyHeader,
    answer_read,
    answer_written,
    read_body,
    request_of,
)
from api.http.fields import NothingBody, fen
from api.http.openapi_helpers import body_of, problems, telling_since
from api.settlement.requests import CaptureBody, HoldBody
from api.settlement.responses import HoldReply, SettlementReply
from api.settlement.routes import EXAMPLE, bill_of, with_since
from service.ids import stream_of
from service.settlement import capture, holds
from service.settlement.claims import lines_of
from service.settlement.queries import status_since

router = APIRouter(prefix="/v1", tags=["holds"])


@router.post(
    "/holds",
    status_code=201,
    response_model=HoldReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(HoldBody, EXAMPLE | {"expires_in": 900}),
)
async def hold_claim(
    request: Request, api: ApiOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Set every payer's part of a bill aside, for the whole cascade as one (institution).

    What is held counts as spent in every balance and cap. A settlement or hold of the same
    visit and batch takes its place.
    """
    body = await read_body(request, HoldBody)
    asked = request_of(caller, key, "holds", body)
    reply = await holds.hold(api.context, asked, bill_of(body, b""), body.expires_in)
    return answer_written(reply, request)


@router.get("/holds/{hold_id}", response_model=HoldReply, responses=problems(404))
async def look_at_hold(api: ApiOf, caller: CallerOf, hold_id: str) -> Response:
    """A hold as it stands (its institution, auditor)."""
    return answer_read(await holds.look_at_hold(api.context, caller, stream_of("hld", hold_id)))


@router.post(
    "/holds/{hold_id}/capture",
    status_code=201,
    response_model=SettlementReply,
    responses=problems(404, 409, 422) | telling_since(),
    openapi_extra=body_of(CaptureBody, {"total": "118.50", "fund_pay": "64.25"}),
)
async def capture_hold(
    request: Request, api: ApiOf, caller: CallerOf, hold_id: str, key: KeyHeader = None
) -> Response:
    """Settle a held bill by what was held: `{}` as it is, or for what it came to (institution).

    What happened to bindings, order or rules since does not matter; it must not have grown.
    """
    body = await read_body(request, CaptureBody)
    stream = stream_of("hld", hold_id)
    asked = request_of(caller, key, f"holds/{stream}/capture", body)
    reply = await capture.capture(api.context, asked, stream, _final(body))
    return with_since(
        answer_written(reply, request), await status_since(api.context, caller, reply)
    )


@router.post(
    "/holds/{hold_id}/release",
    status_code=201,
    response_model=HoldReply,
    responses=problems(404, 409),
    openapi_extra=body_of(NothingBody, {}),
)
async def release_hold(
    request: Request, api: ApiOf, caller: CallerOf, hold_id: str, key: KeyHeader = None
) -> Response:
    """Let the money of a hold go (institution)."""
    body = await read_body(request, NothingBody)
    stream = stream_of("hld", hold_id)
    asked = request_of(caller, key, f"holds/{stream}/release", body)
    return answer_written(await holds.release(api.context, asked, stream), request)


def _final(body: CaptureBody) -> capture.FinalBill | None:
    if body.total is None or body.fund_pay is None:
        return None
    return capture.FinalBill(
        total_fen=fen(body.total),
        fund_pay_fen=fen(body.fund_pay),
        lines=lines_of((i.line, i.category, i.part, fen(i.amount)) for i in body.lines)
        if body.lines is not None
        else None,
    )
