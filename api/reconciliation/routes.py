"""Reconciliation of a day, and clearing of a month, over HTTP."""

import asyncio
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from aggregates.vocabulary import SettlementStatus
from api.http.dependencies import ApiOf, CallerOf, ChangeOf, check_dates, today
from api.http.fields import fen, maybe_fen
from api.http.headers import answer_headers, json_answer
from api.http.openapi_helpers import body_of, problems, told_headers
from api.http.problems import ProblemError, is_english
from api.http.strict_body import StrictBodyRoute, parse_body, read_json
from api.http.values.csv_text import CSV, csv_text
from api.reconciliation.schemas import (
    ClearedReply,
    ClearingBody,
    ClearingReply,
    ReconciliationBody,
    ReconciliationReply,
)
from service.caller import Caller, Role
from service.reconciliation import clearing
from service.reconciliation import reconcile_day as reconcile

BODY_MAX = 5 * 1_048_576
"""Bytes of a day's list."""
MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}},
        "headers": told_headers("Content-Disposition"),
        "description": f"The month, or with `Accept: {CSV}` the same as a table",
    }
}

router = APIRouter(prefix="/v1", tags=["reconciliation and clearing"], route_class=StrictBodyRoute)


@router.post(
    "/reconciliations",
    response_model=ReconciliationReply,
    responses=problems(404, 413, 422),
    openapi_extra=body_of(ReconciliationBody),
)
async def reconcile_day(request: Request, api: ApiOf, caller: CallerOf) -> Response:
    """Compare a day's totals and bills with the ledger (institution; agency of its region).

    Read-only; needs no Idempotency-Key. Without `items` only the totals are compared. Later
    changes of the day's bills are not counted: the answer for a past day never changes. A body
    may have 5 MiB and 50,000 items.
    """
    raw = await read_json(request, BODY_MAX)
    body = await asyncio.to_thread(parse_body, ReconciliationBody, raw, today(request))
    stated = await asyncio.to_thread(_stated, body, caller)
    shown = await reconcile.reconcile(api.context, api.read_models, caller, stated)
    return json_answer(shown.body, shown.position)


@router.post(
    "/institutions/{code}/clearings",
    status_code=201,
    response_model=ClearedReply,
    responses=problems(404, 409, 422),
)
async def clear_accounts(change: ChangeOf, code: str, body: ClearingBody) -> Response:
    """Record that an institution was paid up to and including a day that is over (agency)."""
    asked = change.request(f"institutions/{code}/clearings", body)
    return change.answer(await clearing.clear(change.context, asked, code, body.through))


@router.get(
    "/institutions/{code}/clearing",
    response_model=ClearingReply,
    responses=CSV_ANSWER | problems(404, 422),
)
async def look_at_clearing(
    request: Request,
    api: ApiOf,
    caller: CallerOf,
    code: str,
    month: Annotated[str, Query(pattern=MONTH)],
) -> Response:
    """A month's sums, by day and in total (the institution, its region's agency, auditors).

    `payable` is what personal accounts owe the institution: own and aid, less returns. With
    `Accept: text/csv` the answer is a table.
    """
    first = _first_day(month)
    check_dates(api, month=first)
    shown = await clearing.look_at_clearing(api.context, api.read_models, caller, code, first)
    if CSV not in request.headers.get("accept", "").lower():
        return json_answer(shown.body, shown.position)
    headers = answer_headers(shown.position) | {
        "Content-Disposition": f'attachment; filename="clearing-{code}-{month}.csv"'
    }
    in_english = is_english(request.headers.get("accept-language"))
    table = csv_text(_table(shown.body, in_english=in_english))
    return Response(table, media_type=CSV, headers=headers)


def _first_day(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError as error:  # the year 0
        wrong = [{"field": "month", "code": "QUERY_INVALID"}]
        raise ProblemError("QUERY_INVALID", errors=wrong) from error


def _stated(body: ReconciliationBody, caller: Caller) -> reconcile.StatedDay:
    """A day as the service takes it.

    Raises:
        ProblemError: FIELD_REQUIRED: an agency does not name the institution.
    """
    code = body.institution
    if code is None and caller.role is not Role.INSTITUTION:
        named = [{"field": "institution", "code": "FIELD_REQUIRED"}]
        raise ProblemError("FIELD_REQUIRED", errors=named)
    sums, lines = body.totals, None
    parts = (sums.total, sums.fund_pay, sums.own, sums.aid, sums.cash)
    if body.items is not None:
        lines = tuple(
            reconcile.ListedLine(
                item.settlement_id,
                item.key,
                SettlementStatus(item.status),
                fen(item.total),
                fen(item.aid),
            )
            for item in body.items
        )
    return reconcile.StatedDay(
        institution=code or caller.subject,
        day=body.day,
        totals=reconcile.totals_of(sums.count, *map(maybe_fen, parts)),
        lines=lines,
    )


SUMS = ("count", "total", "fund_pay", "own", "aid", "cash")
HEADS = {
    False: (
        ("机构编码", "机构名称", "日期", "应付个人账户资金"),
        ("结算笔数", "医疗费总额", "基金支付", "本人账户支付", "共济支付", "现金支付"),
        ("退费笔数", "退医疗费总额", "退基金支付", "退本人账户", "退共济支付", "退现金"),
        "合计",
    ),
    True: (
        ("institution", "name", "day", "payable"),
        tuple(f"settled {name}" for name in SUMS),
        tuple(f"returned {name}" for name in SUMS),
        "whole month",
    ),
}
"""Column heads in Chinese and English, and the last line's text in place of a day."""


def _table(body: dict[str, Any], *, in_english: bool) -> list[list[object]]:
    """A month as rows: the heads, each day, the total."""
    (code, name, day, payable), settled, returned, whole = HEADS[in_english]
    rows: list[list[object]] = [[code, name, day, *settled, *returned, payable]]
    for line in (*body["days"], body | {"day": whole}):
        sums = [line[part][name] for part in ("settled", "returned") for name in SUMS]
        rows.append([body["institution"], body["name"], line["day"], *sums, line["payable"]])
    return rows
