"""Every date of every national message: from 1900 to a year ahead, however it is written."""

from collections.abc import Iterator
from datetime import datetime

import pytest

from aggregates.vocabulary import BEIJING
from api.his.wire.field_tables import TRANSACTIONS, Field, FieldNode
from api.his.wire.reading import moment, month, read_fields
from api.http.problems import ProblemError
from tests.api.clients import NOW, Desk
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital

TODAY = NOW.date()
OUTSIDE = (
    "0001-01-01 00:00:00",
    "1899-12-31 23:59:59",
    "18991231",
    "17530101000000",
    "2027-03-03",
    "2199-12-31",
    "9999-12-31 23:59:59",
    "9999-12-31T23:59:59-23:59",
    "4102444800000",
)


def dates() -> Iterator[tuple[str, FieldNode, Field]]:
    for infno, transaction in TRANSACTIONS.items():
        for node in transaction.takes:
            for field in node.fields:
                if field.kind in "dt":
                    yield f"{infno}-{node.name}-{field.name}", node, field


NAMED = list(dates())


@pytest.mark.parametrize(("node", "field"), [n[1:] for n in NAMED], ids=[n[0] for n in NAMED])
def test_every_date_of_every_message_has_bounds(node: FieldNode, field: Field) -> None:
    """The default date of a common runtime is none; the edges are."""
    alone = FieldNode(node.name, (field,), node.is_list)
    for text in OUTSIDE:
        with pytest.raises(ProblemError) as refused:
            read_fields(alone, {field.name: text}, TODAY)
        assert ("FIELD_INVALID", field.name) == (
            refused.value.code,
            refused.value.fields["field"],
        ), text
    for text in ("1900-01-01", "2027-03-02 23:59:59", "20260302", "1772417700000"):
        assert read_fields(alone, {field.name: text}, TODAY)[field.name]


@pytest.mark.parametrize("text", ["000101", "189912", "202704", "219912"])
def test_a_month_has_bounds(text: str) -> None:
    """Of 3203 and 5206."""
    with pytest.raises(ProblemError) as refused:
        month(text, TODAY)
    assert "FIELD_INVALID" == refused.value.code


async def test_the_default_date_is_refused_and_stops_nobody(desk_on_postgres: Desk) -> None:
    """2201 of the year 1 is -1; the look-ups of everybody go on."""
    his = await a_hospital(desk_on_postgres)
    sent = his.registration("P1")
    sent["data"]["begntime"] = "0001-01-01 00:00:00"
    with pytest.raises(RefusedError) as refused:
        await his.ask("2201", sent)
    visit = await his.register("P1")
    listed = await his.ask("5201", {"data": {"psn_no": "P1"}})

    assert "FIELD_INVALID" == refused.value.code
    assert [visit] == [row["mdtrt_id"] for row in listed["mdtrtinfo"]]


def test_milliseconds_are_no_year_long_past() -> None:
    """13 digits are milliseconds since 1970, whatever year their first four look like."""
    for millis in range(1_540_000_000_000, 1_820_000_000_000, 777_777_777):
        at = moment("begntime", str(millis))
        assert millis == round(at.timestamp() * 1000)
    assert datetime(2026, 3, 2, 10, 15, tzinfo=BEIJING) == moment("begntime", "1772417700000")


@pytest.mark.parametrize("text", ["202603021", "2026030210", "17724177000001", "1", "9" * 4000])
def test_digits_that_are_no_date_are_refused(text: str) -> None:
    """8, 12, 13 and 14 digits mean something; nothing is guessed of the others."""
    with pytest.raises(ProblemError) as refused:
        moment("begntime", text)
    assert "DATE_INVALID" == refused.value.code


def test_twelve_digits_end_with_the_minute() -> None:
    """And not with one digit of each."""
    assert datetime(2026, 3, 2, 10, 15, tzinfo=BEIJING) == moment("begntime", "202603021015")
