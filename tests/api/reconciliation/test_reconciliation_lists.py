"""Lists that institutions send to be compared: the largest, and those that are refused."""

from typing import Any

import pytest

from tests.api.clients import (
    AGENCY,
    HOSPITAL,
    Desk,
    a_family,
    a_settlement,
    an_institution,
    is_refused,
)
from tests.api.reconciliation.test_reconciliations import (
    DAY,
    NOTHING,
    ONE,
    PATH,
    ZERO,
    an_item,
    asked,
)


async def test_fifty_thousand_lines_are_compared(desk_on_postgres: Desk) -> None:
    """The largest list there may be is answered whole."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk, "k0")
    item = an_item(settled, settlement_id=None)
    items = [item | {"key": f"k{n}"} for n in range(50_000)]
    told = await asked(desk, items=items)
    assert (1, 49_999) == (told["equal"], len(told["differences"]))


ITEM = {"key": "k1", "total": "1.00", "aid": "0.00"}
BAD: dict[str, tuple[dict[str, Any] | bytes, int, str]] = {
    "tomorrow": ({"day": "2026-03-03", "totals": NOTHING}, 422, "DATE_INVALID"),
    "no such day": ({"day": "2026-02-30", "totals": NOTHING}, 422, "DATE_INVALID"),
    "no totals": ({"day": DAY}, 422, "FIELD_REQUIRED"),
    "a number": ({"day": DAY, "totals": {"count": 0, "total": 0}}, 422, "AMOUNT_FORMAT"),
    "own of one decimal": ({"day": DAY, "totals": ONE | {"own": "1.0"}}, 422, "AMOUNT_FORMAT"),
    "a negative count": ({"day": DAY, "totals": NOTHING | {"count": -1}}, 422, "FIELD_INVALID"),
    "an unknown member": ({"day": DAY, "totals": NOTHING, "sum": 1}, 422, "UNKNOWN_FIELD"),
    "an item of no name": (
        {"day": DAY, "totals": NOTHING, "items": [{"total": "1.00", "aid": "0.00"}]},
        422,
        "FIELD_REQUIRED",
    ),
    "an unknown status": (
        {"day": DAY, "totals": NOTHING, "items": [ITEM | {"status": "refused"}]},
        422,
        "FIELD_INVALID",
    ),
    "50,001 items": (
        {"day": DAY, "totals": NOTHING, "items": [ITEM] * 50_001},
        422,
        "TOO_MANY_LINES",
    ),
    "more than 5 MiB": (b" " * (5 * 1_048_576 + 1), 413, "BODY_TOO_LARGE"),
    "cut off": (b'{"day": "2026-03-02", "totals"', 400, "JSON_INVALID"),
    "a member twice": (
        b'{"day": "2026-03-02", "day": "2026-03-01", "totals": {"count": 0, "total": "0.00"}}',
        400,
        "JSON_DUPLICATE_KEY",
    ),
}


@pytest.mark.parametrize(("body", "status", "code"), BAD.values(), ids=BAD)
async def test_a_bad_list_is_refused(
    desk: Desk, body: dict[str, Any] | bytes, status: int, code: str
) -> None:
    """Shapes, days and sizes are refused with their codes, before anything is compared."""
    await an_institution(desk)

    is_refused(await desk.send("POST", HOSPITAL, PATH, body), status, code)


async def test_an_agency_says_whose_day(desk: Desk) -> None:
    """Without an institution an agency's question is not whole."""
    answer = await desk.send("POST", AGENCY, PATH, {"day": DAY, "totals": NOTHING})
    problem = is_refused(answer, 422, "FIELD_REQUIRED")

    assert [{"field": "institution", "code": "FIELD_REQUIRED"}] == problem["errors"]


async def test_a_part_of_our_books_is_no_answer(desk: Desk) -> None:
    """Where the read models stay behind the log it is 503 and not a list of false differences."""
    await an_institution(desk)
    answer = await desk.send("POST", HOSPITAL, PATH, {"day": DAY, "totals": NOTHING})

    is_refused(answer, 503, "OVERLOADED")


async def test_nothing_is_changed_and_no_key_is_used(desk_on_postgres: Desk) -> None:
    """A comparison is a look: with a key or without, and the key stays free."""
    desk = desk_on_postgres
    await a_family(desk)
    before = await desk.context.store.position()
    for _ in range(2):
        answer = await desk.post(HOSPITAL, PATH, {"day": DAY, "totals": ZERO}, "k1")
        assert (200, "equal") == (answer.status_code, answer.json()["result"])
    assert before == await desk.context.store.position()
    await a_settlement(desk, "k1")
