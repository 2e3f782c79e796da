"""Quotes, settlements and their cancellation."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from aggregates.vocabulary import SettlementStatus
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
from api.settlement.requests import ClaimBody, RefundBody, ReversalBody
from api.settlement.responses import (
    CancellationReply,
    PartReply,
    QuoteReply,
    RefundReply,
    RefusedReply,
    ReplacementReply,
    ReversalReply,
    SettlementReply,
    SettlementsReply,
)
from service.caller import Caller, Role
from service.ids import stream_of
from service.ledger.command import Reply
from service.read_models import reader as lists
from service.settlement import cancel, quote, refund, replace, reverse, settle
from service.settlement import queries as look
from service.settlement import queries as service_settlement_queries
from service.settlement.claims import Identity, SettleBill, lines_of

router = APIRouter(prefix="/v1", tags=["settlements"], route_class=StrictBodyRoute)

OPERATION = "settlements"
AnySettlementReply = SettlementReply | PartReply | RefusedReply


@router.post(
    "/quotes",
    response_model=QuoteReply,
    responses=problems(404, 422),
)
async def quote_claim(api: ApiOf, caller: CallerOf, body: ClaimBody) -> Response:
    """What settling now would answer. Changes and stores nothing (institution)."""
    bill = bill_of(body, claim_digest(body))
    return answer_read(await quote.quote(api.context, caller, bill))


@router.post(
    "/settlements",
    status_code=201,
    response_model=SettlementReply,
    responses=problems(404, 409, 413, 422) | telling_since(),
)
async def settle_claim(change: ChangeOf, body: ClaimBody) -> Response:
    """Settle a claim (institution). `api/settlement/hot_route.py` answers before this route."""
    asked = change.request(OPERATION, body)
    reply = await settle.settle(change.context, asked, settling_of(body))
    return with_since(change.answer(reply), await _since(change, reply))


@router.get(
    "/settlements/{settlement_id}", response_model=AnySettlementReply, responses=problems(404)
)
async def look_at_settlement(api: ApiOf, caller: CallerOf, settlement_id: str) -> Response:
    """A settlement as it stands: whole for its institution, one's own part for a sponsor."""
    reply = await look.look_at_settlement(api.context, caller, stream_of("stl", settlement_id))
    return answer_read(reply)


class SettlementsQuery(BaseModel):
    """Which settlements are looked for: by exactly one of `key`, `visit` and `day`."""

    key: str | None = Field(None, max_length=64, description="the key it was settled with")
    visit: ShortText | None = Field(None, description="with its charge_batch")
    charge_batch: ShortText | None = None
    day: Day | None = Field(None, description="the business day it was decided on")
    institution: str | None = Field(None, max_length=20, description="whose day, for an auditor")
    cursor: str | None = Field(None, max_length=100)
    limit: int = Field(50, ge=1, le=200)
    min_position: int | None = Field(None, ge=0, le=NUMBER_MAX)

    def asked(self) -> lists.PageRequest:
        """The page that is wanted."""
        return lists.PageRequest(self.cursor, self.limit, self.min_position)


@router.get(
    "/settlements",
    response_model=SettlementReply | RefusedReply | SettlementsReply,
    responses=problems(404, 422),
)
async def find_settlements(
    api: ApiOf, caller: CallerOf, looked: Annotated[SettlementsQuery, Query()]
) -> Response:
    """The settlement of an Idempotency-Key, or the settlements of a bill or of a day.

    `key` finds the settlement itself (institution). `visit` with `charge_batch` lists what
    became of that bill, the newest 200 attempts at most (institution). `day` lists what was
    decided on a business day (institution; an auditor names the `institution`).
    """
    _check_one(looked, caller)
    check_dates(api, day=looked.day)
    if looked.key is not None:
        settlement_id = await look.find_by_key(api.context, caller, read_key(looked.key))
        return answer_read(await look.look_at_settlement(api.context, caller, settlement_id))
    if looked.day is not None:
        return page_answer(
            await service_settlement_queries.settlements_of_day(
                api.context, api.read_models, caller, looked.institution, looked.day, looked.asked()
            )
        )
    bill = service_settlement_queries.BillName(looked.visit or "", looked.charge_batch or "")
    return page_answer(
        await service_settlement_queries.settlements_of_bill(
            api.context, api.read_models, caller, bill, looked.asked()
        )
    )


