"""An agency finds a person of its region: for a purpose, on record, and never by walking."""

from typing import Any

import httpx
import pytest

from api.account.search_routes import FoundAccountsReply
from service.ledger.memory_store import MemoryStore
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    ELSEWHERE,
    HOME,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    Who,
    a_person,
    an_account,
    is_answered,
    is_refused,
    untraced,
)

PATH = "/v1/accounts:search"
WHY = {"Gongji-Purpose": "case-17"}


async def search(desk: Desk, who: Who, **body: object) -> httpx.Response:
    return await desk.send("POST", who, PATH, body, WHY)


async def found(desk: Desk, who: Who, **body: object) -> list[dict[str, Any]]:
    answer = is_answered(await search(desk, who, **body), FoundAccountsReply)
    assert answer["next"] is None
    items: list[dict[str, Any]] = answer["items"]
    return items


async def test_a_person_is_found_by_number_or_card(desk: Desk) -> None:
    """The name is in clear; the person number leads to the account."""
    await an_account(desk, "P1", name=CANARY_NAME, cert_no=CANARY_ID)
    person = {
        "person_no": "P1",
        "name": CANARY_NAME,
        "region": HOME,
        "insurance": "employee",
        "status": "normal",
    }
    for who in (AGENCY, NATION):
        for wanted in ({"person_no": "P1"}, {"id_card": CANARY_ID}):
            assert [person] == await found(desk, who, **wanted)
            assert [person] == await found(desk, who, region=HOME, status="normal", **wanted)
            assert [] == await found(desk, who, region=ELSEWHERE, **wanted)
            assert [] == await found(desk, who, status="frozen", **wanted)
    by_query = await desk.get(AGENCY, "/v1/accounts?person_no=P1", **WHY)
    assert [person] == is_answered(by_query, FoundAccountsReply)["items"]


async def test_another_regions_person_is_like_nobody(desk: Desk) -> None:
    """The answers are the same, and so is what the access log says."""
    await an_account(desk, "P1", cert_no=CANARY_ID)
    nobody = await search(desk, AGENCY_ELSEWHERE, person_no="NOBODY")
    assert [] == nobody.json()["items"]
    for wanted in ({"person_no": "P1"}, {"id_card": CANARY_ID}):
        assert untraced(nobody) == untraced(await search(desk, AGENCY_ELSEWHERE, **wanted))


async def test_a_search_is_on_record_with_its_purpose(desk: Desk) -> None:
    """A hit names the account; a miss is a miss; neither has the number or the name."""
    await an_account(desk, "P1", name=CANARY_NAME, cert_no=CANARY_ID)
    await search(desk, AGENCY, id_card=CANARY_ID)
    await search(desk, AGENCY, person_no="NOBODY")
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    listed = (await desk.get(AUDITOR, "/v1/audit/accesses?limit=2")).json()["items"]
    miss, hit = listed

    assert (f"POST {PATH}", "case-17", []) == (hit["operation"], hit["purpose"], hit["codes"])
    path = f"/v1/audit/accounts/{hit['streams'][0]}"
    assert 200 == (await desk.get(AUDITOR, path)).status_code
    assert ["NOT_FOUND"] == miss["codes"]
    assert CANARY_ID not in str(listed)
    assert CANARY_NAME not in str(listed)


async def test_misses_are_limited(desk: Desk) -> None:
    """Who asks for numbers that nobody has must wait."""
    desk.limits.callers.per_minute = 3
    for _ in range(3):
        assert 200 == (await search(desk, AGENCY, person_no="NOBODY")).status_code
    is_refused(await search(desk, AGENCY, person_no="NOBODY"), 429, "RATE_LIMITED")


@pytest.mark.parametrize("who", [a_person("P1"), HOSPITAL, AUDITOR, OPERATOR])
async def test_only_agencies_search(desk: Desk, who: Who) -> None:
    """Everybody else is refused, whoever is asked for."""
    await an_account(desk, "P1")
    for number in ("P1", "NOBODY"):
        assert 403 == (await search(desk, who, person_no=number)).status_code
        shown = await desk.get(who, f"/v1/accounts?person_no={number}", **WHY)
        assert 403 == shown.status_code


async def test_a_search_says_what_for_and_for_whom(desk: Desk) -> None:
    """Without a purpose 400; without exactly one number 422."""
    unsaid = await desk.send("POST", AGENCY, PATH, {"person_no": "P1"})
    is_refused(unsaid, 400, "PURPOSE_REQUIRED")
    is_refused(await desk.get(AGENCY, "/v1/accounts?person_no=P1"), 400, "PURPOSE_REQUIRED")
    is_refused(await search(desk, AGENCY), 422, "FIELD_REQUIRED")
    is_refused(await search(desk, AGENCY, person_no="P1", id_card=CANARY_ID), 422, "FIELD_INVALID")
