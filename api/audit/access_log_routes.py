"""The access log over HTTP: who read what, and who was refused."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime

from api.http.dependencies import ApiOf, CallerOf, check_dates, page_answer
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from service.audit import access_log_query as accesses

router = APIRouter(prefix="/v1/audit", tags=["audit"])
Stream = Annotated[str | None, Query(pattern=r"^[a-z]{3}_[0-9a-f]{32}$")]
Name = Annotated[str | None, Query(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")]
OptionalMoment = AwareDatetime | None


class AccessReply(ApiModel):
    """One request: who asked what, when, how it was answered, and which streams it saw.

    `caller` is the name that events know him by; a person's is a keyed digest.
    """

    access: int
    at: str
    caller: str
    role: str
    operation: str
    status_code: int
    refused: bool
    codes: list[str]
    purpose: str | None
    streams: list[str]
    trace_id: str


class AccessesReply(ApiModel):
    """A page of the access log, newest first."""

    items: list[AccessReply]
    next: str | None


@router.get("/accesses", response_model=AccessesReply, responses=problems(404, 422))
async def list_accesses(  # noqa: PLR0913, PLR0917 -- each a query parameter
    api: ApiOf,
    caller: CallerOf,
    person_no: Name = None,
    stream: Stream = None,
    name: Annotated[Name, Query(alias="caller")] = None,
    since: Annotated[OptionalMoment, Query(alias="from")] = None,
    until: Annotated[OptionalMoment, Query(alias="to")] = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Response:
    """Who read or was refused what, newest first (auditors); reading this is recorded too.

    `person_no` or `stream` (an account, settlement or institution id) says whose data was
    seen, `caller` who saw it, `from` (included) and `to` (not included) when.
    """
    check_dates(api, from_=since, to=until)
    wanted = accesses.AccessFilter(person_no, stream, name, since, until)
    return page_answer(await accesses.accesses(api.context, caller, wanted, cursor, limit))
