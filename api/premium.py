"""A relative's premium: pay it, look at it, take it back."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from aggregates.policy.choices import PremiumType
from aggregates.vocabulary import PremiumStatus
from api.http.dependencies import ApiOf, CallerOf, Change, ChangeOf, Render, answer_read
from api.http.fields import Body, PersonNo, ReasonBody
from api.http.openapi_helpers import problems
from api.http.problems import ProblemError
from api.http.schemas import ApiModel as ReplyModel
from api.http.strict_body import StrictBodyRoute
from service.caller import Role
from service.context import ServiceContext
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.masking import persons_of
from service.premium import premiums


class PremiumBody(Body):
    """A relative's premium. An agency names the sponsor; a person is the sponsor himself."""

    sponsor: PersonNo | None = None
    payee: PersonNo
    insurance: Literal["resident_basic"]
    year: Annotated[int, Field(ge=2000, le=2199)]


STATUSES = tuple(status.value for status in PremiumStatus)


class PremiumReply(ReplyModel):
    """A relative's premium (person numbers). `reason` says why it was rejected.

    `held`, `sent_to_tax`, `unknown` and `reverse_requested` wait for the tax side; look again.
    """

    premium_id: str
    sponsor: str | None
    payee: str | None
    insurance: Literal["resident_basic"]
    year: int
    amount: str
    status: Literal[*STATUSES]  # type: ignore[valid-type]
    reason: str | None
    receipt: str | None
    policy_edition: str
    held_at: str
    confirmed_at: str | None
    version: int
    position: int


router = APIRouter(prefix="/v1/premiums", tags=["premiums"], route_class=StrictBodyRoute)

OPEN: dict[int | str, dict[str, Any]] = {
    202: {"model": PremiumReply, "description": "The tax side has not answered yet; look again"}
}


@router.post(
    "",
    status_code=201,
    response_model=PremiumReply,
    responses=OPEN | problems(404, 409, 422),
)
async def pay_premium(change: ChangeOf, body: PremiumBody) -> Response:
    """Pay a relative's premium out of one's account (the sponsor, or his agency).

    The amount is the region's standard, whole or not at all. 201 when the tax side booked it;
    202 while it has not answered: the money is set aside, and the same key, or a look, says
    how it stands then. What the tax side refuses is 409, and the money is free again.
    """
    if change.caller.role is Role.AGENCY and body.sponsor is None:
        raise ProblemError(
            "FIELD_REQUIRED", errors=[{"field": "sponsor", "code": "FIELD_REQUIRED"}]
        )
    command = premiums.PayPremium(
        sponsor=body.sponsor,
        payee=body.payee,
        insurance=PremiumType(body.insurance.upper()),
        year=body.year,
    )
    asked = change.request("premiums", body)
    return await _answered(change, await premiums.pay(change.context, asked, command))


@router.get("/{premium_id}", response_model=PremiumReply, responses=problems(404))
async def look_at_premium(api: ApiOf, caller: CallerOf, premium_id: str) -> Response:
    """A premium as the log has it now (sponsor, payee, their agencies, auditors)."""
    reply = await premiums.look_at_premium(api.context, caller, stream_of("prm", premium_id))
    return answer_read(reply, await _with_persons(api.context, reply.answer))


@router.post(
    "/{premium_id}/reversal",
    status_code=201,
    response_model=PremiumReply,
    responses=OPEN | problems(404, 409),
)
async def reverse_premium(change: ChangeOf, premium_id: str, body: ReasonBody) -> Response:
    """Take a paid premium back to the buckets it came from (the sponsor, or his agency).

    201 when the tax side gave it back; 202 while it has not answered; 409 where a guard of the
    region or the tax side keeps it. The same key says how it stands then.
    """
    stream = stream_of("prm", premium_id)
    asked = change.request(f"premiums/{stream}/reversal", body)
    reply = await premiums.reverse(change.context, asked, stream, body.reason)
    return await _answered(change, reply)


async def _answered(change: Change, reply: Reply) -> Response:
    if reply.refusal is not None:
        return change.answer(reply)
    render = await _with_persons(change.context, reply.answer)
    status = 202 if premiums.is_open(reply.answer) else 201
    return change.answer(reply, status, render)


async def _with_persons(context: ServiceContext, answer: bytes) -> Render:
    persons = await persons_of(context, premiums.parties_in(answer))
    numbers = {stream: person and person.person_no for stream, person in persons.items()}

    def render(premium: dict[str, Any]) -> dict[str, Any]:
        return premium | {side: numbers.get(premium[side]) for side in ("sponsor", "payee")}

    return render
