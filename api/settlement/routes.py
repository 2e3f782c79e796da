"""Routes of quotes, settlements, refunds, cancellations and reversals."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from api.http.dependencies import (
    ApiOf,
    CallerOf,
    Change,
    ChangeOf,
    answer_read,
    check_dates,
    digest_of,
    page_answer,
    read_key,
)
from api.http.fields import NUMBER_MAX, Day, ReasonBody, ShortText, fen
from api.http.openapi_helpers import problems, telling_since
from api.http.problems import ProblemError
from api.http.strict_body import StrictBodyRoute
from api.settlement import responses as replies
from api.settlement.requests import ClaimBody, LineBody, RefundBody, ReversalBody
from service.caller import Caller, Role
from service.ids import stream_of
from service.ledger.command import Reply
from service.person.credentials import Identity
from service.read_models.reader import PageRequest
from service.settlement import cancel, claims, queries, quote, refund, replace, reverse, settle
from service.settlement.claims import SettleBill

router = APIRouter(prefix="/v1", tags=["settlements"], route_class=StrictBodyRoute)

OPERATION = "settlements"
NAMING = (Role.AGENCY, Role.AUDITOR)
"""Roles that name the institution whose day they list."""
AnySettlementReply = replies.SettlementReply | replies.PartReply | replies.RefusedReply


@router.post("/quotes", response_model=replies.QuoteReply, responses=problems(404, 422))
async def quote_claim(api: ApiOf, caller: CallerOf, body: ClaimBody) -> Response:
    """What settling now would answer. Changes and stores nothing (institution)."""
    bill = bill_of(body, claim_digest(body))
    return answer_read(await quote.quote(api.context, caller, bill))


@router.post(
    "/settlements",
    status_code=201,
    response_model=replies.SettlementReply,
    responses=problems(404, 409, 413, 422) | telling_since(),
)
async def settle_claim(change: ChangeOf, body: ClaimBody) -> Response:
    """Settle a claim (institution). `api/settlement/hot_route.py` answers before this route."""
    request = change.request(OPERATION, body)
    return await settlement_answer(
        change, await settle.settle(change.context, request, settling_of(body))
    )


@router.get(
    "/settlements/{settlement_id}", response_model=AnySettlementReply, responses=problems(404)
)
async def look_at_settlement(api: ApiOf, caller: CallerOf, settlement_id: str) -> Response:
    """A settlement as it is now: whole for its institution, the own part for a sponsor."""
    stream = stream_of("stl", settlement_id)
    return answer_read(await queries.look_at_settlement(api.context, caller, stream))


class SettlementsQuery(BaseModel):
    """Which settlements to list: by exactly one of `key`, `visit` and `day`."""

    key: str | None = Field(None, max_length=64, description="the key it was settled with")
    visit: ShortText | None = Field(None, description="with its charge_batch")
    charge_batch: ShortText | None = None
    day: Day | None = Field(None, description="the business day it was decided on")
    institution: str | None = Field(
        None, max_length=20, description="whose day, for an auditor or agency"
    )
    cursor: str | None = Field(None, max_length=100)
    limit: int = Field(50, ge=1, le=200)
    min_position: int | None = Field(None, ge=0, le=NUMBER_MAX)


@router.get(
    "/settlements",
    response_model=replies.SettlementReply | replies.RefusedReply | replies.SettlementsReply,
    responses=problems(404, 422),
)
async def find_settlements(
    api: ApiOf, caller: CallerOf, query: Annotated[SettlementsQuery, Query()]
) -> Response:
    """The settlement of an Idempotency-Key, or the settlements of a bill or of a day.

    `key` finds the settlement itself (institution). `visit` with `charge_batch` lists the attempts
    to settle that bill, the newest 200 at most (institution). `day` lists what was decided on a
    business day (institution; an auditor, or the agency of its region, names the `institution`).
    """
    _check_query(query, caller)
    check_dates(api, day=query.day)
    if query.key is not None:
        settlement_id = await queries.find_by_key(api.context, caller, read_key(query.key))
        return answer_read(await queries.look_at_settlement(api.context, caller, settlement_id))
    request = PageRequest(query.cursor, query.limit, query.min_position)
    sources = (api.context, api.read_models, caller)
    if query.day is not None:
        page = await queries.settlements_of_day(*sources, query.institution, query.day, request)
    else:
        bill = queries.BillName(query.visit or "", query.charge_batch or "")
        page = await queries.settlements_of_bill(*sources, bill, request)
    return page_answer(page)


def _check_query(query: SettlementsQuery, caller: Caller) -> None:
    """Accept one complete query and no member of another.

    Raises:
        ProblemError: QUERY_INVALID.
    """
    wrong = [name for name in ("key", "visit", "day") if getattr(query, name) is not None]
    if len(wrong) != 1:
        wrong = wrong or ["key"]
    elif (query.visit is None) != (query.charge_batch is None):
        wrong = ["charge_batch"]
    elif query.institution is not None and query.day is None:
        wrong = ["day"]
    elif query.institution is None and query.day is not None and caller.role in NAMING:
        wrong = ["institution"]
    else:
        return
    raise ProblemError(
        "QUERY_INVALID", errors=[{"field": name, "code": "QUERY_INVALID"} for name in wrong]
    )


@router.post(
    "/settlements/{settlement_id}/cancellation",
    status_code=201,
    response_model=replies.CancellationReply,
    responses=problems(404, 409),
)
async def cancel_settlement(change: ChangeOf, settlement_id: str, body: ReasonBody) -> Response:
    """Return a whole settlement to the accounts and buckets it came from (institution)."""
    stream = stream_of("stl", settlement_id)
    request = change.request(f"settlements/{stream}/cancellation", body)
    return change.answer(await cancel.cancel(change.context, request, stream, body.reason))


@router.post(
    "/settlements/{settlement_id}/refunds",
    status_code=201,
    response_model=replies.RefundReply,
    responses=problems(404, 409, 422),
)
async def refund_settlement(change: ChangeOf, settlement_id: str, body: RefundBody) -> Response:
    """Refund a part, by `amount` or by `lines`: cash first, the patient's own money last.

    What is left is the split that settling the smaller bill would have made (institution).
    """
    stream = stream_of("stl", settlement_id)
    lines = tuple((i.line, fen(i.amount)) for i in body.lines) if body.lines else None
    amount_fen = fen(body.amount) if body.amount else sum(amount for _, amount in lines or ())
    command = refund.RefundBill(
        settlement=stream, amount_fen=amount_fen, lines=lines, reason=body.reason
    )
    request = change.request(f"settlements/{stream}/refunds", body)
    return change.answer(await refund.refund(change.context, request, command))


@router.post(
    "/settlements/{settlement_id}/replacement",
    status_code=201,
    response_model=replies.ReplacementReply,
    responses=problems(404, 409, 422) | telling_since(),
)
async def replace_settlement(change: ChangeOf, settlement_id: str, body: ClaimBody) -> Response:
    """Cancel a settlement and settle the corrected bill in its place, as one (institution).

    A second swipe is the same bill with aid, in place of one settled with `use_aid` false.
    """
    stream = stream_of("stl", settlement_id)
    request = change.request(f"settlements/{stream}/replacement", body)
    return await settlement_answer(
        change, await replace.replace(change.context, request, stream, settling_of(body))
    )


@router.post("/reversals", response_model=replies.ReversalReply, responses=problems(404, 409, 422))
async def reverse_command(change: ChangeOf, body: ReversalBody) -> Response:
    """Reverse the command of an Idempotency-Key whose answer was lost (institution).

    It is final: a command that arrives after it is refused with `REVERSED_BEFORE_ARRIVAL`.
    """
    request = change.request("reversals", body)
    return change.answer(await reverse.reverse(change.context, request, body.key), 200)


async def settlement_answer(change: Change, reply: Reply) -> Response:
    """The answer of a settlement; a replayed one has its present status in a header."""
    since = await queries.status_since(change.context, change.caller, reply)
    answer = change.answer(reply)
    if since is not None:
        answer.headers["Gongji-Since"] = since
    return answer


def settling_of(body: ClaimBody) -> SettleBill:
    """The bill of a claim to settle; the claim's digest is needed only with a quote."""
    return bill_of(body, claim_digest(body) if body.plan_hash else b"")


def claim_digest(body: ClaimBody) -> bytes:
    """The digest of the claim alone, without the quote's hash."""
    return digest_of("claim", body.model_copy(update={"plan_hash": None}))


def bill_of(body: ClaimBody, digest: bytes) -> SettleBill:
    """The bill of a claim; `digest` is the claim's."""
    shown = body.credential
    return SettleBill(
        beneficiary=Identity(body.beneficiary.type, body.beneficiary.value),
        visit=body.visit,
        charge_batch=body.charge_batch,
        med_type=body.med_type,
        treated_at=body.treated_at,
        total_fen=fen(body.total),
        fund_pay_fen=fen(body.fund_pay),
        use_account=body.use_account,
        lines=None if body.lines is None else claims.lines_of(map(line_of, body.lines)),
        credential=Identity(shown.type, shown.value) if shown else None,
        plan=body.plan_hash,
        digest=digest,
        use_aid=body.use_aid is not False,
        authoriser_code=body.authoriser_code,
    )


def line_of(line: LineBody) -> tuple[str, str, str, int]:
    """A fee line as `lines_of` reads it."""
    return line.line, line.category, line.part, fen(line.amount)
