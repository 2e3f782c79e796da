"""A relative's premium over HTTP: who pays, who sees, and what is said while nobody knows."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from api.premium import PremiumReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    ELSEWHERE,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    Who,
    a_binding,
    a_person,
    an_account,
    is_answered,
    is_refused,
)
from tests.api.taxes import TaxOnASocket

IN_WINDOW = timedelta(days=217)
"""From the desk's day in March to 5 October."""
BODY = {"payee": "P1", "insurance": "resident_basic", "year": 2027}
PATH = "/v1/premiums"


@pytest.fixture
async def tax() -> AsyncIterator[TaxOnASocket]:
    """A tax side on a socket."""
    made = TaxOnASocket()
    yield made
    await made.close()


async def furnish(desk: Desk, tax: TaxOnASocket) -> None:
    """A resident P1, her husband S1 with 500.00, and the months of enrolment."""
    desk.clock.at += IN_WINDOW
    desk.context.tax = await tax.side()
    resident = {"insurance": "resident", "name": CANARY_NAME, "cert_no": CANARY_ID}
    await an_account(desk, "P1", **resident)
    await an_account(desk, "S1", "500.00")
    await an_account(desk, "S2", "500.00")
    await a_binding(desk, "S1", "P1")


async def paid(desk: Desk, key: str | None = None, **changes: object) -> httpx.Response:
    return await desk.post(a_person("S1"), PATH, BODY | changes, key)


async def test_a_premium_is_paid_and_seen(desk: Desk, tax: TaxOnASocket) -> None:
    """201 with every promised member; both sides, their agencies and auditors see the same."""
    await furnish(desk, tax)
    answer = is_answered(await paid(desk, "k"), PremiumReply, 201)

    expected = BODY | {"sponsor": "S1", "amount": "400.00", "status": "confirmed", "reason": None}
    assert expected == {name: answer[name] for name in expected}
    assert "100.00" == await desk.balance("S1")
    for who in (a_person("S1"), a_person("P1"), AGENCY, NATION, AUDITOR):
        seen = is_answered(await desk.get(who, f"{PATH}/{answer['premium_id']}"), PremiumReply)
        assert answer | {"position": seen["position"]} == seen
    again = await paid(desk, "k")
    assert "true" == again.headers["idempotency-replayed"]
    assert answer["premium_id"] == again.json()["premium_id"]
    assert "100.00" == await desk.balance("S1")


async def test_what_is_not_one_s_own_is_not_there(desk: Desk, tax: TaxOnASocket) -> None:
    """Foreign, misspelt and missing look alike; neither institutions nor operators may ask."""
    await furnish(desk, tax)
    premium_id = (await paid(desk)).json()["premium_id"]
    for who, wanted in (
        (a_person("S2"), premium_id),
        (AGENCY_ELSEWHERE, premium_id),
        (a_person("S1"), "prm_" + "0" * 32),
        (a_person("S1"), "prm_1"),
        (a_person("S1"), premium_id.replace("prm", "bnd")),
    ):
        is_refused(await desk.get(who, f"{PATH}/{wanted}"), 404, "NOT_FOUND")
        if who != a_person("S1"):
            asked = await desk.post(who, f"{PATH}/{wanted}/reversal", {})
            is_refused(asked, 404, "NOT_FOUND")
    for who in (HOSPITAL, OPERATOR):
        is_refused(await desk.get(who, f"{PATH}/{premium_id}"), 403, "NOT_PERMITTED")
        is_refused(await desk.post(who, PATH, BODY), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, PATH, BODY), 403, "READ_ONLY_ROLE")
    payee = await desk.post(a_person("P1"), f"{PATH}/{premium_id}/reversal", {})
    is_refused(payee, 403, "NOT_PERMITTED")


async def test_a_stranger_s_premium_is_nobody_s(desk: Desk, tax: TaxOnASocket) -> None:
    """Whether there is such a person is not told to who is not bound to him."""
    await furnish(desk, tax)
    known = await desk.post(a_person("S2"), PATH, BODY)
    unknown = await desk.post(a_person("S2"), PATH, BODY | {"payee": "NOBODY"})
    of_others = await desk.post(a_person("S2"), PATH, BODY | {"sponsor": "S1"})

    for answer in (known, unknown, of_others):
        is_refused(answer, 404, "NOT_FOUND")


