"""Whatever replies are lost, the patient is charged once, and the books end equal."""

import contextlib
import dataclasses
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.settlement.events import Settled
from service.ledger.memory_store import MemoryStore
from tests.api.clients import Desk
from tests.api.his.client import His, LostError, Wire
from tests.api.his.day import Books
from tests.api.his.desks import a_desk, a_hospital, a_pharmacy, a_wire

SENDS_MAX = 40


def a_bad_wire(desk: Desk, fates: list[str]) -> Wire:
    """A wire that loses messages and replies as told, and afterwards nothing."""
    good = a_wire(desk)
    told = itertools.chain(fates, itertools.repeat("good"))

    async def send(path: str, headers: dict[str, str], body: bytes) -> bytes:
        fate = next(told)
        if fate == "lost":
            raise LostError
        answer = await good(path, headers, body)
        if fate == "twice":
            answer = await good(path, headers, body)
        if fate == "unheard":
            raise LostError
        return answer

    return send


@contextlib.asynccontextmanager
async def a_bill(place: Path, fates: list[str]) -> AsyncIterator[tuple[Desk, His, str]]:
    """A desk, a hospital there, and its visit with a fee line; then its wire turns bad."""
    async with a_desk(place) as desk:
        his = await a_hospital(desk)
        visit = await his.register("P1")
        await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})
        his.wire = a_bad_wire(desk, fates)
        yield desk, his, visit


fates = st.lists(st.sampled_from(["good", "lost", "unheard", "twice"]), max_size=SENDS_MAX)


@settings(max_examples=20, deadline=None)
@given(fates=fates)
async def test_pressing_again_charges_once(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str]
) -> None:
    """New messages for the same visit and batch: one live bill, whatever was lost."""
    async with a_bill(_place(tmp_path_factory), fates) as (desk, his, visit):
        books = Books(his)
        await books.press("2207", his.bill(visit, "P1", "128.50"), his.msgid())

        assert 1 == len(live_bills(desk))
        assert "455.75" == await desk.balance("S1")
        assert [(128.5, 64.25)] == [(row.total, row.account) for row in books.rows]


@settings(max_examples=20, deadline=None)
@given(fates=fates)
async def test_sending_again_charges_once(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str]
) -> None:
    """The same message over and over: one bill, and the same reply."""
    async with a_bill(_place(tmp_path_factory), fates) as (desk, his, visit):
        msgid = his.msgid()
        first = await his.insist("2207", his.bill(visit, "P1", "128.50"), msgid)
        again = await his.insist("2207", his.bill(visit, "P1", "128.50"), msgid)

        assert first == again
        assert 1 == len(live_bills(desk))
        assert "455.75" == await desk.balance("S1")


@settings(max_examples=20, deadline=None)
@given(fates=fates)
async def test_undoing_what_was_lost_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, fates: list[str]
) -> None:
    """2207 whose reply never came, then 2601 until it is answered: nobody paid anything."""
    async with a_bill(_place(tmp_path_factory), fates) as (desk, his, visit):
        msgid = his.msgid()
        with contextlib.suppress(LostError):
            await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)
        undo = {"data": {"psn_no": "P1", "omsgid": msgid, "oinfno": "2207"}}
        assert None is await his.insist("2601", undo)

        assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))
        told = await his.insist("GJ01", {"data": {"omsgid": msgid, "oinfno": "2207"}})
        assert "reversed" == told["data"]["state"]


async def test_a_day_ends_with_equal_books(desk_on_postgres: Desk) -> None:
    """A hospital's and a pharmacy's day with a bad network: 3201 and 3202 agree."""
    desk = desk_on_postgres
    for his, infno in ((await a_hospital(desk), "2207"), (await a_pharmacy(desk), "2102")):
        books = Books(his)
        fates = ["good", "unheard", "lost", "unheard", "twice", "unheard"] * 6
        for number in range(6):
            if infno == "2207":
                his.wire = a_wire(desk)
                visit = await his.register("P1", f"OP{number}")
                await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "10.00")]})
                sent = his.bill(visit, "P1", "10.00")
            else:
                sent = his.purchase("P1", "8.00", f"INV{number}")
            his.wire = a_bad_wire(desk, fates[number:])
            await books.press(infno, sent, his.msgid())
        his.wire = a_wire(desk)
        given_back = books.rows[0]
        name = {"setl_id": given_back.settlement, "mdtrt_id": given_back.visit, "psn_no": "P1"}
        cancel = "2208" if infno == "2207" else "2103"
        books.book((await his.ask(cancel, {"data": name}))["setlinfo"], is_refund=True)

        assert await books.is_equal()
        rows = await books.compare()
        assert 7 == len(rows)
        assert {"0"} == {row[4] for row in rows}
        assert all(30 >= len(row[3]) > 0 for row in rows)
        await is_found_out(books)


async def is_found_out(books: Books) -> None:
    """A missing refund, a missing bill and a made-up one are named, and nothing else is."""
    books.rows.pop()
    gone = books.rows.pop(3)
    books.rows.append(dataclasses.replace(gone, settlement="X1"))

    assert not await books.is_equal()
    assert ["0"] * 5 + ["1", "1", "2"] == sorted(row[4] for row in await books.compare())


def live_bills(desk: Desk) -> list[Settled]:
    """Every bill that was ever settled."""
    assert isinstance(desk.context.store, MemoryStore)
    return [one.event for one in desk.context.store.log if isinstance(one.event, Settled)]


def _place(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("desk")
