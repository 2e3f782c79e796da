"""Erasure over HTTP: a family uses every capability, one member is erased."""

import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from aggregates.vocabulary import ErasureReason
from api.account.erasure_routes import ErasureBody, ErasureReply
from service.ledger.postgres.store import PostgresStore
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    NATION,
    Desk,
    a_binding,
    a_claim,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    is_answered,
    is_refused,
)
from tests.api.taxes import TaxOnASocket
from tests.service.ledger.database_text import dump, traces

GONE, STAYS = "PERSON-GONE-77", "PERSON-STAYS-1"
GONE_ID, GONE_NAME = "11010519491231002X", "欧阳无名"
ORDER = {"reason": "retention_over", "legal_basis": "PIPL 47(1)(2)"}
WHO = {"type": "person_no", "value": GONE}
EVIDENCE = {"kind": "face", "reference": "FACE-1"}


async def a_life(desk: Desk) -> dict[str, Any]:
    """Accounts, a binding, a link with a code, a quote, bills: all that a person leaves behind."""
    await an_institution(desk)
    await an_account(desk, GONE, "20.00", name=GONE_NAME, cert_no=GONE_ID)
    await an_account(desk, STAYS, "500.00")
    await a_binding(desk, STAYS, GONE)
    link = {"member": GONE, "relation": "spouse", "evidence": EVIDENCE}
    linked = await desk.post(a_person(STAYS), "/v1/credential-links", link)
    assert 201 == linked.status_code, linked.text
    path = f"/v1/credential-links/{linked.json()['link_id']}"
    assert 201 == (await desk.post(a_person(GONE), f"{path}/confirmation", {})).status_code
    assert 201 == (await desk.post(a_person(STAYS), f"{path}/codes", {}, "code")).status_code
    order = {"sponsors": [STAYS], "version": 0}
    await desk.send("PUT", a_person(GONE), f"/v1/accounts/{GONE}/deduction-order", order)
    await desk.send("POST", HOSPITAL, "/v1/quotes", a_claim(beneficiary=WHO))
    settled = await a_settlement(desk, key="bill", beneficiary=WHO)
    await desk.post(HOSPITAL, "/v1/settlements", a_claim(beneficiary=WHO), "twice")
    await desk.get(a_person(GONE), f"/v1/accounts/{GONE}/entries")
    await desk.get(AGENCY, f"/v1/accounts/{GONE}/bills")
    return settled


async def end(desk: Desk, number: str = GONE) -> None:
    ended = {"status": "deceased", "reason": "told"}
    assert 201 == (await desk.post(NATION, f"/v1/accounts/{number}/status", ended)).status_code


async def erased(desk: Desk, key: str = "erase") -> dict[str, Any]:
    answer = await desk.post(AGENCY, f"/v1/accounts/{GONE}/erasure", ORDER, key)
    told: dict[str, Any] = is_answered(answer, ErasureReply, 201)
    return told


async def test_who_lived_in_every_room_is_in_none(
    desk_on_postgres: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """No table, stored answer or log line has the number, name or ID, before or after."""
    desk = desk_on_postgres
    assert isinstance(desk.context.store, PostgresStore)
    with caplog.at_level(logging.DEBUG, "gongji"):
        await a_life(desk)
        await end(desk)
        before = await dump(desk.context.store.pool)
        told = await erased(desk)
        after = await dump(desk.context.store.pool)

    names = [
        desk.context.vault.name(*kind).hex() for kind in (("person_no", GONE), ("id_card", GONE_ID))
    ]
    assert [] == traces(before + after + caplog.text, GONE, GONE_NAME, GONE_ID, GONE_ID[:17])
    assert names == traces(before, *names)
    assert [] == traces(after, *names)
    assert ("erased", "2026-03-02") == (told["status"], told["erased_on"])


async def test_books_stay_and_nobody_is_named(desk_on_postgres: Desk) -> None:
    """Bills, statements and lists answer as before, without the name."""
    desk = desk_on_postgres
    settled = await a_life(desk)
    sponsor = f"/v1/accounts/{STAYS}/entries"
    await end(desk)
    before = (await desk.get(a_person(STAYS), sponsor)).json()["items"]
    await erased(desk)
    after = (await desk.get(a_person(STAYS), sponsor)).json()["items"]
    bill = await desk.get(HOSPITAL, f"/v1/settlements/{settled['settlement_id']}")
    bindings = await desk.get(AUDITOR, "/v1/bindings")

    assert [row["amount"] for row in before] == [row["amount"] for row in after]
    assert "欧阳**" in str(before)
    assert "欧阳" not in str(after)
    assert "44.25" == bill.json()["aid"]
    assert [None] == [item["beneficiary"] for item in bindings.json()["items"]]
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(beneficiary=WHO), "bill")
    assert (201, settled["position"]) == (again.status_code, again.json()["position"])


