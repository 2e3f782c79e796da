"""What an agency knows of its persons: the kinship register, and off-site filings."""

from typing import Any

from fastapi import APIRouter, Request, Response

from aggregates.vocabulary import FilingKind, Relation
from api.documents import body_of, problems
from api.door import CallerOf, DoorOf, KeyHeader, answer_written, read_body, request_of
from api.fact_bodies import FilingBody, KinshipBody
from api.fact_replies import KinshipReply
from api.replies import AccountReply
from service.account import accounts
from service.binding import kinship as relatives

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
    request: Request, door: DoorOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Enter what `relative` is to `person_no`, and the same the other way (agency)."""
    body = await read_body(request, KinshipBody)
    asked = request_of(caller, key, "kinships", body)
    reply = await relatives.record_kinship(door.house, asked, kinship_of(body))
    sides = {"person_no": body.person_no, "relative": body.relative}

    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return sides | answer

    return answer_written(reply, request, render=render)


@router.post(
    "/filings",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
    openapi_extra=body_of(
        FilingBody,
        {"person_no": "P1001", "place": "542500", "kind": "long_term", "from": "2026-03-01"},
    ),
)
async def file_elsewhere(
    request: Request, door: DoorOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Note that a patient filed to be treated in another region (agency)."""
    body = await read_body(request, FilingBody)
    asked = request_of(caller, key, "filings", body)
    reply = await accounts.file_elsewhere(door.house, asked, filing_of(body))

    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return {"person_no": body.person_no} | answer

    return answer_written(reply, request, render=render)


def kinship_of(body: KinshipBody) -> relatives.RecordKinship:
    """A kinship as the service takes it."""
    return relatives.RecordKinship(
        person_no=body.person_no,
        relative=body.relative,
        relation=Relation(body.relation.upper()),
    )


def filing_of(body: FilingBody) -> accounts.FileElsewhere:
    """A filing as the service takes it."""
    return accounts.FileElsewhere(
        person_no=body.person_no,
        place=body.place,
        kind=FilingKind(body.kind.upper()),
        from_on=body.from_,
        until_on=body.to,
    )
