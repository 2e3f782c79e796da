"""Signals for auditors over HTTP, each with its evidence."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.audit import trace_text
from api.http.dependencies import ApiOf, CallerOf, page_answer
from api.http.openapi_helpers import problems
from api.http.problems import is_english
from api.http.schemas import ApiModel
from service.audit import signals
from service.audit.signals import SignalKind

TEXTS: dict[str, tuple[str, str]] = trace_text.TEXTS["signals"]
"""A sentence for each kind, in Chinese and English."""

router = APIRouter(prefix="/v1/audit", tags=["audit"])
POSITION_MAX = 2**63 - 1
Position = Annotated[int, Query(ge=0, le=POSITION_MAX)]


class SignalReply(ApiModel):
    """A signal. `position` is that of the event that completed it, in the `log` named.

    `positions` are the events that show it, `figures` what was counted (fen where a name says
    so), `threshold` the numbers from which on it is reported, and `source` their origin.
    """

    kind: SignalKind
    text: str
    position: int
    log: Literal["events", "accesses"]
    accounts: list[str]
    settlements: list[str]
    institutions: list[str]
    positions: list[int]
    figures: dict[str, int]
    threshold: dict[str, int]
    source: str


class SignalsReply(ApiModel):
    """Signals, oldest first; `next` is the `after` to go on with."""

    items: list[SignalReply]
    next: str | None


@router.get("/signals", response_model=SignalsReply, responses=problems(422))
async def list_signals(  # noqa: PLR0913, PLR0917 -- each a query parameter
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    kind: SignalKind | None = None,
    after: Position = 0,
    limit: int = 50,
    min_position: Position | None = None,
) -> Response:
    """Signals after a position, oldest first (auditors; agencies of their region).

    `CREDENTIAL_MISMATCH` is listed only if asked for by `kind`: a refused claim leaves no
    event, so its positions are those of the access log. Persons appear as account ids.
    """
    filters = signals.SignalFilter(kind, after, limit, min_position)
    page = await signals.signals(api.context, api.read_models, caller, filters)
    language = 1 if is_english(request.headers.get("accept-language")) else 0
    items = [{"text": TEXTS[item["kind"]][language]} | item for item in page.items]
    return page_answer(page._replace(items=items))
