"""A person's money in words: the statement of his account, and his bills, as JSON or CSV."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from pydantic_core import to_json

from api.account.statement_schemas import BillsReply, EntriesReply
from api.http.dependencies import CallerOf, Door, DoorOf
from api.http.fields import NUMBER_MAX
from api.http.openapi_helpers import problems
from api.http.problems import is_english
from api.http.values.csv_text import CSV, csv_text
from service.account import patient_bills as bills
from service.account import statement
from service.account.statement import Wanted
from service.account.statement_text import CLASSES, KINDS, SOMEBODY, STATUSES, Language, Said
from service.caller import Caller
from service.context import House
from service.read_models.reader import Asked, Listed, Shelf

ROWS_MAX = 10_000
"""Rows of a CSV answer; where more follow, `Link` says where."""

router = APIRouter(prefix="/v1/accounts", tags=["statements"])

CSV_TOLD: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}},
        "description": f"A page, or with `Accept: {CSV}` up to {ROWS_MAX} rows as a table",
    }
}
List = Callable[[House, Shelf, Caller, Wanted], Awaitable[Listed]]
Cell = Callable[[dict[str, Any], Language], object]


class Looked(BaseModel):
    """Which part of a list; for a table only `cursor` and `min_position` count."""

    cursor: str | None = Field(None, max_length=100)
    limit: int = Field(50, ge=1, le=200)
    min_position: int | None = Field(None, ge=0, le=NUMBER_MAX)


class Column(NamedTuple):
    """A column of a table: its head, and what stands in it."""

    head: Said
    cell: Cell


class Sheet(NamedTuple):
    """A list as a table; the file's name holds nothing of the person."""

    file: str
    columns: Sequence[Column]


@router.get(
    "/{person_no}/entries", response_model=EntriesReply, responses=CSV_TOLD | problems(404, 422)
)
async def look_at_entries(
    request: Request,
    door: DoorOf,
    caller: CallerOf,
    person_no: str,
    looked: Annotated[Looked, Query()],
) -> Response:
    """The account's statement, newest first (its owner, its agency, auditors).

    Each entry says in words what happened, in Chinese or with `Accept-Language: en` in English.
    A sponsor sees a beneficiary by a masked name, and the class of the institution; its name
    where the region lets him. With `Accept: text/csv` it is a table of up to 10,000 rows.
    """
    told = _Told(request, door, caller, person_no, looked)
    return await told.answer(statement.entries, STATEMENT_SHEET)


@router.get(
    "/{person_no}/bills", response_model=BillsReply, responses=CSV_TOLD | problems(404, 422)
)
async def look_at_bills(
    request: Request,
    door: DoorOf,
    caller: CallerOf,
    person_no: str,
    looked: Annotated[Looked, Query()],
) -> Response:
    """Who paid what of a patient's bills, newest first (himself, his agency, auditors).

    Amounts are as they were settled; `returned` is what went back since. Sponsors are named
    masked, and what they have is never told. Claims that were refused are no bills. Words and
    tables are those of the statement.
    """
    told = _Told(request, door, caller, person_no, looked)
    return await told.answer(bills.bills, BILLS_SHEET)


class _Told(NamedTuple):
    """Who asks for which part of whose list, and how he wants it."""

    request: Request
    door: Door
    caller: Caller
    person_no: str
    looked: Looked

    async def answer(self, read: List, sheet: Sheet) -> Response:
        """The list in the reader's language, as a page or as a table."""
        told = self.request.headers.get("accept-language")
        language = Language.ENGLISH if is_english(told) else Language.CHINESE
        is_table = CSV in self.request.headers.get("accept", "").lower()
        limit = ROWS_MAX if is_table else self.looked.limit
        asked = Asked(self.looked.cursor, limit, self.looked.min_position)
        wanted = Wanted(self.person_no, asked, language)
        listed = await read(self.door.house, self.door.shelf, self.caller, wanted)
        if is_table:
            return await asyncio.to_thread(table_answer, listed, sheet, language)
        body = to_json({"items": listed.items, "next": listed.following})
        headers = _headers(listed, language)
        return Response(body, media_type="application/json", headers=headers)


def table_answer(listed: Listed, sheet: Sheet, language: Language) -> Response:
    """A list as a table, with `Link` to what follows where it is not all."""
    headers = _headers(listed, language)
    headers["Content-Disposition"] = f'attachment; filename="{sheet.file}"'
    if listed.following is not None:
        headers["Link"] = f'<?cursor={listed.following}>; rel="next"'
    heads = [column.head.to(language) for column in sheet.columns]
    rows = ([column.cell(told, language) for column in sheet.columns] for told in listed.items)
    return Response(csv_text([heads, *rows]), media_type=CSV, headers=headers)


def _headers(listed: Listed, language: Language) -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Language": language,
        "Gongji-Position": str(listed.position),
        "Vary": "Accept, Accept-Language",
        "X-Content-Type-Options": "nosniff",
    }


# ---------------------------------------------------------------- the columns


def _plain(name: str) -> Cell:
    return lambda told, _: told[name]


def _worded(name: str, words: dict[Any, Said]) -> Cell:
    """A code in words; nothing where there is none."""
    return lambda told, language: words[told[name]].to(language) if told[name] else None


def _returned(name: str) -> Cell:
    return lambda told, _: told["returned"][name]


def _sponsors(told: dict[str, Any], language: Language) -> str:
    """Every sponsor and what he paid, in one cell."""
    return "; ".join(
        f"{part['name'] or SOMEBODY.to(language)} {part['amount']}" for part in told["sponsors"]
    )


PLACED = (
    Column(Said("机构", "institution"), _plain("institution")),
    Column(Said("机构类别", "kind of institution"), _worded("institution_class", CLASSES)),
)
STATEMENT_SHEET = Sheet(
    "statement.csv",
    (
        Column(Said("时间", "time"), _plain("recorded_at")),
        Column(Said("类型", "kind"), _worded("kind", KINDS)),
        Column(Said("金额", "amount"), _plain("amount")),
        Column(Said("其中当年", "of this year's money"), _plain("current")),
        Column(Said("其中历年", "of earlier years' money"), _plain("prior")),
        Column(Said("余额", "balance after"), _plain("balance_after")),
        Column(Said("另行保管", "kept aside"), _plain("aside")),
        Column(Said("被共济人", "beneficiary"), _plain("beneficiary")),
        *PLACED,
        Column(Said("说明", "in words"), _plain("text")),
        Column(Said("结算号", "settlement"), _plain("settlement_id")),
        Column(Said("绑定号", "binding"), _plain("binding_id")),
        Column(Said("凭据", "reference"), _plain("reference")),
    ),
)
BILLS_SHEET = Sheet(
    "bills.csv",
    (
        Column(Said("日期", "day"), _plain("day")),
        *PLACED,
        Column(Said("医疗费总额", "total"), _plain("total")),
        Column(Said("基金支付", "fund"), _plain("fund_pay")),
        Column(Said("本人账户支付", "own account"), _plain("own")),
        Column(Said("共济支付", "sponsors"), _plain("aid")),
        Column(Said("现金支付", "cash"), _plain("cash")),
        Column(Said("共济人", "who paid"), _sponsors),
        Column(Said("状态", "status"), _worded("status", STATUSES)),
        Column(Said("已退本人账户", "returned to own account"), _returned("own")),
        Column(Said("已退共济", "returned to sponsors"), _returned("aid")),
        Column(Said("已退现金", "returned in cash"), _returned("cash")),
        Column(Said("说明", "in words"), _plain("text")),
        Column(Said("结算号", "settlement"), _plain("settlement_id")),
    ),
)
