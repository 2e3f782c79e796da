"""The route of filings for off-site care."""

from typing import Any

from fastapi import APIRouter, Response

from aggregates.vocabulary import FilingKind
from api.account.requests import FilingBody
from api.account.responses import AccountReply
from api.http.dependencies import ChangeOf
from api.http.openapi_helpers import problems
from api.http.strict_body import StrictBodyRoute
from service.account import accounts

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=StrictBodyRoute)


@router.post(
    "/filings", status_code=201, response_model=AccountReply, responses=problems(404, 409, 422)
)
async def file_elsewhere(change: ChangeOf, body: FilingBody) -> Response:
    """Record that a patient filed to be treated in another region (agency)."""
    request = change.request("filings", body)
    reply = await accounts.file_elsewhere(change.context, request, filing_of(body))

    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return {"person_no": body.person_no} | answer

    return change.answer(reply, render=render)


def filing_of(body: FilingBody) -> accounts.FileElsewhere:
    """The command of a filing."""
    return accounts.FileElsewhere(
        person_no=body.person_no,
        place=body.place,
        kind=FilingKind(body.kind.upper()),
        from_on=body.from_,
        until_on=body.to,
    )
