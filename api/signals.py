"""What auditors look for, over HTTP: signals with their evidence."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.documents import problems
from api.door import CallerOf, DoorOf
from api.pages import page_answer
from api.problems import is_english
from api.reply_parts import Reply
from api.signal_texts import TEXTS
from service.audit import signals

router = APIRouter(prefix="/v1/audit", tags=["audit"])
POSITION_MAX = 2**63 - 1
Kind = Literal[
    "FAMILY_BURST",
    "DRAINED_BINDING",
    "SPONSOR_HUB",
    "BENEFICIARY_CHURN",
    "AFTER_DEATH",
    "JUST_UNDER_CAP",
    "EXACT_BALANCE",
    "QUICK_REFUND",
    "NIGHT_HOURS",
    "AID_SHARE",
    "KINSHIP_CONTRADICTION",
    "LENT_CREDENTIAL",
    "CREDENTIAL_MISMATCH",
]
Position = Annotated[int, Query(ge=0, le=POSITION_MAX)]


class SignalReply(Reply):
    """Something worth a look. `position` is where it began to show, in the `log` named.

    `positions` are the events that show it; `figures` what was counted (fen where a name says
    so), `threshold` from when on it is told, and `source` who says so.
    """

    kind: Kind
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


class SignalsReply(Reply):
    """Signals, oldest first; `next` is the `after` to go on with."""

    items: list[SignalReply]
    next: str | None


@router.get("/signals", response_model=SignalsReply, responses=problems(422))
async def list_signals(  # noqa: PLR0913, PLR0917 -- each a query parameter
    request: Request,
    door: DoorOf,
    caller: CallerOf,
    kind: Kind | None = None,
    after: Position = 0,
    limit: int = 50,
    min_position: int | None = None,
) -> Response:
    """Signals behind a position, oldest first (auditors; agencies of their region).

    `CREDENTIAL_MISMATCH` is told only when asked for: a refused claim leaves no event, so its
    positions are those of the access log. Persons stand as account ids.
    """
    wanted = signals.Wanted(kind, after, limit, min_position)
    page = await signals.signals(door.house, door.shelf, caller, wanted)
    language = 1 if is_english(request.headers.get("accept-language")) else 0
    return page_answer(page._replace(items=[_told(item, language) for item in page.items]))


def _told(item: dict[str, Any], language: int) -> dict[str, Any]:
    return {"text": TEXTS[item["kind"]][language]} | item
