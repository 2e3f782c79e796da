"""A relative's premium over HTTP: who may pay and see it, and open outcomes."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.premium import PremiumReply, PremiumsReply
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
    a_desk_on_postgres,
    a_person,
    an_account,
    is_answered,
    is_refused,
    untraced,
)
from tests.api.taxes import TaxOnASocket

IN_WINDOW = timedelta(days=217)
"""From the desk's day in March to 5 October."""
BODY = {"payee": "P1", "insurance": "resident_basic", "year": 2027}
PATH = "/v1/premiums"


@pytest.fixture
async def tax() -> AsyncIterator[TaxOnASocket]:
    """A tax authority on a socket."""
    authority = TaxOnASocket()
    yield authority
    await authority.close()


async def furnish(desk: Desk, tax: TaxOnASocket) -> None:
    """A resident P1 and her husband S1 with 500.00, in the enrolment period."""
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
        premium = is_answered(await desk.get(who, f"{PATH}/{answer['premium_id']}"), PremiumReply)
        assert answer | {"position": premium["position"]} == premium
    again = await paid(desk, "k")
    assert "true" == again.headers["idempotency-replayed"]
    assert answer["premium_id"] == again.json()["premium_id"]
    assert "100.00" == await desk.balance("S1")


async def test_premiums_are_listed_to_their_own(dsn: str, tmp_path: Path) -> None:
    """Both sides, their agency and an auditor list a premium as it is; others see none."""
    tax = TaxOnASocket()
    async with a_desk_on_postgres(dsn, tmp_path) as desk:
        await furnish(desk, tax)
        premium_id = (await paid(desk)).json()["premium_id"]
        for who, named in (
            (a_person("S1"), ""),
            (a_person("P1"), ""),
            (AGENCY, "?person_no=S1"),
            (NATION, "?person_no=P1"),
            (AUDITOR, "?person_no=P1"),
        ):
            answer = await desk.get(who, f"{PATH}{named}")
            PremiumsReply.model_validate(answer.json())
            (listed,) = answer.json()["items"]
            alone = (await desk.get(who, f"{PATH}/{premium_id}")).json()
            assert alone == listed | {"position": alone["position"]}
        assert [] == (await desk.get(a_person("S2"), PATH)).json()["items"]
        for who in (a_person("S2"), AGENCY_ELSEWHERE):
            foreign = await desk.get(who, f"{PATH}?person_no=S1")
            is_refused(foreign, 404, "NOT_FOUND")
            nobody = await desk.get(who, f"{PATH}?person_no=NOBODY")
            assert untraced(foreign) == untraced(nobody)
        is_refused(await desk.get(HOSPITAL, PATH), 403, "NOT_PERMITTED")
    await tax.close()


async def test_what_is_not_one_s_own_is_not_there(desk: Desk, tax: TaxOnASocket) -> None:
    """Foreign, invalid and unknown ids get one answer; institutions and operators are refused."""
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
            reversal = await desk.post(who, f"{PATH}/{wanted}/reversal", {})
            is_refused(reversal, 404, "NOT_FOUND")
    for who in (HOSPITAL, OPERATOR):
        is_refused(await desk.get(who, f"{PATH}/{premium_id}"), 403, "NOT_PERMITTED")
        is_refused(await desk.post(who, PATH, BODY), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, PATH, BODY), 403, "READ_ONLY_ROLE")
    payee = await desk.post(a_person("P1"), f"{PATH}/{premium_id}/reversal", {})
    is_refused(payee, 403, "NOT_PERMITTED")


async def test_a_stranger_s_premium_is_nobody_s(desk: Desk, tax: TaxOnASocket) -> None:
    """A sponsor without a binding does not learn whether a person exists."""
    await furnish(desk, tax)
    of_stranger = await desk.post(a_person("S2"), PATH, BODY)
    unknown = await desk.post(a_person("S2"), PATH, BODY | {"payee": "NOBODY"})
    of_others = await desk.post(a_person("S2"), PATH, BODY | {"sponsor": "S1"})

    for answer in (of_stranger, unknown, of_others):
        is_refused(answer, 404, "NOT_FOUND")


async def test_an_agency_pays_for_a_sponsor_it_names(desk: Desk, tax: TaxOnASocket) -> None:
    """An agency names a sponsor of its region."""
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
    """The money is held; the same key returns the later state."""
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
    premium = (await desk.get(a_person("P1"), f"{PATH}/{first['premium_id']}")).json()
    assert ("rejected", "PREMIUM_ALREADY_PAID") == (premium["status"], premium["reason"])


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
        ({"insurance": "banana"}, "FIELD_INVALID"),
        ({"tier": "a b"}, "TEXT_INVALID"),
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
    """422 changes nothing and leaves the key free; a caller cannot set the amount."""
    await furnish(desk, tax)
    before = desk.stands()

    is_refused(await paid(desk, "k", **changes), 422, code)
    assert before == desk.stands()
    is_answered(await paid(desk, "k"), PremiumReply, 201)


async def test_every_change_needs_its_key(desk: Desk, tax: TaxOnASocket) -> None:
    """Paying and reversing require an Idempotency-Key."""
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
    """A frozen or suspended sponsor and a closed window are 409."""
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
    """No answer or log has the payee's name and ID number, or the sponsor's balance."""
    await furnish(desk, tax)
    await tax.behave("slow")
    with caplog.at_level("DEBUG"):
        answer = await paid(desk)
        premium_id = answer.json()["premium_id"]
        premium = await desk.get(a_person("P1"), f"{PATH}/{premium_id}")
    texts = answer.text + premium.text + "".join(record.getMessage() for record in caplog.records)

    assert CANARY_ID not in texts
    assert CANARY_NAME not in texts
    assert "500.00" not in texts
    assert "100.00" not in premium.text


async def test_the_feed_tells_both_regions(desk_on_postgres: Desk, tax: TaxOnASocket) -> None:
    """Auditors and the sides' agencies see a premium's events; another region does not."""
    desk = desk_on_postgres
    await furnish(desk, tax)
    await paid(desk)

    expected_topics = await topics(desk, AUDITOR)
    assert ["premium.held/1", "premium.sent-to-tax/1", "premium.confirmed/1"] == expected_topics
    assert expected_topics == await topics(desk, AGENCY)
    assert [] == await topics(desk, Who(AGENCY.role, "a3", ELSEWHERE))


async def topics(desk: Desk, who: Who) -> list[str]:
    """The premium topics in the event feed."""
    lines = (await desk.get(who, "/v1/events?limit=1000")).text.splitlines()
    all_topics = [str(json.loads(line)["topic"]) for line in lines]
    return [topic for topic in all_topics if topic.startswith("premium.")]
