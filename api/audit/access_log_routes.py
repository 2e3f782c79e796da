"""The access log over HTTP: reads and refusals."""

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
    """One request: its caller, operation, time, answer, and the streams that it read.

    `caller` is the caller's name in events; a person's is a keyed digest.
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
    """Reads and refusals, newest first (auditors); reading this list is recorded too.

    `person_no` or `stream` (an account, settlement or institution id) selects whose data was
    read, `caller` the reader, `from` (included) and `to` (not included) the time.
    """
    check_dates(api, from_=since, to=until)
    filters = accesses.AccessFilter(person_no, stream, name, since, until)
    return page_answer(await accesses.accesses(api.context, caller, filters, cursor, limit))
