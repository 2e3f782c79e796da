"""Where an id of the log is looked at."""

from fastapi import APIRouter, Response
from pydantic import Field

from api.http.dependencies import ApiOf, CallerOf
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.schemas import ApiModel
from service.audit.streams import look_at_stream

ADDRESSES = {
    "account": "/v1/audit/accounts/{}",
    "binding": "/v1/audit/bindings/{}",
    "settlement": "/v1/audit/settlements/{}",
    "institution": "/v1/audit/institutions/{}",
    "hold": "/v1/holds/{}",
    "premium": "/v1/premiums/{}",
    "link": "/v1/credential-links/{}",
    "correction": "/v1/corrections/{}",
    "pool": "/v1/pools/{}",
}
"""Where an auditor looks at a thing, by kind; the other kinds have their events only."""


class StreamEventReply(ApiModel):
    """One event of a stream, without its data."""

    position: int = Field(description="The position in the log.")
    version: int = Field(description="The event's number in its stream, from 1.")
    topic: str = Field(description="The event's stored name.")
    recorded_at: str = Field(description="When it was recorded, RFC 3339.")


class StreamReply(ApiModel):
    """What an id of the log names."""

    stream: str = Field(description="The id: a kind's three letters and 32 hex digits.")
    kind: str = Field(description="The kind, such as `account` or `settlement`.")
    versions: int = Field(description="How many events the stream has.")
    address: str | None = Field(
        description="Where an auditor looks at it; null for kinds that have events only."
    )
    events: list[StreamEventReply] = Field(description="Its newest 200 events, newest first.")


router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("/streams/{stream_id}", response_model=StreamReply, responses=problems(403, 404))
async def look_at_any_stream(api: ApiOf, caller: CallerOf, stream_id: str) -> Response:
    """What kind of thing an id names, where it is looked at, and its events (auditor)."""
    told = await look_at_stream(api.context, caller, stream_id)
    address = ADDRESSES.get(told["kind"])
    return json_answer(told | {"address": address and address.format(told["stream"])})
