"""A relative's premium: pay it, look at it, take it back."""

from typing import Any

from fastapi import APIRouter, Request, Response

from aggregates.policy.choices import PremiumType
from api.bodies import PremiumBody, ReasonBody
from api.documents import body_of, problems
from api.door import (
    CallerOf,
    DoorOf,
    KeyHeader,
    Render,
    answer_read,
    answer_written,
    read_body,
    request_of,
)
from api.premium_replies import PremiumReply
from api.problems import ProblemError
from service.caller import Role
from service.context import House
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of
from service.premium import premiums

router = APIRouter(prefix="/v1/premiums", tags=["premiums"])

OPEN: dict[int | str, dict[str, Any]] = {
    202: {"model": PremiumReply, "description": "The tax side has not answered yet; look again"}
}


@router.post(
    "",
    status_code=201,
    response_model=PremiumReply,
    responses=OPEN | problems(404, 409, 422),
    openapi_extra=body_of(
        PremiumBody, {"payee": "P1004", "insurance": "resident_basic", "year": 2027}
    ),
)
async def pay_premium(
    request: Request, door: DoorOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Pay a relative's premium out of one's account (the sponsor, or his agency).

    The amount is the region's standard, whole or not at all. 201 when the tax side booked it;
    202 while it has not answered: the money is set aside, and the same key, or a look, says
    how it stands then. What the tax side refuses is 409, and the money is free again.
    """
    body = await read_body(request, PremiumBody)
    if caller.role is Role.AGENCY and body.sponsor is None:
        raise ProblemError(
            "FIELD_REQUIRED", errors=[{"field": "sponsor", "code": "FIELD_REQUIRED"}]
        )
    command = premiums.PayPremium(
        sponsor=body.sponsor,
        payee=body.payee,
        insurance=PremiumType(body.insurance.upper()),
        year=body.year,
    )
    asked = request_of(caller, key, "premiums", body)
    return await _answered(door.house, await premiums.pay(door.house, asked, command), request)


@router.get("/{premium_id}", response_model=PremiumReply, responses=problems(404))
async def look_at_premium(door: DoorOf, caller: CallerOf, premium_id: str) -> Response:
    """A premium as the log has it now (sponsor, payee, their agencies, auditors)."""
    reply = await premiums.look_at_premium(door.house, caller, stream_of("prm", premium_id))
    return answer_read(reply, await _with_persons(door.house, reply.answer))


@router.post(
    "/{premium_id}/reversal",
    status_code=201,
    response_model=PremiumReply,
    responses=OPEN | problems(404, 409),
    openapi_extra=body_of(ReasonBody, {"reason": "paid for the wrong person"}),
)
async def reverse_premium(
    request: Request, door: DoorOf, caller: CallerOf, premium_id: str, key: KeyHeader = None
) -> Response:
    """Take a paid premium back to the buckets it came from (the sponsor, or his agency).

    201 when the tax side gave it back; 202 while it has not answered; 409 where a guard of the
    region or the tax side keeps it. The same key says how it stands then.
    """
    body = await read_body(request, ReasonBody)
    stream = stream_of("prm", premium_id)
    asked = request_of(caller, key, f"premiums/{stream}/reversal", body)
    reply = await premiums.reverse(door.house, asked, stream, body.reason)
    return await _answered(door.house, reply, request)


async def _answered(house: House, reply: Reply, request: Request) -> Response:
    if reply.refusal is not None:
        return answer_written(reply, request)
    render = await _with_persons(house, reply.answer)
    status = 202 if premiums.is_open(reply.answer) else 201
    return answer_written(reply, request, status, render)


async def _with_persons(house: House, answer: bytes) -> Render:
    persons = await persons_of(house, premiums.parties_in(answer))
    numbers = {stream: person and person.person_no for stream, person in persons.items()}

    def render(premium: dict[str, Any]) -> dict[str, Any]:
        return premium | {side: numbers.get(premium[side]) for side in ("sponsor", "payee")}

    return render
