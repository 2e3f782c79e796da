"""Statements and bills as CSV: they read back unchanged, and no cell is a formula."""

import csv
import io
import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from api.account.statement_routes import STATEMENT_SHEET, table_answer
from api.http.values.csv_text import csv_text
from service.account import statement
from service.account.statement import StatementRequest
from service.bilingual import Language
from service.caller import agency
from service.read_models.reader import PageRequest, PageResult, ReadModels
from tests.api.account.readers import (
    BILLS,
    CSV,
    ENGLISH,
    ENTRIES,
    P1,
    S1,
    rows_of,
)
from tests.api.clients import (
    HOSPITAL,
    NATION,
    Desk,
    NoFollower,
    a_family,
    a_settlement,
    an_account,
    an_institution,
)

BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
nasty = st.one_of(
    st.text(max_size=20),
    st.builds("".join, st.tuples(st.sampled_from(BEGINS_A_FORMULA), st.text(max_size=20))),
    st.integers(-(10**12), 10**12).map(lambda fen: f"{fen / 100:.2f}"),
    st.sampled_from(('"', ",", "\r\n", "';", "'=1", "=cmd|' /C calc'!A0", "-2+3", "1e9", "-1e9")),
)


def read(table: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))


@given(st.lists(st.tuples(nasty, nasty, nasty), min_size=1, max_size=5))
@example([("=1", "-44.25", "-44.25-1")])
def test_a_table_is_read_back_and_calculates_nothing(rows: list[tuple[str, str, str]]) -> None:
    """Every cell is unchanged but for an apostrophe before a possible formula."""
    shown = read(csv_text(rows))

    assert len(rows) == len(shown)
    for cells, seen in zip(rows, shown, strict=True):
        for cell, text in zip(cells, seen, strict=True):
            is_safe = not cell.startswith(BEGINS_A_FORMULA) or NUMBER.fullmatch(cell)
            assert text == (cell if is_safe else f"'{cell}")
            assert not text.startswith(BEGINS_A_FORMULA) or NUMBER.fullmatch(text)


async def test_a_statement_is_a_table(desk_on_postgres: Desk) -> None:
    """Heads and words are in the reader's language, numbers are numbers."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    chinese = await desk.get(S1, ENTRIES.format("S1"), **CSV)
    english = await desk.get(S1, ENTRIES.format("S1"), **CSV, **ENGLISH)

    assert 'attachment; filename="statement.csv"' == chinese.headers["content-disposition"]
    assert "link" not in chinese.headers
    newest = rows_of(chinese)[0]
    assert ("支付", "-44.25", "455.75", "金***", "医疗机构") == tuple(
        newest[head] for head in ("类型", "金额", "余额", "被共济人", "机构类别")
    )
    assert "2026-03-02 为被共济人金***支付 44.25 元(医疗机构)" == newest["说明"]
    newest = rows_of(english)[0]
    assert ("paid", "-44.25") == (newest["kind"], newest["amount"])
    assert "2026-03-02: 44.25 yuan paid for 金*** (a medical institution)" == newest["in words"]


async def test_bills_are_a_table(desk_on_postgres: Desk) -> None:
    """One line for each bill, all sponsors in one cell."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    table = await desk.get(P1, BILLS.format("P1"), **CSV)

    (bill,) = rows_of(table)
    assert 'attachment; filename="bills.csv"' == table.headers["content-disposition"]
    assert ("第一人民医院", "128.50", "20.00", "44.25", "王* 44.25", "已结算") == tuple(
        bill[head] for head in ("机构", "医疗费总额", "本人账户支付", "共济支付", "共济人", "状态")
    )


async def test_a_table_has_all_pages(desk_on_postgres: Desk) -> None:
    """A table has more rows than a page; a cursor leads beyond its maximum."""
    desk = desk_on_postgres
    await an_account(desk, "P1")
    for number in range(1, 206):
        await desk.post(NATION, "/v1/accounts/P1/credits", {"amount": f"{number}.00"})
    path = ENTRIES.format("P1")
    whole = [row["金额"] for row in rows_of(await desk.get(P1, path, **CSV))]
    read_models = ReadModels(desk.context.store.pool, NoFollower())  # type: ignore[attr-defined]
    wanted = StatementRequest("P1", PageRequest(None, 203, None), Language.CHINESE)
    first = await statement.entries(desk.context, read_models, agency("nation", None), wanted)
    rest = rows_of(await desk.get(P1, f"{path}?cursor={first.following}", **CSV))

    assert [f"{number}.00" for number in range(205, 0, -1)] == whole
    amounts = [item["amount"] for item in first.items]
    assert (203, whole) == (len(amounts), [*amounts, *(row["金额"] for row in rest)])


def test_a_table_that_is_not_all_says_where_it_goes_on() -> None:
    """`Link` leads to the rest of the list, and names nobody."""
    page = table_answer(PageResult([], "AAAA_-", 7), STATEMENT_SHEET, Language.ENGLISH)
    whole = table_answer(PageResult([], None, 7), STATEMENT_SHEET, Language.ENGLISH)

    assert ('<?cursor=AAAA_->; rel="next"', "7") == (
        page.headers["link"],
        page.headers["gongji-position"],
    )
    assert "link" not in whole.headers


async def test_a_nasty_name_calculates_nothing(desk_on_postgres: Desk) -> None:
    """An institution named like a formula is text in CSV, and unchanged in JSON."""
    desk = desk_on_postgres
    await a_family(desk)
    nasty = '=HYPERLINK("http://x","安"),@x'
    await an_institution(desk, HOSPITAL, name=nasty)
    await a_settlement(desk)
    shown: dict[str, Any] = (await desk.get(P1, BILLS.format("P1"))).json()["items"][0]
    (row,) = rows_of(await desk.get(P1, BILLS.format("P1"), **CSV))

    assert (nasty, f"'{nasty}") == (shown["institution"], row["机构"])