async def test_an_agency_pays_for_a_sponsor_it_names(desk: Desk, tax: TaxOnASocket) -> None:
    """Its own region's alone, and it must say whose money it is."""
    await furnish(desk, tax)
    named = BODY | {"sponsor": "S1"}

    is_refused(await desk.post(AGENCY, PATH, BODY), 422, "FIELD_REQUIRED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, named), 404, "NOT_FOUND")
    answer = is_answered(await desk.post(AGENCY, PATH, named), PremiumReply, 201)
    desk.clock.at += timedelta(days=1)
    path = f"{PATH}/{answer['premium_id']}/reversal"
    back = is_answered(await desk.post(AGENCY, path, {"reason": "asked"}), PremiumReply, 201)
    assert ("confirmed", "reversed") == (answer["status"], back["status"])
    assert "500.00" == await desk.balance("S1")


async def test_202_says_that_nobody_knows_yet(desk: Desk, tax: TaxOnASocket) -> None:
    """The money is held and not available; the key says more when more is known."""
    await furnish(desk, tax)
    await tax.behave("late")
    first = is_answered(await paid(desk, "k"), PremiumReply, 202)
    shown = (await desk.get(a_person("S1"), "/v1/accounts/S1")).json()["balance"]
    again = is_answered(await paid(desk, "k"), PremiumReply, 202)

    assert "unknown" == first["status"] == again["status"]
    assert ("400.00", "100.00") == (shown["held"], shown["available"])
    problem = is_refused(await paid(desk), 409, "PREMIUM_IN_PROGRESS")
    assert "premium_id" not in problem


async def test_the_tax_side_s_no_is_a_problem_and_frees(desk: Desk, tax: TaxOnASocket) -> None:
    """409 with the premium's id, the same for the same key, and the money is available."""
    await furnish(desk, tax)
    await tax.behave("duplicate")
    first = is_refused(await paid(desk, "k"), 409, "PREMIUM_ALREADY_PAID")
    again = await paid(desk, "k")

    assert first["premium_id"] == is_refused(again, 409, "PREMIUM_ALREADY_PAID")["premium_id"]
    assert "true" == again.headers["idempotency-replayed"]
    assert "500.00" == await desk.balance("S1")
    seen = (await desk.get(a_person("P1"), f"{PATH}/{first['premium_id']}")).json()
    assert ("rejected", "PREMIUM_ALREADY_PAID") == (seen["status"], seen["reason"])


async def test_without_a_tax_side_nothing_is_held(desk: Desk, tax: TaxOnASocket) -> None:
    """503 with nothing applied, and the key stays free."""
    await furnish(desk, tax)
    connected, desk.context.tax = desk.context.tax, None
    before = desk.stands()
    refused = await paid(desk, "k")
    is_refused(refused, 503, "TAX_UNAVAILABLE")
    back = await desk.post(a_person("S1"), f"{PATH}/prm_{'0' * 32}/reversal", {})
    is_refused(back, 503, "TAX_UNAVAILABLE")
    assert before == desk.stands()

    desk.context.tax = connected
    is_answered(await paid(desk, "k"), PremiumReply, 201)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"insurance": "ltci"}, "FIELD_INVALID"),
        ({"year": "2027"}, "FIELD_INVALID"),
        ({"year": 1999}, "FIELD_INVALID"),
        ({"year": 2026}, "DATE_INVALID"),
        ({"amount": "400.00"}, "UNKNOWN_FIELD"),
        ({"payee": "P 1"}, "TEXT_INVALID"),
    ],
)
async def test_a_premium_of_the_wrong_shape_is_refused(
    desk: Desk, tax: TaxOnASocket, changes: dict[str, object], code: str
) -> None:
    """422, nothing moves, and the key stays free; the amount is never the caller's to say."""
    await furnish(desk, tax)
    before = desk.stands()

    is_refused(await paid(desk, "k", **changes), 422, code)
    assert before == desk.stands()
    is_answered(await paid(desk, "k"), PremiumReply, 201)


async def test_every_change_needs_its_key(desk: Desk, tax: TaxOnASocket) -> None:
    """Without an Idempotency-Key nothing is paid and nothing is taken back."""
    await furnish(desk, tax)
    for path, body in ((PATH, BODY), (f"{PATH}/prm_{'0' * 32}/reversal", {})):
        answer = await desk.send("POST", a_person("S1"), path, body)
        is_refused(answer, 400, "IDEMPOTENCY_KEY_REQUIRED")


@pytest.mark.parametrize(
    ("status", "code"), [("frozen", "FROZEN"), ("suspended", "SPONSOR_STATUS")]
)
async def test_refusals_have_their_status(
    desk: Desk, tax: TaxOnASocket, status: str, code: str
) -> None:
    """422 for too little money, 403 for what was not granted, 409 for a rule."""
    await furnish(desk, tax)
    await desk.post(AGENCY, "/v1/accounts/S1/status", {"status": status})
    is_refused(await paid(desk), 409, code)
    await desk.post(AGENCY, "/v1/accounts/S1/status", {"status": "normal"})
    bound = (await desk.get(a_person("S1"), "/v1/accounts/S1")).json()
    assert "normal" == bound["status"]
    desk.clock.at += timedelta(days=100)
    closed = is_refused(await paid(desk), 409, "WINDOW_CLOSED")
    assert ("09-01", "12-31", "TAX") == (closed["opens"], closed["closes"], closed["channel"])


async def test_nobody_is_named_and_no_balance_is_told(
    desk: Desk, tax: TaxOnASocket, caplog: pytest.LogCaptureFixture
) -> None:
    """The payee's name and ID number are in no answer or log, the sponsor's balance in none."""
    await furnish(desk, tax)
    await tax.behave("slow")
    with caplog.at_level("DEBUG"):
        answer = await paid(desk)
        premium_id = answer.json()["premium_id"]
        seen = await desk.get(a_person("P1"), f"{PATH}/{premium_id}")
    heard = answer.text + seen.text + "".join(record.getMessage() for record in caplog.records)

    assert CANARY_ID not in heard
    assert CANARY_NAME not in heard
    assert "500.00" not in heard
    assert "100.00" not in seen.text


async def test_the_feed_tells_both_regions(desk_on_postgres: Desk, tax: TaxOnASocket) -> None:
    """Auditors and the agencies of sponsor and payee see a premium's way, another region not."""
    desk = desk_on_postgres
    await furnish(desk, tax)
    await paid(desk)

    told = await topics(desk, AUDITOR)
    assert ["premium.held/1", "premium.sent-to-tax/1", "premium.confirmed/1"] == told
    assert told == await topics(desk, AGENCY)
    assert [] == await topics(desk, Who(AGENCY.role, "a3", ELSEWHERE))


async def topics(desk: Desk, who: Who) -> list[str]:
    """The premiums' topics that a follower is told."""
    lines = (await desk.get(who, "/v1/events?limit=1000")).text.splitlines()
    told = [str(json.loads(line)["topic"]) for line in lines]
    return [topic for topic in told if topic.startswith("premium.")]
