"""The route that erases a person: key and names are destroyed, proofs and sums stay."""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import StringConstraints

from aggregates.vocabulary import ErasureReason
from api.http.dependencies import ChangeOf
from api.http.fields import Body, Remark
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.account import erasure

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictBodyRoute)


class ErasureBody(Body):
    """Why a person is erased (the cases of PIPL art. 47), and the law or file that says so."""

    reason: Literal["purpose_ended", "retention_over", "consent_withdrawn", "unlawful", "law"]
    legal_basis: Annotated[Remark, StringConstraints(pattern=r"^[ -~]{3,60}$")]


class ErasureReply(ApiModel):
    """An erasure; it names nobody."""

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
    """Erase the person of an ended account for ever (agency).

    The name and numbers become unreadable everywhere, and no longer lead to the account. Amounts,
    settlements and proofs are unchanged. 409 if the account has not ended, or a binding, a hold,
    a premium or money kept aside is still open. An erasure cannot be undone.
    """
    reply = await erasure.erase(
        change.context,
        change.request(f"accounts/{person_no}/erasure", body),
        erasure.Erase(
            person_no=person_no, reason=ErasureReason(body.reason), legal_basis=body.legal_basis
        ),
    )
    return change.answer(reply)