def _check_one(looked: SettlementsQuery, caller: Caller) -> None:
    """Take one question, whole, and nothing beside it.

    Raises:
        ProblemError: QUERY_INVALID.
    """
    wrong = [name for name in ("key", "visit", "day") if getattr(looked, name) is not None]
    if len(wrong) != 1:
        wrong = wrong or ["key"]
    elif (looked.visit is None) != (looked.charge_batch is None):
        wrong = ["charge_batch"]
    elif looked.institution is not None and looked.day is None:
        wrong = ["day"]
    elif looked.institution is None and looked.day is not None and caller.role is Role.AUDITOR:
        wrong = ["institution"]
    else:
        return
    raise ProblemError(
        "QUERY_INVALID", errors=[{"field": name, "code": "QUERY_INVALID"} for name in wrong]
    )


@router.post(
    "/settlements/{settlement_id}/cancellation",
    status_code=201,
    response_model=CancellationReply,
    responses=problems(404, 409),
)
async def cancel_settlement(change: ChangeOf, settlement_id: str, body: ReasonBody) -> Response:
    """Take a whole settlement back to the accounts and buckets it came from (institution)."""
    stream = stream_of("stl", settlement_id)
    reply = await cancel.cancel(
        change.context,
        change.request(f"settlements/{stream}/cancellation", body),
        stream,
        body.reason,
    )
    return change.answer(reply)


@router.post(
    "/settlements/{settlement_id}/refunds",
    status_code=201,
    response_model=RefundReply,
    responses=problems(404, 409, 422),
)
async def refund_settlement(change: ChangeOf, settlement_id: str, body: RefundBody) -> Response:
    """Give a part back, by `amount` or by `lines`: cash first, the patient's own money last.

    What stays is the split that settling the smaller bill would have given (institution).
    """
    stream = stream_of("stl", settlement_id)
    lines = tuple((i.line, fen(i.amount)) for i in body.lines) if body.lines else None
    amount_fen = fen(body.amount) if body.amount else sum(amount for _, amount in lines or ())
    command = refund.RefundBill(
        settlement=stream, amount_fen=amount_fen, lines=lines, reason=body.reason
    )
    asked = change.request(f"settlements/{stream}/refunds", body)
    return change.answer(await refund.refund(change.context, asked, command))


@router.post(
    "/settlements/{settlement_id}/replacement",
    status_code=201,
    response_model=ReplacementReply,
    responses=problems(404, 409, 422) | telling_since(),
)
async def replace_settlement(change: ChangeOf, settlement_id: str, body: ClaimBody) -> Response:
    """Take a settlement back and settle the corrected bill in its place, as one (institution)."""
    stream = stream_of("stl", settlement_id)
    asked = change.request(f"settlements/{stream}/replacement", body)
    reply = await replace.replace(change.context, asked, stream, settling_of(body))
    return with_since(change.answer(reply), await _since(change, reply))


@router.post(
    "/reversals",
    response_model=ReversalReply,
    responses=problems(404, 409, 422),
)
async def reverse_command(change: ChangeOf, body: ReversalBody) -> Response:
    """Undo the command of an Idempotency-Key whose answer never came (institution).

    Final also where it arrives first: the late command is refused `REVERSED_BEFORE_ARRIVAL`.
    """
    asked = change.request("reversals", body)
    return change.answer(await reverse.reverse(change.context, asked, body.key), 200)


async def _since(change: Change, reply: Reply) -> SettlementStatus | None:
    return await look.status_since(change.context, change.caller, reply)


def with_since(answer: Response, since: SettlementStatus | None) -> Response:
    """A repeated answer, to the byte, and beside it what became of the settlement since."""
    if since is not None:
        answer.headers["Gongji-Since"] = since
    return answer


def settling_of(body: ClaimBody) -> SettleBill:
    """A claim to be settled; its own digest matters only beside a quote's."""
    return bill_of(body, claim_digest(body) if body.plan_hash else b"")


def claim_digest(body: ClaimBody) -> bytes:
    """The digest of the claim alone, whatever quote it comes with."""
    return digest_of("claim", body.model_copy(update={"plan_hash": None}))


def bill_of(body: ClaimBody, digest: bytes) -> SettleBill:
    """A claim as the service takes it."""
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
        lines=lines_of((i.line, i.category, i.part, fen(i.amount)) for i in body.lines)
        if body.lines is not None
        else None,
        credential=Identity(shown.type, shown.value) if shown else None,
        plan=body.plan_hash,
        digest=digest,
    )
