"""The end of an account: money kept aside is paid out once, holds are released."""

from datetime import timedelta

import pytest

from api.account.responses import AccountReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    a_binding,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    is_answered,
    is_refused,
    untraced,
)

PAID = {"reference": "estate, voucher 2026-03/18"}
STATUS, CANCELLATION = "/v1/accounts/{}/status", "/v1/settlements/{}/cancellation"


async def ended(desk: Desk, number: str, status: str = "deceased") -> int:
    """End an account; the version in the answer."""
    answer = await desk.post(AGENCY, STATUS.format(number), {"status": status})
    version: int = is_answered(answer, AccountReply, 201)["version"]
    return version


async def kept_aside(desk: Desk) -> str:
    """The ticket of 44.25 that was returned to a sponsor who died."""
    await a_family(desk)
    settled = await a_settlement(desk)
    await ended(desk, "S1")
    await desk.post(HOSPITAL, CANCELLATION.format(settled["settlement_id"]), {})
    (kept,) = (await desk.get(NATION, "/v1/accounts/S1")).json()["suspense"]
    assert "44.25" == kept["amount"]
    ticket: str = kept["ticket"]
    return ticket


async def test_what_is_kept_aside_is_seen_and_paid_out_once(desk: Desk) -> None:
    """Owner, agency and auditor see it outside the balance until it is paid out."""
    ticket = await kept_aside(desk)
    for who in (AGENCY, NATION, AUDITOR, a_person("S1")):
        answer = is_answered(await desk.get(who, "/v1/accounts/S1"), AccountReply)
        assert [{"ticket": ticket, "amount": "44.25"}] == answer["suspense"]
        assert "455.75" == answer["balance"]["current"]
    path = f"/v1/accounts/S1/suspense/{ticket}/payout"
    paid = await desk.post(AGENCY, path, PAID, "k1")

    told = is_answered(paid, AccountReply, 201)
    assert ([], "455.75") == (told["suspense"], told["balance"]["current"])
    read = is_answered(await desk.get(AGENCY, "/v1/accounts/S1"), AccountReply)
    assert read == told | {
        "name": read["name"]
    }  # the answer to a change is kept, so it names nobody
    again = await desk.post(AGENCY, path, PAID, "k1")
    assert (paid.content, "true") == (again.content, again.headers["idempotency-replayed"])
    before = desk.stands()
    is_refused(await desk.post(AGENCY, path, PAID), 404, "NOT_FOUND")
    assert before == desk.stands()


async def test_a_ticket_that_is_not_there_looks_like_a_foreign_one(desk: Desk) -> None:
    """Unknown, made up, another account's or region's ticket: the same 404."""
    ticket = await kept_aside(desk)
    answers = [
        await desk.post(AGENCY, f"/v1/accounts/{number}/suspense/{word}/payout", PAID)
        for number, word in (
            ("S1", "tkt_" + "0" * 32),
            ("S1", "tkt_x"),
            ("P1", ticket),
            ("NOBODY", ticket),
        )
    ]
    path = f"/v1/accounts/S1/suspense/{ticket}/payout"
    answers.append(await desk.post(AGENCY_ELSEWHERE, path, PAID))
    for answer in answers:
        is_refused(answer, 404, "NOT_FOUND")
        assert untraced(answers[0]) == untraced(answer)


@pytest.mark.parametrize("who", [HOSPITAL, OPERATOR, AUDITOR, a_person("S1")], ids=lambda w: w.role)
async def test_only_an_agency_pays_out(desk: Desk, who: tuple[object, ...]) -> None:
    """The owner cannot, and nobody without a reference."""
    ticket = await kept_aside(desk)
    path = f"/v1/accounts/S1/suspense/{ticket}/payout"
    before = desk.stands()

    code = "READ_ONLY_ROLE" if who is AUDITOR else "NOT_PERMITTED"
    is_refused(await desk.post(who, path, PAID), 403, code)  # type: ignore[arg-type]
    is_refused(await desk.post(AGENCY, path, {}), 422, "FIELD_REQUIRED")
    assert before == desk.stands()


