"""Erasing a person: his key and names are destroyed, every proof and sum stays."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from aggregates.vocabulary import ErasureReason
from api.http.dependencies import ChangeOf
from api.http.fields import Body, Remark
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.account import erasure as erase

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictBodyRoute)


class ErasureBody(Body):
    """Why a person is erased (PIPL art. 47, by its cases), and which law or file says so."""

    reason: Literal["purpose_ended", "retention_over", "consent_withdrawn", "unlawful", "law"]
    legal_basis: Annotated[Remark, StringConstraints(pattern=r"^[ -~]{3,60}$")]


class ErasureReply(ApiModel):
    """A person erased: nobody is named here or anywhere any more."""

    status: Literal["erased"]
    reason: str
    legal_basis: str
    erased_on: str
    position: int


@router.post(
    "/{person_no}/erasure",
    status_code=201,
    response_model=ErasureReply,
    responses=problems(404, 409, 422),
)
async def erase_person(change: ChangeOf, person_no: str, body: ErasureBody) -> Response:
    """Erase the person behind an ended account for ever (agency).

    His name and numbers become unreadable everywhere and nobody finds him by them; amounts,
    settlements and proofs stay as they are. 409 while his account goes on, or a binding, a
    hold, a premium or money kept aside is still open. There is no way back.
    """
    reply = await erase.erase(
        change.context,
        change.request(f"accounts/{person_no}/erasure", body),
        erase.Erase(
            person_no=person_no,
            reason=ErasureReason(body.reason),
            legal_basis=body.legal_basis,
        ),
    )
    return change.answer(reply)
