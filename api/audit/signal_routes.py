"""What auditors look for, over HTTP: signals with their evidence."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from api.http.dependencies import ApiOf, CallerOf, page_answer
from api.http.openapi_helpers import problems
from api.http.problems import is_english
from api.http.schemas import ApiModel
from service.audit import signals

TEXTS = {
    "FAMILY_BURST": (
        "同一家庭多名成员的账户在数分钟内于同一药店结算。",
        "Accounts of one family were used at one pharmacy within minutes.",
    ),
    "DRAINED_BINDING": (
        "绑定后共济人余额几乎全部在同一机构用完,随即解绑。",
        "A binding was released soon after nearly all of the sponsor's money went to one place.",
    ),
    "SPONSOR_HUB": (
        "一名被共济人同时有多名共济人。",
        "Many sponsors stand behind one beneficiary at once.",
    ),
    "BENEFICIARY_CHURN": (
        "一名共济人频繁更换被共济人。",
        "One sponsor was bound to ever new beneficiaries.",
    ),
    "AFTER_DEATH": (
        "死亡日期之后仍有就医结算。",
        "A treatment was settled after the day of death.",
    ),
    "JUST_UNDER_CAP": (
        "多次支付金额略低于共济人设定的单次限额。",
        "Amounts were repeatedly just under the sponsor's cap on one bill.",
    ),
    "EXACT_BALANCE": (
        "多次结算金额恰为全部可用余额。",
        "Bill after bill was to the fen what the accounts held.",
    ),
    "QUICK_REFUND": (
        "多次购买后短时间内退费。",
        "Purchases were repeatedly given back within hours.",
    ),
    "NIGHT_HOURS": (
        "多次在深夜于同一药店结算。",
        "One patient's bills came repeatedly at night from one pharmacy.",
    ),
    "AID_SHARE": (
        "机构当月共济支付占比远高于同类机构。",
        "Aid paid a share of the institution's month far above its peers.",
    ),
    "KINSHIP_CONTRADICTION": (
        "亲属关系登记相互矛盾。",
        "The register gives a person more parents or spouses than anybody has.",
    ),
    "LENT_CREDENTIAL": (
        "同一成员的医保码数月来由他人反复代为展示。",
        "One member's code was shown by one guardian for months.",
    ),
    "CREDENTIAL_MISMATCH": (
        "所出示的凭证不属于该患者,结算已被拒绝。",
        "A credential of somebody else was shown for a patient; the bill was refused.",
    ),
}

router = APIRouter(prefix="/v1/audit", tags=["audit"])
POSITION_MAX = 2**63 - 1
SignalKindName = Literal[
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


class SignalReply(ApiModel):
    """Something worth a look. `position` is where it began to show, in the `log` named.

    `positions` are the events that show it; `figures` what was counted (fen where a name says
    so), `threshold` from when on it is told, and `source` who says so.
    """

    kind: SignalKindName
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
    kind: SignalKindName | None = None,
    after: Position = 0,
    limit: int = 50,
    min_position: Position | None = None,
) -> Response:
    """Signals behind a position, oldest first (auditors; agencies of their region).

    `CREDENTIAL_MISMATCH` is told only when asked for: a refused claim leaves no event, so its
    positions are those of the access log. Persons stand as account ids.
    """
    wanted = signals.SignalFilter(kind, after, limit, min_position)
    page = await signals.signals(api.context, api.read_models, caller, wanted)
    language = 1 if is_english(request.headers.get("accept-language")) else 0
    return page_answer(page._replace(items=[_told(item, language) for item in page.items]))


def _told(item: dict[str, Any], language: int) -> dict[str, Any]:
    return {"text": TEXTS[item["kind"]][language]} | item
