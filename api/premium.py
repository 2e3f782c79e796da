"""A relative's premium: pay it, look at it, reverse it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from aggregates.policy.choices import PremiumType
from aggregates.vocabulary import PremiumStatus
from api.binding.person_numbers import answer_with_numbers, check_named, numbers_in
from api.http.dependencies import (
    ApiOf,
    CallerOf,
    Change,
    ChangeOf,
    PageOf,
    answer_read,
    page_answer,
)
from api.http.fields import Body, PersonNo, ReasonBody, Reference
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.ids import stream_of
from service.ledger.command import Reply
from service.premium import premiums, queries

InsuranceKind = Literal["resident_basic", "supplement", "ltci", "commercial_public", "large_amount"]


class PremiumBody(Body):
    """A relative's premium. An agency names the sponsor; a person is the sponsor.

    `tier` names one of the tiers that a region has for this insurance.
    """

    sponsor: PersonNo | None = None
    payee: PersonNo
    insurance: InsuranceKind
    year: Annotated[int, Field(ge=2000, le=2199)]
    tier: Reference | None = None


STATUSES = tuple(status.value for status in PremiumStatus)


class ListedPremium(ApiModel):
    """A relative's premium (person numbers). `reason` says why it was rejected.

    `held`, `sent_to_tax`, `unknown` and `reverse_requested` wait for the tax authority.
    """

    premium_id: str
    sponsor: str | None
    payee: str | None
    insurance: InsuranceKind
    tier: str | None
    year: int
    amount: str
    status: Literal[*STATUSES]  # type: ignore[valid-type]
    reason: str | None
    receipt: str | None
    policy_edition: str
    held_at: str
    confirmed_at: str | None
    version: int


class PremiumReply(ListedPremium):
    """A relative's premium, as of a position of the log."""

    position: int


class PremiumsReply(ApiModel):
    """A page of premiums, newest first."""

    items: list[ListedPremium] = Field(description="At most `limit` premiums.")
    next: str | None = Field(description="The cursor of the next page; null after the last.")


SIDES = ("sponsor", "payee")
router = APIRouter(prefix="/v1/premiums", tags=["premiums"], route_class=StrictBodyRoute)

OPEN: dict[int | str, dict[str, Any]] = {
    202: {
        "model": PremiumReply,
        "description": "The tax authority has not answered yet",
    }
}


@router.post(
    "",
    status_code=201,
    response_model=PremiumReply,
    responses=OPEN | problems(404, 409, 422),
)
async def pay_premium(change: ChangeOf, body: PremiumBody) -> Response:
    """Pay a relative's premium out of one's account (the sponsor, or his agency).

    The amount is the region's standard, in full or not at all. 201: the tax authority booked it.
    202: it has not answered, and the money is held; the same key, or GET, returns the current
    state. 409: it was refused, and the money is released.
    """
    check_named(change.caller, body.sponsor, "sponsor")
    command = premiums.PayPremium(
        sponsor=body.sponsor,
        payee=body.payee,
        insurance=PremiumType(body.insurance.upper()),
        year=body.year,
        tier=body.tier,
    )
    asked = change.request("premiums", body)
    return await _answered(change, await premiums.pay(change.context, asked, command))


@router.get("", response_model=PremiumsReply, responses=problems(404, 422))
async def list_premiums(
    api: ApiOf,
    caller: CallerOf,
    page: PageOf,
    person_no: Annotated[
        str | None,
        Query(max_length=40, description="whose: a minor child's, or of the agency's region"),
    ] = None,
) -> Response:
    """The premiums that a person paid or that were paid for him (himself, agency, auditor)."""
    return page_answer(
        await queries.premiums_of(api.context, api.read_models, caller, person_no, page)
    )


@router.get("/{premium_id}", response_model=PremiumReply, responses=problems(404))
async def look_at_premium(api: ApiOf, caller: CallerOf, premium_id: str) -> Response:
    """A premium as of the log's end (sponsor, payee, their agencies, auditors)."""
    reply = await premiums.look_at_premium(api.context, caller, stream_of("prm", premium_id))
    numbers = await numbers_in(api.context, reply.answer, SIDES)
    return answer_read(reply, lambda premium: premium | numbers)


@router.post(
    "/{premium_id}/reversal",
    status_code=201,
    response_model=PremiumReply,
    responses=OPEN | problems(404, 409),
)
async def reverse_premium(change: ChangeOf, premium_id: str, body: ReasonBody) -> Response:
    """Take a paid premium back to the buckets it came from (the sponsor, or his agency).

    201: the tax authority reversed it. 202: it has not answered; the same key returns the current
    state. 409: the region's rules or the tax authority refused.
    """
    stream = stream_of("prm", premium_id)
    asked = change.request(f"premiums/{stream}/reversal", body)
    reply = await premiums.reverse(change.context, asked, stream, body.reason)
    return await _answered(change, reply)


async def _answered(change: Change, reply: Reply) -> Response:
    is_open = reply.refusal is None and premiums.is_open(reply.answer)
    return await answer_with_numbers(change, reply, SIDES, 202 if is_open else 201)
