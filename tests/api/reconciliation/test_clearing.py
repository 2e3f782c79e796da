"""What an institution is paid: up to when, and what a month comes to."""

import csv
import io
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from aggregates.vocabulary import BEIJING
from api.reconciliation.schemas import ClearedReply, ClearingReply
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
    is_answered,
    is_refused,
    untraced,
)
from tests.api.reconciliation.test_reconciliations import ONE, ZERO, cancelled
from tests.api.reconciliation.test_reconciliations import asked as reconciled

PLACE = f"/v1/institutions/{HOSPITAL.subject}"
PATH = f"{PLACE}/clearings"
MARCH = f"{PLACE}/clearing?month=2026-03"
SUMS = ("total", "fund_pay", "own", "aid", "cash")


async def seen(desk: Desk, who: Who = HOSPITAL, path: str = MARCH) -> dict[str, Any]:
    told: dict[str, Any] = is_answered(await desk.get(who, path), ClearingReply)
    return told


async def a_month(desk: Desk) -> None:
    """Bills on three days of March and one of April, and what went back of them later."""
    await a_family(desk)
    first = await a_settlement(desk)
    await cancelled(desk, await a_settlement(desk, visit="v2", total="70.00"))
    desk.clock.at += timedelta(days=1)
    await a_settlement(desk, visit="v3", total="74.25")
    second = await a_settlement(desk, visit="v4", total="94.25")
    desk.clock.at += timedelta(days=10)
    await cancelled(desk, first)
    await a_settlement(desk, visit="v5", total="65.00")
    desk.clock.at = datetime(2026, 4, 1, 0, 0, 1, tzinfo=BEIJING)
    await cancelled(desk, second)


async def test_a_month_is_the_sum_of_its_days(desk_on_postgres: Desk) -> None:
    """Each day as it ended and what went back on it; the whole adds up, and so does payable."""
    desk = desk_on_postgres
    await a_month(desk)
    told = await seen(desk)
    days = told["days"]
    assert ["2026-03-02", "2026-03-03", "2026-03-13"] == [day["day"] for day in days]
    assert (ONE, ZERO, "64.25") == (days[0]["settled"], days[0]["returned"], days[0]["payable"])
    assert ONE == days[2]["returned"]
    assert ("-63.50", "40.75") == (days[2]["payable"], told["payable"])
    for part in ("settled", "returned"):
        assert told[part]["count"] == sum(day[part]["count"] for day in days)
        for name in SUMS:
            assert Decimal(told[part][name]) == sum(Decimal(day[part][name]) for day in days)
    assert Decimal(told["payable"]) == sum(Decimal(day["payable"]) for day in days)
    for day in days:
        compared = await reconciled(desk, day=day["day"])
        assert day["settled"] == compared["totals"]["service"]
        assert day["returned"] == {name: compared["returned"][name] for name in ZERO}
    april = await seen(desk, path=f"{PLACE}/clearing?month=2026-04")
    assert ("2026-04-01", "-30.00") == (april["days"][0]["day"], april["payable"])
    assert [] == (await seen(desk, path=f"{PLACE}/clearing?month=2026-02"))["days"]


async def test_a_month_is_seen_by_its_own(desk_on_postgres: Desk) -> None:
    """Itself, its region's agency, the nation's, auditors; for others there is no such code."""
    desk = desk_on_postgres
    await a_month(desk)
    await an_institution(desk, PHARMACY)
    told = await seen(desk)
    for who in (AGENCY, NATION, AUDITOR):
        assert told == await seen(desk, who)
    theirs = await seen(
        desk, PHARMACY, f"/v1/institutions/{PHARMACY.subject}/clearing?month=2026-03"
    )
    assert ([], ZERO, "0.00") == (theirs["days"], theirs["settled"], theirs["payable"])
    for who in (PHARMACY, AGENCY_ELSEWHERE):
        foreign = await desk.get(who, MARCH)
        is_refused(foreign, 404, "NOT_FOUND")
        nobodys = await desk.get(who, "/v1/institutions/H0/clearing?month=2026-03")
        assert untraced(foreign) == untraced(nobodys)
    for who in (a_person("P1"), OPERATOR):
        is_refused(await desk.get(who, MARCH), 403, "NOT_PERMITTED")


