"""Why a bill left a part in cash, and what would have changed it."""

from typing import Literal

from fastapi import APIRouter, Request, Response

from api.http.dependencies import ApiOf, CallerOf
from api.http.headers import json_answer
from api.http.openapi_helpers import problems
from api.http.problems import is_english
from api.http.schemas import ApiModel
from service.audit.why import why
from service.bilingual import Language
from service.ids import stream_of

router = APIRouter(prefix="/v1", tags=["settlements"])


class FamilyChangeReply(ApiModel):
    """One change; only the members of its kind are set, and `text` says it in a sentence.

    `rank` is of the settlement's payers. `cap_amount`, the least new cap with this effect, is for
    its sponsor, agencies and auditors.
    """

    kind: Literal["order", "cap", "filing", "confirmation", "place"]
    rank: int | None
    binding_id: str | None
    cap: Literal["per_settlement", "per_day", "per_month", "per_year"] | None
    cap_amount: str | None
    filing: Literal["temporary", "long_term"] | None
    place: str | None
    institution: str | None
    text: str


class RemedyReply(ApiModel):
    """Changes that together would have lowered the cash part; none of them can be left out.

    `cash` and `less` are left out for institutions and sponsors; `paid_by_you` is for a sponsor.
    """

    cash: str | None = None
    less: str | None = None
    paid_by_you: str | None = None
    changes: list[FamilyChangeReply]


class WhyReply(ApiModel):
    """The smallest changes that would have lowered the cash part, each decided by the rules.

    Amounts are those of the settlement itself, before refunds. `complete` is false if the family
    had more possible changes than one answer tries.
    """

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed"]
    cash: str | None = None
    paid_by_you: str | None = None
    policy_edition: str | None = None
    complete: bool
    remedies: list[RemedyReply]
    position: int


@router.get(
    "/settlements/{settlement_id}/why", response_model=WhyReply, responses=problems(403, 404)
)
async def tell_why(request: Request, api: ApiOf, caller: CallerOf, settlement_id: str) -> Response:
    """What would have lowered the cash part of a settlement, by the rules of that moment.

    The patient, agency and auditor see every change; a sponsor who paid sees the own caps; an
    institution sees no amount. Texts are Chinese, or English with `Accept-Language: en`.
    """
    answer = await why(api.context, caller, stream_of("stl", settlement_id))
    in_english = is_english(request.headers.get("accept-language"))
    language = Language.ENGLISH if in_english else Language.CHINESE
    for remedy in answer["remedies"]:
        for change in remedy["changes"]:
            change["text"] = change["text"].to(language)
    return json_answer(answer, answer["position"])
