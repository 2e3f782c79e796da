"""Import lines: the bodies of HTTP with a type, loaded once however often they come."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from aggregates.refusals import RefusalError
from api.http.problems import ProblemError, problem_of
from api.ndjson_import.lines import read_line
from tests.api.clients import HOME, HOSPITAL, Desk, a_claim, an_opening

LINES: tuple[dict[str, Any], ...] = (
    {
        "type": "institution",
        "code": HOSPITAL.subject,
        "name": "医院",
        "class": "hospital",
        "region": HOME,
        "dialect": {
            "mulaid_mode": "contained",
            "fund_includes_acct": False,
            "numbers": True,
            "stmt_rslt": "hubei",
        },
        "signature": {"style": "csb", "paasid": "hosp_paas", "secret": "a secret told once"},
    },
    {"type": "account"} | an_opening("P1"),
    {"type": "account"} | an_opening("S1"),
    {
        "type": "credit",
        "person_no": "P1",
        "amount": "20.00",
        "bucket": "current",
        "reference": "r1",
    },
    {"type": "credit", "person_no": "S1", "amount": "500.00", "bucket": "prior"},
    {
        "type": "binding",
        "sponsor": "S1",
        "beneficiary": "P1",
        "relation": "spouse",
        "uses": ["care", "premium"],
        "confirmed_at": "2025-01-01T09:00:00+08:00",
        "valid_until": None,
        "caps": {"per_settlement": "40.00", "per_day": None, "per_month": None, "per_year": None},
    },
    {"type": "order", "beneficiary": "P1", "sponsors": ["S1"]},
    {"type": "claim", "key": "c1", "institution": HOSPITAL.subject} | a_claim(),
)


async def load(desk: Desk, line: object) -> tuple[str, bool]:
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    kind, item = read_line(raw)
    reply = await item.begin(desk.context)
    assert reply.refusal is None
    return kind, reply.is_replayed


async def test_every_kind_of_line_is_loaded_once(desk: Desk) -> None:
    """Each line does its work the first time and nothing the second."""
    kinds = [await load(desk, line) for line in LINES]
    before = desk.stands()
    again = [await load(desk, line) for line in LINES]

    assert [(line["type"], False) for line in LINES] == kinds
    assert [(line["type"], True) for line in LINES] == again
    assert before == desk.stands()
    assert ("0.00", "460.00") == (await desk.balance("P1"), await desk.balance("S1"))


async def test_an_imported_claim_is_the_institutions_own(desk: Desk) -> None:
    """Its key finds it over HTTP, and the same claim over HTTP is a repeat."""
    for line in LINES:
        await load(desk, line)
    found = (await desk.get(HOSPITAL, "/v1/settlements?key=c1")).json()
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "c1")

    assert ("20.00", "40.00", "4.25") == (found["own"], found["aid"], found["cash"])
    assert "true" == again.headers["idempotency-replayed"]
    assert found["settlement_id"] == again.json()["settlement_id"]


async def test_an_imported_institution_signs_as_its_line_says(desk: Desk) -> None:
    """Dialect and signature are as over HTTP; the same line under another reference is no event."""
    await load(desk, LINES[0])
    shown = (await desk.get(HOSPITAL, f"/v1/institutions/{HOSPITAL.subject}")).json()
    before = await desk.context.store.position()
    await load(desk, LINES[0] | {"reference": "again"})

    assert LINES[0]["dialect"].items() <= shown["dialect"].items()
    assert {"style": "csb", "paasid": "hosp_paas", "has_secret": True} == shown["signature"]
    assert before == await desk.context.store.position()


async def test_a_binding_counts_from_the_day_it_was_made(desk: Desk) -> None:
    """A binding of another year is active and dated as the family confirmed it."""
    for line in LINES[:6]:
        await load(desk, line)
    account = [s for s in desk.context.store.heads.values() if "sponsors" in repr(s)]  # type: ignore[attr-defined]

    assert any("2025" in repr(head) for head in account)


async def told(desk: Desk, line: object) -> str | None:
    """The code of a bad line."""
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    try:
        reply = await read_line(raw)[1].begin(desk.context)
    except (ProblemError, ValidationError, RefusalError) as error:
        return problem_of(error)[0]
    return reply.refusal


BAD: dict[str, tuple[object, str]] = {
    "no JSON": (b"{", "JSON_INVALID"),
    "a member twice": (b'{"type":"order","type":"order"}', "JSON_DUPLICATE_KEY"),
    "no type": ({"person_no": "P1"}, "FIELD_INVALID"),
    "an odd type": ({"type": "gift"}, "FIELD_INVALID"),
    "a bad amount": ({"type": "credit", "person_no": "P1", "amount": "1.5"}, "AMOUNT_FORMAT"),
    "a stranger": ({"type": "credit", "person_no": "NOBODY", "amount": "1.50"}, "NOT_FOUND"),
    "an unknown member": ({"type": "account", "pet": "cat"} | an_opening("P9"), "UNKNOWN_FIELD"),
    "an agreement of tomorrow": (
        LINES[5] | {"confirmed_at": "2026-03-03T09:00:00+08:00"},
        "DATE_INVALID",
    ),
    "a year nobody lives in": (
        LINES[5] | {"confirmed_at": "0001-01-01T00:00:00+23:59"},
        "FIELD_INVALID",
    ),
    "a stranger's place": (LINES[7] | {"institution": "H1"}, "INSTITUTION_NOT_DESIGNATED"),
    "a signature without a secret": (
        LINES[0] | {"code": "H1", "signature": {"style": "csb", "paasid": "hosp_paas"}},
        "FIELD_REQUIRED",
    ),
    "nobody's sponsor": (
        {"type": "order", "beneficiary": "P1", "sponsors": ["X"]},
        "SPONSOR_INVALID",
    ),
}


@pytest.mark.parametrize(("line", "code"), BAD.values(), ids=BAD)
async def test_a_bad_line_is_told_by_its_code(desk: Desk, line: object, code: str) -> None:
    """Whatever is wrong with a line has the code that HTTP would answer."""
    for good in LINES[1:5]:
        await load(desk, good)
    assert code == await told(desk, line)
