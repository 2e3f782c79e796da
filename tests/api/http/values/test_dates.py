"""Dates at every door: from 1900 to a year ahead of the business day, and no others."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from api.app import plain_app
from api.http.fields import Body, dated
from api.http.values.dates import is_within
from api.ndjson_import.lines import LINE
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    HOME,
    HOSPITAL,
    NOW,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    an_offer,
    is_refused,
)

DOORS = (plain_app, LINE)
"""Every route, body and import line is imported by these."""
TODAY = NOW.date()
EARLY, LATE = ("0001-01-01", "1899-12-31"), ("2027-03-03", "2199-12-31", "9999-12-31")
EDGES = ("1900-01-01", "2027-03-02")
ENDS = ("valid_from", "valid_until", "to")
"""Members of what goes on for years: they may lie further ahead."""
END_LATE, END_EDGES = ("2200-01-01", "9999-12-31"), ("1900-01-01", "2027-03-03", "2199-12-31")


def dates() -> Iterator[tuple[str, FieldInfo]]:
    """Every member of every body and import line that is a date."""
    bodies = [Body]
    while bodies:
        model = bodies.pop()
        bodies += model.__subclasses__()
        for name, field in model.model_fields.items():
            if "date" in repr(field.annotation).lower():
                yield f"{model.__name__}.{name}", field


NAMED = dict(dates())


def test_the_doors_were_found() -> None:
    """A body that is renamed would fall out of the test below in silence."""
    for name in (
        "FilingBody.from_",
        "FilingLine.to",
        "ClaimBody.treated_at",
        "GrantBody.valid_until",
    ):
        assert name in NAMED, sorted(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_every_date_of_every_body_has_bounds(name: str) -> None:
    """Both edges are taken, the days beyond them are not, by a code of their own."""
    field, is_end = NAMED[name], name.rpartition(".")[2] in ENDS
    reader = TypeAdapter[Any](field.rebuild_annotation())
    tail = "T10:00:00+08:00" if "Aware" in repr(field.annotation) else ""
    for day in END_EDGES if is_end else EDGES:
        assert reader.validate_json(f'"{day}{tail}"', context=dated(TODAY))
    for day in (*EARLY, *(END_LATE if is_end else LATE)):
        with pytest.raises(ValidationError) as refused:
            reader.validate_json(f'"{day}{tail}"', context=dated(TODAY))
        kinds = {one["type"] for one in refused.value.errors()}
        assert {"out_of_bounds"} == kinds, day


def test_a_moment_s_day_is_beijing_s() -> None:
    """Whatever offset it is written in; the ends of the calendar are no trap."""
    west, east = timezone(timedelta(hours=-23, minutes=-59)), timezone(timedelta(hours=23))
    assert is_within(datetime(1899, 12, 31, 16, tzinfo=UTC), TODAY)
    assert not is_within(datetime(1899, 12, 31, 15, 59, tzinfo=UTC), TODAY)
    assert is_within(datetime(2027, 3, 2, 15, 59, tzinfo=UTC), TODAY)
    assert not is_within(datetime(2027, 3, 2, 16, tzinfo=UTC), TODAY)
    assert not is_within(datetime(1, 1, 1, tzinfo=east), TODAY)
    assert not is_within(datetime(9999, 12, 31, 23, 59, tzinfo=west), TODAY)
    assert is_within(date(2029, 2, 28), date(2028, 2, 29))
    assert not is_within(date(2029, 3, 1), date(2028, 2, 29))


FILING = {"person_no": "P1", "place": "542500", "kind": "long_term", "from": "2026-01-01"}
BODIES: list[tuple[Who, str, dict[str, Any], str]] = [
    (HOSPITAL, "/v1/settlements", a_claim(), "treated_at"),
    (HOSPITAL, "/v1/quotes", a_claim(), "treated_at"),
    (HOSPITAL, "/v1/holds", a_claim(), "treated_at"),
    (AGENCY, "/v1/accounts/P1/status", {"status": "frozen"}, "effective_on"),
    (AGENCY, "/v1/filings", FILING, "from"),
    (AGENCY, f"/v1/institutions/{HOSPITAL.subject}/clearings", {}, "through"),
    (HOSPITAL, "/v1/reconciliations", {"totals": {"count": 0, "total": "0.00"}}, "day"),
]
TERMS: list[tuple[Who, str, dict[str, Any], str]] = [
    (AGENCY, "/v1/filings", FILING, "to"),
    (a_person("S1"), "/v1/bindings", an_offer("P1"), "valid_from"),
    (a_person("S1"), "/v1/bindings", an_offer("P1"), "valid_until"),
]
SENT = [
    *((*body, day) for body in BODIES for day in (*EARLY, *LATE)),
    *((*body, day) for body in TERMS for day in (*EARLY, *END_LATE)),
]


@pytest.mark.parametrize(("who", "path", "body", "name", "day"), SENT, ids=lambda v: str(v)[:40])
async def test_a_body_s_date_is_bounded_by_the_service_s_clock(
    desk: Desk, who: Who, path: str, body: dict[str, Any], name: str, day: str
) -> None:
    """422 with the member's name; the key stays free and nothing is written."""
    await a_family(desk)
    head = await desk.context.store.position()
    tail = "T10:00:00+08:00" if name == "treated_at" else ""
    problem = is_refused(
        await desk.post(who, path, body | {name: day + tail}), 422, "FIELD_INVALID"
    )

    assert [{"field": name, "code": "FIELD_INVALID"}] == problem["errors"]
    assert head == await desk.context.store.position()


QUERIES = [
    (HOSPITAL, "/v1/settlements?day={}"),
    (HOSPITAL, f"/v1/institutions/{HOSPITAL.subject}/clearing?month={{:.7}}"),
    (HOSPITAL, f"/v1/fhir/PaymentReconciliation/{HOSPITAL.subject}-{{}}"),
    (AUDITOR, "/v1/audit/accesses?from={}T00:00:00Z"),
    (AUDITOR, "/v1/audit/accesses?to={}T00:00:00Z"),
    (AUDITOR, "/v1/audit/accounts/P1?as_of={}T00:00:00Z"),
]


@pytest.mark.parametrize(("who", "path"), QUERIES, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("day", ["0001-01-01", "1899-12-31", "2027-04-01", "2199-12-31"])
async def test_a_query_s_date_is_bounded(desk: Desk, who: Who, path: str, day: str) -> None:
    """A day that nothing can have happened on is a slip, and is told to be one."""
    await a_family(desk)
    problem = is_refused(await desk.get(who, path.format(day)), 422, "FIELD_INVALID")

    assert ["FIELD_INVALID"] == [one["code"] for one in problem["errors"]]


async def test_the_clock_that_counts_is_the_service_s(desk: Desk) -> None:
    """A year on, the same day is no longer too far ahead."""
    await a_family(desk)
    asked = FILING | {"from": "2027-06-30"}
    is_refused(await desk.post(AGENCY, "/v1/filings", asked), 422, "FIELD_INVALID")
    desk.clock.at = NOW + timedelta(days=200)

    assert 201 == (await desk.post(AGENCY, "/v1/filings", asked)).status_code
    assert HOME == AGENCY.region
