"""Lists of an institution's settlements, by bill and by day."""

from datetime import timedelta
from typing import Any

import pytest

from api.settlement.responses import SettlementsReply
from tests.api.binding.test_lists import pages
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_institution,
    is_refused,
    untraced,
)

PATH = "/v1/settlements"
BILL = f"{PATH}?visit=mdtrt-1&charge_batch=1"
DAY = f"{PATH}?day=2026-03-02"


async def listed(desk: Desk, who: Who, path: str) -> list[dict[str, Any]]:
    answer = await desk.get(who, path)
    assert 200 == answer.status_code, answer.text
    SettlementsReply.model_validate(answer.json())
    assert int(answer.headers["gongji-position"]) == await desk.context.store.position()
    assert "no-store" == answer.headers["cache-control"]
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def test_a_bills_story_is_found_by_its_name(desk_on_postgres: Desk) -> None:
    """Settled, refused as a duplicate, cancelled, settled again: the newest attempt first."""
    desk = desk_on_postgres
    await a_family(desk)
    first = await a_settlement(desk)
    is_refused(await desk.post(HOSPITAL, PATH, a_claim()), 409, "DUPLICATE_CLAIM")
    await desk.post(HOSPITAL, f"{PATH}/{first['settlement_id']}/cancellation", {})
    second = await a_settlement(desk)
    await a_settlement(desk, charge_batch="2")

    items = await listed(desk, HOSPITAL, BILL)
    assert [
        ("settled", "applied", None, "44.25"),
        ("refused", "not_applied", "DUPLICATE_CLAIM", "0.00"),
        ("cancelled", "applied", None, "44.25"),
    ] == [(item["status"], item["outcome"], item["code"], item["aid"]) for item in items]
    ids = [second["settlement_id"], first["settlement_id"]]
    assert ids == [items[0]["settlement_id"], items[2]["settlement_id"]]
    assert second["position"] == items[0]["position"]
    assert [True, True, False] == [item["cancelled_at"] is None for item in items]
    members = ("total", "fund_pay", "personal", "own", "aid", "cash")
    assert [second[name] for name in members] == [items[0][name] for name in members]
    assert items[:1] == await listed(desk, HOSPITAL, f"{BILL}&limit=1")
    assert [] == await listed(desk, HOSPITAL, f"{PATH}?visit=mdtrt-2&charge_batch=1")
    assert [] == await listed(desk, HOSPITAL, f"{PATH}?visit=%27--&charge_batch=1")
    odd = await desk.get(HOSPITAL, f"{PATH}?visit=%00&charge_batch=1")
    is_refused(odd, 422, "QUERY_INVALID")


async def test_a_day_is_listed_page_by_page(desk_on_postgres: Desk) -> None:
    """The business day of the decision counts; an auditor sees the same by the code."""
    desk = desk_on_postgres
    await a_family(desk)
    today = [await a_settlement(desk, visit=f"v{n}", total="65.25") for n in range(5)]
    desk.clock.at += timedelta(days=1)
    tomorrow = await a_settlement(desk, visit="late")

    ids = [settled["settlement_id"] for settled in reversed(today)]
    items = await listed(desk, HOSPITAL, DAY)
    assert ids == [item["settlement_id"] for item in items]
    assert {"2026-03-02"} == {item["day"] for item in items}
    assert items == await pages(desk, HOSPITAL, DAY, 2)
    (late,) = await listed(desk, HOSPITAL, f"{PATH}?day=2026-03-03")
    assert tomorrow["settlement_id"] == late["settlement_id"]
    named = f"{DAY}&institution={HOSPITAL.subject}"
    for who in (AUDITOR, HOSPITAL, AGENCY, NATION):
        assert items == await listed(desk, who, named)
    assert items == await pages(desk, AGENCY, named, 2)


