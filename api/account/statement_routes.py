"""Routes of an account's statement and of a patient's bills, as JSON or CSV."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Request, Response
from pydantic_core import to_json

from api.account.statement_schemas import BillsReply, EntriesReply
from api.http.dependencies import ApiOf, CallerOf, PageOf
from api.http.headers import answer_headers
from api.http.openapi_helpers import problems, told_headers
from api.http.problems import is_english
from api.http.values.csv_text import CSV, csv_text
from service.account import patient_bills as bills
from service.account import statement
from service.account.statement import StatementRequest
from service.account.statement_text import CLASSES, KINDS, SOMEBODY, STATUSES
from service.bilingual import Bilingual, Language
from service.caller import Caller
from service.context import ServiceContext
from service.read_models.reader import PageResult, ReadModels

ROWS_MAX = 10_000
"""Rows of a CSV answer; `Link` leads to the rest."""

router = APIRouter(prefix="/v1/accounts", tags=["statements"])

TABLE_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}},
        "headers": told_headers("Content-Language", "Content-Disposition", "Link"),
        "description": f"A page, or with `Accept: {CSV}` up to {ROWS_MAX} rows as a table",
    }
}
List = Callable[[ServiceContext, ReadModels, Caller, StatementRequest], Awaitable[PageResult]]
Cell = Callable[[dict[str, Any], Language], object]


class Column(NamedTuple):
    """A column of a table: its head, and the function of its cells."""

    head: Bilingual
    cell: Cell


class Sheet(NamedTuple):
    """A list as a table; the file's name contains nothing of the person."""

    file: str
    columns: Sequence[Column]


class _ListQuery(NamedTuple):
    """The dependencies of a route that answers a person's list."""

    request: Request
    api: ApiOf
    caller: CallerOf
    page: PageOf

    async def answer(self, person_no: str, read: List, sheet: Sheet) -> Response:
        """The list in the reader's language, as a page or as a table."""
        is_in_english = is_english(self.request.headers.get("accept-language"))
        language = Language.ENGLISH if is_in_english else Language.CHINESE
        is_table = CSV in self.request.headers.get("accept", "").lower()
        page = self.page._replace(limit=ROWS_MAX) if is_table else self.page
        request = StatementRequest(person_no, page, language)
        result = await read(self.api.context, self.api.read_models, self.caller, request)
        if is_table:
            return await asyncio.to_thread(table_answer, result, sheet, language)
        body = to_json({"items": result.items, "next": result.following})
        return Response(body, media_type="application/json", headers=_headers(result, language))


ListQuery = Annotated[_ListQuery, Depends()]


@router.get(
    "/{person_no}/entries", response_model=EntriesReply, responses=TABLE_ANSWER | problems(404, 422)
)
async def look_at_entries(query: ListQuery, person_no: str) -> Response:
    """The account's statement, newest first (its owner, its agency, auditors).

    Each entry has a sentence that says what happened, in Chinese or with `Accept-Language: en` in
    English. A sponsor sees a beneficiary's masked name and the class of the institution, or its
    name if the region allows it. With `Accept: text/csv` it is a table of up to 10,000 rows.
    """
    return await query.answer(person_no, statement.entries, STATEMENT_SHEET)


@router.get(
    "/{person_no}/bills", response_model=BillsReply, responses=TABLE_ANSWER | problems(404, 422)
)
async def look_at_bills(query: ListQuery, person_no: str) -> Response:
    """Who paid what of a patient's bills, newest first (the patient, their agency, auditors).

    Amounts are as they were settled; `returned` is what was returned since. Sponsors have masked
    names, and their balances are never shown. Refused claims are not bills. Sentences and tables
    are as in the statement.
    """
    return await query.answer(person_no, bills.bills, BILLS_SHEET)


def table_answer(page: PageResult, sheet: Sheet, language: Language) -> Response:
    """A list as a table, with `Link` to the rest if it is not complete."""
    headers = _headers(page, language)
    headers["Content-Disposition"] = f'attachment; filename="{sheet.file}"'
    if page.following is not None:
        headers["Link"] = f'<?cursor={page.following}>; rel="next"'
    heads = [column.head.to(language) for column in sheet.columns]
    rows = ([column.cell(item, language) for column in sheet.columns] for item in page.items)
    return Response(csv_text([heads, *rows]), media_type=CSV, headers=headers)


def _headers(page: PageResult, language: Language) -> dict[str, str]:
    of_language = {"Content-Language": language, "Vary": "Accept, Accept-Language"}
    return answer_headers(page.position) | of_language


# ---------------------------------------------------------------- the columns


def _plain(name: str) -> Cell:
    return lambda item, _: item[name]


def _worded(name: str, words: dict[Any, Bilingual]) -> Cell:
    """A code in words; an empty cell for null."""
    return lambda item, language: words[item[name]].to(language) if item[name] else None


def _returned(name: str) -> Cell:
    return lambda item, _: item["returned"][name]


def _sponsors(item: dict[str, Any], language: Language) -> str:
    """Every sponsor with the amount paid, in one cell."""
    return "; ".join(
        f"{part['name'] or SOMEBODY.to(language)} {part['amount']}" for part in item["sponsors"]
    )


INSTITUTION = (
    Column(Bilingual("机构", "institution"), _plain("institution")),
    Column(Bilingual("机构类别", "kind of institution"), _worded("institution_class", CLASSES)),
)
STATEMENT_SHEET = Sheet(
    "statement.csv",
    (
        Column(Bilingual("时间", "time"), _plain("recorded_at")),
        Column(Bilingual("类型", "kind"), _worded("kind", KINDS)),
        Column(Bilingual("金额", "amount"), _plain("amount")),
        Column(Bilingual("其中当年", "of this year's money"), _plain("current")),
        Column(Bilingual("其中历年", "of earlier years' money"), _plain("prior")),
        Column(Bilingual("余额", "balance after"), _plain("balance_after")),
        Column(Bilingual("另行保管", "kept aside"), _plain("aside")),
        Column(Bilingual("被共济人", "beneficiary"), _plain("beneficiary")),
        *INSTITUTION,
        Column(Bilingual("说明", "in words"), _plain("text")),
        Column(Bilingual("结算号", "settlement"), _plain("settlement_id")),
        Column(Bilingual("绑定号", "binding"), _plain("binding_id")),
        Column(Bilingual("凭据", "reference"), _plain("reference")),
    ),
)
BILLS_SHEET = Sheet(
    "bills.csv",
    (
        Column(Bilingual("日期", "day"), _plain("day")),
        *INSTITUTION,
        Column(Bilingual("医疗费总额", "total"), _plain("total")),
        Column(Bilingual("基金支付", "fund"), _plain("fund_pay")),
        Column(Bilingual("本人账户支付", "own account"), _plain("own")),
        Column(Bilingual("共济支付", "sponsors"), _plain("aid")),
        Column(Bilingual("现金支付", "cash"), _plain("cash")),
        Column(Bilingual("共济人", "who paid"), _sponsors),
        Column(Bilingual("状态", "status"), _worded("status", STATUSES)),
        Column(Bilingual("已退本人账户", "returned to own account"), _returned("own")),
        Column(Bilingual("已退共济", "returned to sponsors"), _returned("aid")),
        Column(Bilingual("已退现金", "returned in cash"), _returned("cash")),
        Column(Bilingual("说明", "in words"), _plain("text")),
        Column(Bilingual("结算号", "settlement"), _plain("settlement_id")),
    ),
)
