"""Routes of filings of chronic diseases: an agency looks at them, and grants or refuses them."""

from typing import Any

from fastapi import APIRouter, Response

from api.account.requests import ChronicReviewBody
from api.account.responses import AccountReply, ChronicFilingsReply
from api.http.dependencies import ApiOf, CallerOf, ChangeOf, Render, answer_read
from api.http.openapi_helpers import problems
from api.http.strict_body import StrictBodyRoute
from service.account import chronic
from service.ids import stream_of

router = APIRouter(
    prefix="/v1/accounts/{person_no}/chronic-filings",
    tags=["accounts"],
    route_class=StrictBodyRoute,
)


@router.get("", response_model=ChronicFilingsReply, responses=problems(404))
async def look_at_chronic_filings(api: ApiOf, caller: CallerOf, person_no: str) -> Response:
    """The filings of chronic diseases under review or granted (the person, agency, auditors)."""
    reply = await chronic.look_at_filings(api.context, caller, person_no)
    return answer_read(reply, _of_person(person_no))


@router.post(
    "/{filing_id}/review",
    status_code=201,
    response_model=AccountReply,
    responses=problems(404, 409, 422),
)
async def review_chronic_filing(
    change: ChangeOf, person_no: str, filing_id: str, body: ChronicReviewBody
) -> Response:
    """Grant a filing of an institution (2503), or refuse it, or end a granted one (agency).

    A granted filing sets the mark `chronic_disease`; the last one that ends removes it. Bindings
    that the sponsor's region excludes by the mark end.
    """
    filing = stream_of(chronic.PREFIX, filing_id)
    reply = await chronic.review_filing(
        change.context,
        change.request(f"accounts/{person_no}/chronic-filings/{filing}/review", body),
        chronic.ReviewFiling(
            person_no=person_no, filing=filing, is_granted=body.granted, reason=body.reason
        ),
    )
    return change.answer(reply, render=_of_person(person_no))


def _of_person(person_no: str) -> Render:
    def render(answer: dict[str, Any]) -> dict[str, Any]:
        return {"person_no": person_no} | answer

    return render
