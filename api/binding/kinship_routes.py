"""The kinship register, as agencies enter it."""

from fastapi import APIRouter, Response

from aggregates.vocabulary import Relation
from api.binding.requests import RelationWord
from api.http.dependencies import Change, ChangeOf
from api.http.fields import Body, PersonNo, Reference
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from api.http.strict_body import StrictBodyRoute
from service.binding import kinship as relatives
from service.ledger.command import Reply


class KinshipBody(Body):
    """What `relative` is to `person_no`."""

    person_no: PersonNo
    relative: PersonNo
    relation: RelationWord
    reference: Reference | None = None


class KinshipReply(ApiModel):
    """An entry of the register: what `relative` is to `person_no`."""

    person_no: str
    relative: str
    relation: str
    position: int


router = APIRouter(prefix="/v1", tags=["accounts"], route_class=StrictBodyRoute)


@router.post(
    "/kinships",
    status_code=201,
    response_model=KinshipReply,
    responses=problems(404, 422),
)
async def record_kinship(change: ChangeOf, body: KinshipBody) -> Response:
    """Enter what `relative` is to `person_no`, and the same the other way (agency).

    A person of another region is answered as unknown until that region's agency has confirmed
    the same kinship (`POST /v1/kinships/confirmations`).
    """
    asked = change.request("kinships", body)
    reply = await relatives.record_kinship(change.context, asked, kinship_of(body))
    return _answered(change, reply, body)


@router.post(
    "/kinships/confirmations",
    status_code=201,
    response_model=KinshipReply,
    responses=problems(404, 422),
)
async def confirm_kinship(change: ChangeOf, body: KinshipBody) -> Response:
    """Agree, for the side of one's own region, to a kinship that the other's agency enters.

    One of the two is of the agency's region. The answer is the same whether the other person
    exists or not.
    """
    asked = change.request("kinships/confirmations", body)
    reply = await relatives.confirm_kinship(change.context, asked, kinship_of(body))
    return _answered(change, reply, body)


def _answered(change: Change, reply: Reply, body: KinshipBody) -> Response:
    sides = {"person_no": body.person_no, "relative": body.relative}
    return change.answer(reply, render=lambda answer: sides | answer)


def kinship_of(body: KinshipBody) -> relatives.RecordKinship:
    """The service's form of a body."""
    return relatives.RecordKinship(
        person_no=body.person_no,
        relative=body.relative,
        relation=Relation(body.relation.upper()),
    )
