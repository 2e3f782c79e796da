"""What an agency knows of its persons' relatives: the kinship register."""

from typing import Any

from fastapi import APIRouter, Request, Response

from aggregates.vocabulary import Relation
from api.binding.requests import RelationWord
from api.http.dependencies import ApiOf, CallerOf, KeyHeader, answer_written, read_body, request_of
from api.http.fields import Body, PersonNo, Reference
from api.http.openapi_helpers import body_of, problems
from api.http.schemas import ApiModel
from service.binding import kinship as relatives
from service.ledger.command import Reply


class KinshipBody(Body):
    """What `relative` is to `person_no`."""

    person_no: PersonNo
    relative: PersonNo
    relation: RelationWord
    reference: Reference | None = None


class KinshipReply(ApiModel):
    """What `relative` is to `person_no` in the register."""

    person_no: str
    relative: str
    relation: str
    position: int


router = APIRouter(prefix="/v1", tags=["accounts"])


@router.post(
    "/kinships",
    status_code=201,
    response_model=KinshipReply,
    responses=problems(404, 422),
    openapi_extra=body_of(
        KinshipBody, {"person_no": "P1002", "relative": "P1001", "relation": "spouse"}
    ),
)
async def record_kinship(
    request: Request, api: ApiOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Enter what `relative` is to `person_no`, and the same the other way (agency).

    Somebody of another region is as unknown until his agency confirmed the same fact
    (`POST /v1/kinships/confirmations`).
    """
    body = await read_body(request, KinshipBody)
    asked = request_of(caller, key, "kinships", body)
    reply = await relatives.record_kinship(api.context, asked, kinship_of(body))
    return _answered(reply, request, body)


@router.post(
    "/kinships/confirmations",
    status_code=201,
    response_model=KinshipReply,
    responses=problems(404, 422),
    openapi_extra=body_of(
        KinshipBody, {"person_no": "P1002", "relative": "P1001", "relation": "spouse"}
    ),
)
async def confirm_kinship(
    request: Request, api: ApiOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Agree, for the side of one's own region, to a kinship that the other's agency enters.

    One of the two is of the agency's region. The answer is the same whether the other person is
    there or not.
    """
    body = await read_body(request, KinshipBody)
    asked = request_of(caller, key, "kinships/confirmations", body)
    reply = await relatives.confirm_kinship(api.context, asked, kinship_of(body))
    return _answered(reply, request, body)


def _answered(reply: Reply, request: Request, body: KinshipBody) -> Response:
    sides = {"person_no": body.person_no, "relative": body.relative}

    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return sides | answer

    return answer_written(reply, request, render=render)


def kinship_of(body: KinshipBody) -> relatives.RecordKinship:
    """A kinship as the service takes it."""
    return relatives.RecordKinship(
        person_no=body.person_no,
        relative=body.relative,
        relation=Relation(body.relation.upper()),
    )
