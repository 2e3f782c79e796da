"""Bad requests and what each is answered: the rows of the reliability bar that concern a door.

Every row leaves the ledger as it was. A row that changes a claim is sent to settle and to quote.
"""

import gzip
import json
from typing import Any, NamedTuple

from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    Who,
    a_claim,
    a_person,
    an_opening,
)

NOTHING: dict[str, str] = {}
DEEP = b'{"beneficiary":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
GOOD = json.dumps(a_claim()).encode()
ORDER = "/v1/accounts/P1/deduction-order"


class Attack(NamedTuple):
    """A request and its answer; `row` is the bar's number and a word."""

    row: str
    status: int
    code: str
    body: object
    who: Who = HOSPITAL
    path: str = "/v1/settlements"
    method: str = "POST"
    headers: dict[str, str] = NOTHING


def line(**changes: object) -> dict[str, Any]:
    return {"line": "1", "category": "drug", "part": "in_scope", "amount": "64.25"} | changes


def raw(old: str, new: str) -> bytes:
    """The good claim with a piece of its text exchanged."""
    text = GOOD.decode()
    assert text.count(old) == 1
    return text.replace(old, new).encode(errors="surrogatepass")


CLAIMS = (
    Attack("B1 negative", 422, "AMOUNT_OUT_OF_RANGE", a_claim(total="-128.50")),
    Attack("B3 three decimals", 422, "AMOUNT_FORMAT", a_claim(total="128.505")),
    Attack("B3 no decimals", 422, "AMOUNT_FORMAT", a_claim(total="128500")),
    Attack("B3 exponent", 422, "AMOUNT_FORMAT", raw('"128.50"', "1e2")),
    Attack("B3 number", 422, "AMOUNT_FORMAT", raw('"128.50"', "128.50")),
    Attack("B3 boolean", 422, "AMOUNT_FORMAT", raw('"128.50"', "true")),
    Attack("B3 full-width", 422, "AMOUNT_FORMAT", a_claim(total="１２８.50")),
    Attack("B3 blank", 422, "AMOUNT_FORMAT", a_claim(total=" 128.50")),
    Attack("B4 NaN", 400, "JSON_INVALID", raw('"128.50"', "NaN")),
    Attack("B4 Infinity", 400, "JSON_INVALID", raw('"128.50"', "-Infinity")),
    Attack("B4 minus zero", 422, "AMOUNT_FORMAT", raw('"128.50"', "-0")),
    Attack("B5 10^18", 422, "AMOUNT_OUT_OF_RANGE", a_claim(total="1" + "0" * 18 + ".00")),
    Attack("B5 10^400", 422, "AMOUNT_OUT_OF_RANGE", a_claim(total="1" + "0" * 400 + ".00")),
    Attack("B5 5,000 digits", 400, "JSON_INVALID", raw('"128.50"', "9" * 5000)),
    Attack(
        "B6 sum of lines",
        422,
        "AMOUNT_OUT_OF_RANGE",
        a_claim(lines=[line(amount="99999999999999.99")] * 1000),
    ),
    Attack(
        "B6 sum of lines that may be",
        422,
        "LINES_MISMATCH",
        a_claim(lines=[line(amount="90000000000000.00")] * 1000),
    ),
    Attack("B7 lines and total", 422, "LINES_MISMATCH", a_claim(lines=[line(amount="64.24")])),
    Attack("B7 fund above total", 422, "AMOUNT_MISMATCH", a_claim(fund_pay="128.51")),
    Attack("B8 currency", 422, "UNKNOWN_FIELD", a_claim(currency="USDOLLAR")),
    Attack(
        "B9 member twice", 400, "JSON_DUPLICATE_KEY", raw('"total": ', '"total": "1.00", "total": ')
    ),
    Attack(
        "B9 escaped twin",
        400,
        "JSON_DUPLICATE_KEY",
        raw('"total": ', '"tot\\u0061l": "1.00", "total": '),
    ),
    Attack(
        "B9 twice inside",
        400,
        "JSON_DUPLICATE_KEY",
        raw('"type": ', '"type": "id_card", "type": '),
    ),
    Attack("B10 status", 422, "UNKNOWN_FIELD", a_claim(status="SETTLED-BY-ME")),
    Attack("B10 markup as a member", 422, "UNKNOWN_FIELD", a_claim(**{"<b>is_admin": True})),
    Attack("B11 depth", 400, "JSON_TOO_DEEP", DEEP),
    Attack(
        "B11 long array",
        422,
        "FIELD_INVALID",
        GOOD[:-1] + b', "lines": [' + b"1," * 99_999 + b"1]}",
    ),
    Attack("B11 large body", 413, "BODY_TOO_LARGE", b" " * 2_000_000 + GOOD),
    Attack("B14 invalid UTF-8", 400, "JSON_INVALID", GOOD.replace(b"mdtrt", b"\xff\xfe")),
    Attack("B14 lone surrogate", 400, "JSON_INVALID", raw("mdtrt", "\\ud800")),
    Attack("B14 NUL", 422, "TEXT_INVALID", a_claim(visit="mdtrt\x00one")),
    Attack("B20 line break", 422, "TEXT_INVALID", a_claim(visit="mdtrt\r\nlevel=forged")),
    Attack("B15 right-to-left", 422, "TEXT_INVALID", a_claim(visit="mdtrt\u202eeno")),
    Attack(
        "B15 full-width id",
        422,
        "TEXT_INVALID",
        a_claim(beneficiary={"type": "id_card", "value": "１１０１０５１９４９"}),
    ),
    Attack("B45 30 February", 422, "DATE_INVALID", a_claim(treated_at="2026-02-30T10:00:00+08:00")),
    Attack("B45 ahead", 422, "DATE_INVALID", a_claim(treated_at="2026-03-04T10:00:00+08:00")),
    Attack("B45 no offset", 422, "DATE_INVALID", a_claim(treated_at="2026-03-02T10:00:00")),
    Attack("B45 seconds since 1970", 422, "DATE_INVALID", a_claim(treated_at="1772417700")),
    Attack("B45 year 1", 422, "FIELD_INVALID", a_claim(treated_at="0001-01-01T00:00:00+23:59")),
    Attack("B45 year 9999", 422, "FIELD_INVALID", a_claim(treated_at="9999-12-31T23:59:59-23:59")),
    Attack("B45 year 0", 422, "DATE_INVALID", a_claim(treated_at="0000-01-01T00:00:00+08:00")),
    Attack("B48 10,000 lines", 422, "TOO_MANY_LINES", a_claim(lines=[line()] * 10_000)),
    Attack("no total", 422, "FIELD_REQUIRED", {k: v for k, v in a_claim().items() if k != "total"}),
    Attack("empty body", 400, "JSON_INVALID", b""),
    Attack("an array", 422, "FIELD_INVALID", b"[]"),
    Attack("two values", 400, "JSON_INVALID", GOOD + GOOD),
    Attack("BOM", 400, "JSON_INVALID", b"\xef\xbb\xbf" + GOOD),
    Attack("UTF-16", 400, "JSON_INVALID", GOOD.decode().encode("utf-16")),
    Attack(
        "B12 gzip",
        415,
        "ENCODING_UNSUPPORTED",
        gzip.compress(GOOD),
        headers={"Content-Encoding": "gzip"},
    ),
    Attack("B13 text", 415, "MEDIA_TYPE", GOOD, headers={"Content-Type": "text/plain"}),
    Attack(
        "B13 charset",
        415,
        "MEDIA_TYPE",
        GOOD,
        headers={"Content-Type": "application/json; charset=utf-16"},
    ),
    Attack(
        "B24 long key",
        400,
        "IDEMPOTENCY_KEY_FORMAT",
        GOOD,
        headers={"Idempotency-Key": "k" * 256},
    ),
    Attack(
        "B24 control", 400, "IDEMPOTENCY_KEY_FORMAT", GOOD, headers={"Idempotency-Key": "k\x7f"}
    ),
    Attack("B24 empty", 400, "IDEMPOTENCY_KEY_FORMAT", GOOD, headers={"Idempotency-Key": ""}),
    Attack("B38 auditor", 403, "READ_ONLY_ROLE", GOOD, AUDITOR),
    Attack(
        "unknown patient",
        404,
        "NOT_FOUND",
        a_claim(beneficiary={"type": "social_card", "value": "NOBODYS-CARD"}),
    ),
)