async def test_a_month_is_a_table_too(desk_on_postgres: Desk) -> None:
    """Days and the whole as CSV with Chinese heads; a name that is a formula stays text (B19)."""
    desk = desk_on_postgres
    await a_month(desk)
    await an_institution(desk, name="=cmd()|'第一人民医院'!A1")
    told = await seen(desk)
    answer = await desk.get(HOSPITAL, MARCH, Accept="text/csv")
    assert "text/csv; charset=utf-8" == answer.headers["content-type"]
    assert "no-store" == answer.headers["cache-control"]
    assert f"clearing-{HOSPITAL.subject}-2026-03.csv" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    heads, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert ["机构编码", "机构名称", "日期"] == heads[:3]
    assert {"'=cmd()|'第一人民医院'!A1"} == {row[1] for row in rows}
    assert [*(day["day"] for day in told["days"]), "合计"] == [row[2] for row in rows]
    assert [*(day["payable"] for day in told["days"]), told["payable"]] == [r[-1] for r in rows]
    assert [str(told["settled"][name]) for name in ("count", *SUMS)] == rows[-1][3:9]
    assert len(heads) == len(rows[0])
    english = await desk.get(AUDITOR, MARCH, Accept="text/csv", **{"Accept-Language": "en"})
    assert "institution,name,day,settled count" in english.text


async def test_an_institution_is_paid_forward(desk_on_postgres: Desk) -> None:
    """The agency notes up to when; the summary shows it, also after a new designation."""
    desk = desk_on_postgres
    await a_month(desk)
    assert (await seen(desk))["cleared_through"] is None
    paid = await desk.post(AGENCY, PATH, {"through": "2026-03-30"}, "k1")
    told = is_answered(paid, ClearedReply, 201)
    assert (HOSPITAL.subject, "2026-03-30") == (told["institution"], told["cleared_through"])
    again = await desk.post(AGENCY, PATH, {"through": "2026-03-30"}, "k1")
    assert (paid.content, "true") == (again.content, again.headers["idempotency-replayed"])
    await an_institution(desk, name="改名医院")
    assert "2026-03-30" == (await seen(desk, AUDITOR))["cleared_through"]
    for day in ("2026-03-30", "2026-03-29"):
        problem = is_refused(
            await desk.post(AGENCY, PATH, {"through": day}), 409, "CLEARING_BACKWARD"
        )
        assert "2026-03-30" == problem["cleared_through"]
    assert 201 == (await desk.post(NATION, PATH, {"through": "2026-03-31"})).status_code


async def test_what_was_paid_is_refunded_and_not_reversed(desk: Desk) -> None:
    """S62: after the day is cleared a reversal is told to be a refund; the day after it goes."""
    await a_family(desk)
    await a_settlement(desk, "k1")
    desk.clock.at += timedelta(days=1)
    await a_settlement(desk, "k2", visit="v2", total="65.25")
    assert 201 == (await desk.post(AGENCY, PATH, {"through": "2026-03-02"})).status_code

    cleared = await desk.post(HOSPITAL, "/v1/reversals", {"key": "k1"})
    is_refused(cleared, 409, "USE_REFUND")
    assert 200 == (await desk.post(HOSPITAL, "/v1/reversals", {"key": "k2"})).status_code


async def test_only_the_agency_pays_and_only_what_is_over(desk: Desk) -> None:
    """Other roles may not, other regions see nobody; a day that is not over keeps its key free."""
    await an_institution(desk)
    before = desk.stands()
    for through in ("2026-03-02", "2026-03-03"):
        answer = await desk.post(AGENCY, PATH, {"through": through}, "k1")
        is_refused(answer, 422, "DATE_INVALID")
    body = {"through": "2026-03-01"}
    foreign = await desk.post(AGENCY_ELSEWHERE, PATH, body)
    is_refused(foreign, 404, "NOT_FOUND")
    nobodys = await desk.post(AGENCY_ELSEWHERE, "/v1/institutions/H0/clearings", body)
    assert untraced(foreign) == untraced(nobodys)
    for who in (HOSPITAL, a_person("P1"), OPERATOR):
        is_refused(await desk.post(who, PATH, body), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, PATH, body), 403, "READ_ONLY_ROLE")
    is_refused(await desk.send("POST", AGENCY, PATH, body), 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert before == desk.stands()
    assert 201 == (await desk.post(AGENCY, PATH, body, "k1")).status_code
    settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    is_refused(settled, 404, "NOT_FOUND")


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-00", "2026-3", "2026-03-01", "x"])
async def test_a_month_is_written_as_one(desk: Desk, month: str) -> None:
    """Anything but a year and a month is 422."""
    await an_institution(desk)

    answer = await desk.get(HOSPITAL, f"{PLACE}/clearing?month={month}")
    is_refused(answer, 422, "QUERY_INVALID")
