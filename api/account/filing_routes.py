"""What an agency enters of a patient's plans: off-site care filings."""

from typing import Any

from fastapi import APIRouter, Request, Response

from aggregates.vocabulary import FilingKind
from api.account.requests import FilingBody
from api.account.responses import AccountReply
from api.http.dependencies import ApiOf, CallerOf, KeyHeader, answer_written, read_body, request_of
from api.http.openapi_helpers import body_of, problems
from service.account import accounts

router = APIRouter(prefix="/v1", tags=["accounts"])


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
    request: Request, api: ApiOf, caller: CallerOf, key: KeyHeader = None
) -> Response:
    """Note that a patient filed to be treated in another region (agency)."""
    body = await read_body(request, FilingBody)
    asked = request_of(caller, key, "filings", body)
    reply = await accounts.file_elsewhere(api.context, asked, filing_of(body))

    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return {"person_no": body.person_no} | answer

    return answer_written(reply, request, render=render)


def filing_of(body: FilingBody) -> accounts.FileElsewhere:
    """A filing as the service takes it."""
    return accounts.FileElsewhere(
        person_no=body.person_no,
        place=body.place,
        kind=FilingKind(body.kind.upper()),
        from_on=body.from_,
        until_on=body.to,
    )