async def test_a_neighbours_settlements_are_not_seen(desk_on_postgres: Desk) -> None:
    """Another institution finds only its own; another's code looks like an unknown one."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_institution(desk, PHARMACY)
    await a_settlement(desk)
    assert [] == await listed(desk, PHARMACY, BILL)
    assert [] == await listed(desk, PHARMACY, DAY)
    theirs = await desk.post(PHARMACY, PATH, a_claim(total="70.25"))
    (only,) = await listed(desk, PHARMACY, BILL)
    assert theirs.json()["settlement_id"] == only["settlement_id"]
    assert 1 == len(await listed(desk, HOSPITAL, DAY))

    foreign = await desk.get(PHARMACY, f"{DAY}&institution={HOSPITAL.subject}")
    is_refused(foreign, 404, "NOT_FOUND")
    nobodys = await desk.get(PHARMACY, f"{DAY}&institution=H0")
    assert untraced(foreign) == untraced(nobodys)
    is_refused(await desk.get(AUDITOR, f"{DAY}&institution=H0"), 404, "NOT_FOUND")
    is_refused(await desk.get(Who(HOSPITAL.role, "H0"), DAY), 404, "NOT_FOUND")
    elsewhere = await desk.get(AGENCY_ELSEWHERE, f"{DAY}&institution={HOSPITAL.subject}")
    is_refused(elsewhere, 404, "NOT_FOUND")
    unknown = await desk.get(AGENCY_ELSEWHERE, f"{DAY}&institution=H0")
    assert untraced(elsewhere) == untraced(unknown)
    is_refused(await desk.get(AGENCY, DAY), 422, "QUERY_INVALID")
    for who in (a_person("P1"), OPERATOR):
        is_refused(await desk.get(who, DAY), 403, "NOT_PERMITTED")
    for who in (AGENCY, a_person("P1"), AUDITOR, OPERATOR):
        assert 403 == (await desk.get(who, BILL)).status_code


async def test_a_list_says_nothing_of_the_patient(desk_on_postgres: Desk) -> None:
    """Neither the patient's account nor a sponsor's is in what an institution lists."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    for path in (BILL, DAY):
        assert "acc_" not in (await desk.get(HOSPITAL, path)).text


QUERIES = {
    "nothing": ("", "QUERY_INVALID"),
    "two questions": ("?key=k1&day=2026-03-02", "QUERY_INVALID"),
    "key and visit": ("?key=k1&visit=v&charge_batch=1", "QUERY_INVALID"),
    "a visit alone": ("?visit=v", "QUERY_INVALID"),
    "a batch alone": ("?charge_batch=1", "QUERY_INVALID"),
    "key and batch": ("?key=k1&charge_batch=1", "QUERY_INVALID"),
    "key and institution": ("?key=k1&institution=H1", "QUERY_INVALID"),
    "visit and institution": ("?visit=v&charge_batch=1&institution=H1", "QUERY_INVALID"),
    "no such day": ("?day=2026-02-30", "QUERY_INVALID"),
    "seconds since 1970": ("?day=1772409600", "QUERY_INVALID"),
    "a moment": ("?day=2026-03-02T00:00:00Z", "QUERY_INVALID"),
    "position": ("?day=2026-03-02&min_position=-1", "QUERY_INVALID"),
    "a long key": (f"?key={'k' * 65}", "QUERY_INVALID"),
    "limit": ("?day=2026-03-02&limit=1000000000", "PAGE_INVALID"),
    "negative limit": ("?day=2026-03-02&limit=-1", "PAGE_INVALID"),
}


@pytest.mark.parametrize(("query", "code"), QUERIES.values(), ids=QUERIES)
async def test_a_question_is_asked_whole_and_alone(desk: Desk, query: str, code: str) -> None:
    """Exactly one of key, visit with its batch, and day; anything else is 422."""
    await a_family(desk)

    is_refused(await desk.get(HOSPITAL, PATH + query), 422, code)


async def test_an_auditor_says_whose_day(desk: Desk) -> None:
    """An auditor's query of a day must name the institution."""
    problem = is_refused(await desk.get(AUDITOR, DAY), 422, "QUERY_INVALID")

    assert [{"field": "institution", "code": "QUERY_INVALID"}] == problem["errors"]


async def test_a_forged_cursor_is_refused(desk_on_postgres: Desk) -> None:
    """A cursor that no page gave is PAGE_INVALID."""
    await a_family(desk_on_postgres)
    for cursor in ("1", "%00", "AAAA", "'--"):
        answer = await desk_on_postgres.get(HOSPITAL, f"{DAY}&cursor={cursor}")
        is_refused(answer, 422, "PAGE_INVALID")
