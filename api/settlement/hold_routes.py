"""Routes of holds: a bill's money is held before the bill is final, then captured or released."""

from fastapi import APIRouter, Response

from api.http.dependencies import ApiOf, CallerOf, ChangeOf, answer_read
from api.http.fields import NothingBody, fen
from api.http.openapi_helpers import problems, telling_since
from api.http.strict_body import StrictBodyRoute
from api.settlement.requests import CaptureBody, HoldBody
from api.settlement.responses import HoldReply, SettlementReply
from api.settlement.routes import bill_of, line_of, settlement_answer
from service.ids import stream_of
from service.settlement import capture, holds
from service.settlement.claims import lines_of

router = APIRouter(prefix="/v1", tags=["holds"], route_class=StrictBodyRoute)


@router.post("/holds", status_code=201, response_model=HoldReply, responses=problems(404, 409, 422))
async def hold_claim(change: ChangeOf, body: HoldBody) -> Response:
    """Hold every payer's part of a bill, for the whole cascade as one (institution).

    Held money counts as spent in every balance and cap. A settlement or hold of the same visit and
    batch replaces it.
    """
    request = change.request("holds", body)
    reply = await holds.hold(change.context, request, bill_of(body, b""), body.expires_in)
    return change.answer(reply)


@router.get("/holds/{hold_id}", response_model=HoldReply, responses=problems(404))
async def look_at_hold(api: ApiOf, caller: CallerOf, hold_id: str) -> Response:
    """A hold as it is now (its institution, auditor)."""
    return answer_read(await holds.look_at_hold(api.context, caller, stream_of("hld", hold_id)))


@router.post(
    "/holds/{hold_id}/capture",
    status_code=201,
    response_model=SettlementReply,
    responses=problems(404, 409, 422) | telling_since(),
)
async def capture_hold(change: ChangeOf, hold_id: str, body: CaptureBody) -> Response:
    """Settle a held bill with the held money: `{}` as it is, or its final amounts (institution).

    Later changes of bindings, order or rules do not matter; the final bill must not be larger.
    """
    stream = stream_of("hld", hold_id)
    request = change.request(f"holds/{stream}/capture", body)
    return await settlement_answer(
        change, await capture.capture(change.context, request, stream, _final(body))
    )


@router.post(
    "/holds/{hold_id}/release",
    status_code=201,
    response_model=HoldReply,
    responses=problems(404, 409),
)
async def release_hold(change: ChangeOf, hold_id: str, body: NothingBody) -> Response:
    """Release a hold (institution)."""
    stream = stream_of("hld", hold_id)
    request = change.request(f"holds/{stream}/release", body)
    return change.answer(await holds.release(change.context, request, stream))


def _final(body: CaptureBody) -> capture.FinalBill | None:
    if body.total is None or body.fund_pay is None:
        return None
    return capture.FinalBill(
        total_fen=fen(body.total),
        fund_pay_fen=fen(body.fund_pay),
        lines=None if body.lines is None else lines_of(map(line_of, body.lines)),
    )
