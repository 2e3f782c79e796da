"""Bills that are not final: their money is set aside, then debited or let go."""

from fastapi import APIRouter, Response

from api.http.dependencies import ApiOf, CallerOf, ChangeOf, answer_read
from api.http.fields import NothingBody, fen
from api.http.openapi_helpers import problems, telling_since
from api.http.strict_body import StrictBodyRoute
from api.settlement.requests import CaptureBody, HoldBody
from api.settlement.responses import HoldReply, SettlementReply
from api.settlement.routes import bill_of, with_since
from service.ids import stream_of
from service.settlement import capture, holds
from service.settlement.claims import lines_of
from service.settlement.queries import status_since

router = APIRouter(prefix="/v1", tags=["holds"], route_class=StrictBodyRoute)


@router.post(
    "/holds",
    status_code=201,
    response_model=HoldReply,
    responses=problems(404, 409, 422),
)
async def hold_claim(change: ChangeOf, body: HoldBody) -> Response:
    """Set every payer's part of a bill aside, for the whole cascade as one (institution).

    What is held counts as spent in every balance and cap. A settlement or hold of the same
    visit and batch takes its place.
    """
    asked = change.request("holds", body)
    reply = await holds.hold(change.context, asked, bill_of(body, b""), body.expires_in)
    return change.answer(reply)


@router.get("/holds/{hold_id}", response_model=HoldReply, responses=problems(404))
async def look_at_hold(api: ApiOf, caller: CallerOf, hold_id: str) -> Response:
    """A hold as it stands (its institution, auditor)."""
    return answer_read(await holds.look_at_hold(api.context, caller, stream_of("hld", hold_id)))


@router.post(
    "/holds/{hold_id}/capture",
    status_code=201,
    response_model=SettlementReply,
    responses=problems(404, 409, 422) | telling_since(),
)
async def capture_hold(change: ChangeOf, hold_id: str, body: CaptureBody) -> Response:
    """Settle a held bill by what was held: `{}` as it is, or for what it came to (institution).

    What happened to bindings, order or rules since does not matter; it must not have grown.
    """
    stream = stream_of("hld", hold_id)
    asked = change.request(f"holds/{stream}/capture", body)
    reply = await capture.capture(change.context, asked, stream, _final(body))
    return with_since(
        change.answer(reply), await status_since(change.context, change.caller, reply)
    )


@router.post(
    "/holds/{hold_id}/release",
    status_code=201,
    response_model=HoldReply,
    responses=problems(404, 409),
)
async def release_hold(change: ChangeOf, hold_id: str, body: NothingBody) -> Response:
    """Let the money of a hold go (institution)."""
    stream = stream_of("hld", hold_id)
    asked = change.request(f"holds/{stream}/release", body)
    return change.answer(await holds.release(change.context, asked, stream))


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