async def test_an_end_is_answered_with_the_version_it_leads_to(desk: Desk) -> None:
    """The version in the answer counts the bindings that end with the account."""
    await a_family(desk)
    await an_account(desk, "N1")
    await a_binding(desk, "S1", "N1", "child")
    version = await ended(desk, "S1")

    assert version == (await desk.get(AGENCY, "/v1/accounts/S1")).json()["version"]
    assert 6 == version - 1  # opened, credited, two links, two unlinkings


async def test_a_sponsors_end_voids_the_bills_held_on_him(desk: Desk) -> None:
    """The hold ends as one unit, and the bill is settled without the sponsor."""
    await a_family(desk)
    await an_account(desk, "S2", "500.00")
    desk.clock.at += timedelta(minutes=1)  # bound later, S2 pays second
    await a_binding(desk, "S2", "P1", "child")
    held = await desk.post(HOSPITAL, "/v1/holds", a_claim())
    assert 201 == held.status_code, held.text
    hold_id = held.json()["hold_id"]
    version = await ended(desk, "S1")

    shown = (await desk.get(HOSPITAL, f"/v1/holds/{hold_id}")).json()
    assert "void" == shown["status"]
    for number in ("P1", "S1"):
        balance = (await desk.get(NATION, f"/v1/accounts/{number}")).json()
        assert "0.00" == balance["balance"]["held"]
        assert number != "S1" or version == balance["version"]
    captured = await desk.post(HOSPITAL, f"/v1/holds/{hold_id}/capture", {})
    is_refused(captured, 409, "HOLD_VOID")
    settled = await a_settlement(desk)
    assert ["20.00", "44.25"] == [payer["amount"] for payer in settled["payers"]]
    assert "455.75" == await desk.balance("S2")


async def test_a_patients_end_voids_his_bills_held(desk: Desk) -> None:
    """The sponsor's money is free at once, before the hold would expire."""
    await a_family(desk)
    held = await desk.post(HOSPITAL, "/v1/holds", a_claim(expires_in=86_400))
    assert "455.75" == await desk.balance("S1")
    await ended(desk, "P1", "closed")

    assert "500.00" == await desk.balance("S1")
    shown = await desk.get(HOSPITAL, f"/v1/holds/{held.json()['hold_id']}")
    assert "void" == shown.json()["status"]


async def test_an_end_leaves_captured_and_lapsed_holds_as_they_are(desk: Desk) -> None:
    """Captured holds stay settled, and expired ones do not end twice."""
    await a_family(desk)
    ids = []
    for visit, expires_in in (("captured", 900), ("lapsed", 60)):
        claim = a_claim(visit=visit, expires_in=expires_in)
        ids.append((await desk.post(HOSPITAL, "/v1/holds", claim)).json()["hold_id"])
    await desk.post(HOSPITAL, f"/v1/holds/{ids[0]}/capture", {})
    desk.clock.at += timedelta(minutes=2)
    await ended(desk, "S1")

    shown = [(await desk.get(HOSPITAL, f"/v1/holds/{i}")).json()["status"] for i in ids]
    assert ["captured", "expired"] == shown


async def test_what_goes_back_follows_to_another_region(desk: Desk) -> None:
    """A successor in another region is credited, and its agency sees it."""
    await a_family(desk)
    await an_account(desk, "N1", region=ELSEWHERE)
    settled = await a_settlement(desk)
    body = {"status": "transferred", "successor": "N1"}
    is_answered(await desk.post(AGENCY, STATUS.format("S1"), body), AccountReply, 201)
    cancelled = await desk.post(HOSPITAL, CANCELLATION.format(settled["settlement_id"]), {})

    assert 201 == cancelled.status_code
    shown = (await desk.get(AGENCY_ELSEWHERE, "/v1/accounts/N1")).json()
    assert ("44.25", []) == (shown["balance"]["current"], shown["suspense"])