OTHERS = (
    Attack(
        "B2 credit of 0",
        422,
        "AMOUNT_OUT_OF_RANGE",
        {"amount": "0.00"},
        AGENCY,
        "/v1/accounts/P1/credits",
    ),
    Attack(
        "B5 credit beyond",
        422,
        "AMOUNT_OUT_OF_RANGE",
        {"amount": "99999999999999.99"},
        AGENCY,
        "/v1/accounts/P1/credits",
    ),
    Attack(
        "B15 id with full-width digits",
        422,
        "ID_FORMAT",
        an_opening("N1", cert_no="１１０１０５１９４９１２３１００２"),
        AGENCY,
        "/v1/accounts",
    ),
    Attack(
        "B15 name with a direction",
        422,
        "TEXT_INVALID",
        an_opening("N1", name="\u202e王某"),
        AGENCY,
        "/v1/accounts",
    ),
    Attack(
        "B16 lower-case x",
        422,
        "ID_FORMAT",
        an_opening("N1", cert_no="11010519491231002x"),
        AGENCY,
        "/v1/accounts",
    ),
    Attack(
        "B17 number of SQL", 422, "TEXT_INVALID", an_opening("' OR 1=1 --"), AGENCY, "/v1/accounts"
    ),
    Attack(
        "B39 other region",
        404,
        "NOT_FOUND",
        {"amount": "1.00"},
        AGENCY_ELSEWHERE,
        "/v1/accounts/P1/credits",
    ),
    Attack(
        "B39 opens elsewhere",
        404,
        "NOT_FOUND",
        an_opening("N1", region=ELSEWHERE),
        AGENCY,
        "/v1/accounts",
    ),
    Attack(
        "B45 status ahead",
        422,
        "DATE_INVALID",
        {"status": "frozen", "effective_on": "2026-03-03"},
        AGENCY,
        "/v1/accounts/P1/status",
    ),
    Attack(
        "B45 no such day",
        422,
        "DATE_INVALID",
        {"status": "frozen", "effective_on": "2026-02-30"},
        AGENCY,
        "/v1/accounts/P1/status",
    ),
    Attack(
        "B46 sponsor twice",
        422,
        "SPONSOR_INVALID",
        {"sponsors": ["S1", "S1"]},
        a_person("P1"),
        ORDER,
        "PUT",
    ),
    Attack(
        "B46 a stranger", 422, "SPONSOR_INVALID", {"sponsors": ["X9"]}, a_person("P1"), ORDER, "PUT"
    ),
    Attack(
        "S11 own account",
        422,
        "OWN_FIRST_MANDATORY",
        {"sponsors": ["S1", "P1"]},
        a_person("P1"),
        ORDER,
        "PUT",
    ),
    Attack(
        "B46 himself",
        422,
        "SELF_BINDING",
        {"beneficiary": "P1", "relation": "spouse"},
        a_person("P1"),
        "/v1/bindings",
    ),
    Attack(
        "B48 101 sponsors",
        422,
        "TOO_MANY_LINES",
        {"sponsors": [f"S{n}" for n in range(101)]},
        a_person("P1"),
        ORDER,
        "PUT",
    ),
    Attack("B22 TRACE", 405, "METHOD", b"", method="TRACE"),
    Attack("B22 DELETE", 405, "METHOD", b"", method="DELETE"),
    Attack("B22 PUT", 405, "METHOD", GOOD, method="PUT"),
    Attack("B37 other family", 404, "NOT_FOUND", b"", a_person("X9"), "/v1/accounts/P1", "GET"),
    Attack("B38 auditor opens", 403, "READ_ONLY_ROLE", an_opening("N1"), AUDITOR, "/v1/accounts"),
    Attack(
        "B38 auditor invites",
        403,
        "READ_ONLY_ROLE",
        {"beneficiary": "P1", "relation": "child"},
        AUDITOR,
        "/v1/bindings",
    ),
    Attack("B38 auditor orders", 403, "READ_ONLY_ROLE", {"sponsors": []}, AUDITOR, ORDER, "PUT"),
    Attack("B43 limit", 422, "PAGE_INVALID", b"", AGENCY, "/v1/bindings?limit=1000000000", "GET"),
    Attack("B43 negative", 422, "PAGE_INVALID", b"", AGENCY, "/v1/bindings?limit=-1", "GET"),
    Attack(
        "B43 position", 422, "QUERY_INVALID", b"", AGENCY, "/v1/bindings?min_position=-1", "GET"
    ),
    Attack("B43 status", 422, "QUERY_INVALID", b"", AGENCY, "/v1/bindings?status=own%27ed", "GET"),
    Attack("query typo", 422, "UNKNOWN_FIELD", b"", AGENCY, "/v1/bindings?staus=active", "GET"),
    Attack("query nobody reads", 422, "UNKNOWN_FIELD", b"", AGENCY, "/v1/accounts/P1?x=1", "GET"),
    Attack("query name", 422, "UNKNOWN_FIELD", b"", AGENCY, "/v1/accounts/P1?%E6%9D%8E=1", "GET"),
    Attack("query of a claim", 422, "UNKNOWN_FIELD", GOOD, path="/v1/settlements?dry_run=true"),
    Attack(
        "query twice",
        422,
        "QUERY_INVALID",
        b"",
        AGENCY,
        "/v1/bindings?status=active&status=ended",
        "GET",
    ),
    Attack("no such path", 404, "NOT_FOUND", b"", AGENCY, "/v1/nothing", "GET"),
)