async def test_the_erased_is_not_there_for_anybody(desk_on_postgres: Desk) -> None:
    """The number is a 404 for everybody; the repeated erasure gets its stored answer."""
    desk = desk_on_postgres
    await a_life(desk)
    await end(desk)
    first = await erased(desk)
    for who in (AGENCY, NATION, AUDITOR, a_person(GONE)):
        is_refused(await desk.get(who, f"/v1/accounts/{GONE}"), 404, "NOT_FOUND")
    fresh = await desk.post(HOSPITAL, "/v1/settlements", a_claim(beneficiary=WHO, visit="v9"))
    once_more = await desk.post(AGENCY, f"/v1/accounts/{GONE}/erasure", ORDER)

    assert first == await erased(desk)
    is_refused(fresh, 404, "NOT_FOUND")
    is_refused(once_more, 404, "NOT_FOUND")


async def test_who_may_erase_and_when(desk: Desk) -> None:
    """Only the agency, after the end, with a case and a law that names nobody."""
    await an_account(desk, GONE, cert_no=GONE_ID)
    path = f"/v1/accounts/{GONE}/erasure"
    too_early = await desk.post(AGENCY, path, ORDER)
    await end(desk)
    told = ORDER | {"legal_basis": f"file of {GONE}"}

    assert ["account"] == is_refused(too_early, 409, "ERASURE_NOT_ALLOWED")["open"]
    is_refused(await desk.post(AGENCY, path, told), 422, "EVIDENCE_INVALID")
    is_refused(await desk.post(AGENCY, path, ORDER | {"reason": "asked"}), 422, "FIELD_INVALID")
    is_refused(await desk.post(AGENCY_ELSEWHERE, path, ORDER), 404, "NOT_FOUND")
    is_refused(await desk.post(a_person(GONE), path, ORDER), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, path, ORDER), 403, "READ_ONLY_ROLE")
    assert "erased" == (await erased(desk))["status"]


@pytest.fixture
async def tax() -> AsyncIterator[TaxOnASocket]:
    """A tax authority on a socket."""
    made = TaxOnASocket()
    yield made
    await made.close()


async def test_who_pays_or_is_paid_for_is_kept(desk: Desk, tax: TaxOnASocket) -> None:
    """Sponsor and payee are kept until the tax authority has answered."""
    desk.clock.at += timedelta(days=217)  # the months of enrolment
    desk.context.tax = await tax.side()
    await an_account(desk, GONE, insurance="resident", cert_no=GONE_ID)
    await an_account(desk, STAYS, "500.00")
    await a_binding(desk, STAYS, GONE)
    await tax.behave("late")
    premium = {"payee": GONE, "insurance": "resident_basic", "year": 2027}
    asked = await desk.post(a_person(STAYS), "/v1/premiums", premium, "premium")
    assert 202 == asked.status_code, asked.text
    await end(desk)
    await end(desk, STAYS)
    for number in (GONE, STAYS):
        refused = await desk.post(AGENCY, f"/v1/accounts/{number}/erasure", ORDER)
        assert ["premiums"] == is_refused(refused, 409, "ERASURE_NOT_ALLOWED")["open"]


def test_every_case_of_the_law_can_be_told() -> None:
    """A body may give every reason that the events have."""
    assert {reason.value for reason in ErasureReason} == {
        ErasureBody(reason=reason.value, legal_basis="law").reason for reason in ErasureReason
    }
