"""Cards and e-credentials that a person's record holds, and what they prove at a counter."""

import json
from typing import Any

import httpx
import pytest

from api.account.responses import AccountReply
from api.ndjson_import.lines import read_line
from service.command_batch import carry_out
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    HOSPITAL,
    NATION,
    Desk,
    a_claim,
    a_family,
    a_person,
    an_account,
    an_opening,
    is_answered,
    is_refused,
)

CARD = {"type": "social_card", "value": "SC-1"}
VOUCHER = {"type": "e_credential", "value": "EC-1"}
PATH = "/v1/accounts/P1/credentials"


async def add(desk: Desk, shown: dict[str, str], person: str = "P1") -> httpx.Response:
    return await desk.post(AGENCY, f"/v1/accounts/{person}/credentials", shown)


async def settled(desk: Desk, visit: str, **changes: object) -> httpx.Response:
    return await desk.post(HOSPITAL, "/v1/settlements", a_claim(visit=visit, **changes))


@pytest.mark.parametrize("shown", [CARD, VOUCHER])
async def test_a_held_credential_proves_its_holder(desk: Desk, shown: dict[str, str]) -> None:
    """It names the patient, or stands beside him; for somebody else it is a mismatch."""
    await a_family(desk)
    is_answered(await add(desk, shown), AccountReply, 201)

    assert 201 == (await settled(desk, "v1", beneficiary=shown)).status_code
    assert 201 == (await settled(desk, "v2", credential=shown)).status_code
    hers = a_claim(visit="v3", beneficiary={"type": "person_no", "value": "S1"}, credential=shown)
    is_refused(await desk.post(HOSPITAL, "/v1/settlements", hers), 422, "CREDENTIAL_MISMATCH")


@pytest.mark.parametrize("kind", ["social_card", "e_credential", "id_card"])
async def test_a_credential_that_nobody_confirms_is_refused(desk: Desk, kind: str) -> None:
    """Whatever person number stands beside it, and in each of quote, settlement and hold."""
    await a_family(desk)
    claim = a_claim(credential={"type": kind, "value": "NOBODYS"})
    before = desk.stands()

    for path in ("/v1/quotes", "/v1/settlements", "/v1/holds"):
        refused = await desk.post(HOSPITAL, path, claim)
        problem = is_refused(refused, 409, "CREDENTIAL_UNKNOWN")
        assert "NOBODYS" not in json.dumps(problem)
    assert before == desk.stands()


async def test_a_withdrawn_credential_proves_nothing(desk: Desk) -> None:
    """A lost card is withdrawn, pays nothing any more, and may become somebody else's."""
    await a_family(desk)
    await add(desk, CARD)
    lost = CARD | {"reason": "lost"}
    is_answered(await desk.post(AGENCY, f"{PATH}/withdrawal", lost), AccountReply, 201)

    refused = await settled(desk, "v1", credential=CARD)
    is_refused(refused, 409, "CREDENTIAL_UNKNOWN")
    is_refused(await desk.post(AGENCY, f"{PATH}/withdrawal", lost), 404, "NOT_FOUND")
    assert 201 == (await add(desk, CARD, "S1")).status_code


async def test_a_credential_has_one_holder(desk: Desk) -> None:
    """A second record cannot take it, nor the same one twice."""
    await a_family(desk)
    await add(desk, CARD)

    for person in ("P1", "S1"):
        is_refused(await add(desk, CARD, person), 409, "CREDENTIAL_TAKEN")


async def test_only_the_person_s_agency_says_what_she_holds(desk: Desk) -> None:
    """Not the person, not another region's agency."""
    await a_family(desk)

    is_refused(await desk.post(a_person("P1"), PATH, CARD), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, CARD), 404, "NOT_FOUND")


async def test_an_erased_person_s_credential_is_free(desk: Desk) -> None:
    """Erasure destroys the digest that leads to the person."""
    await an_account(desk, "P9")
    await add(desk, CARD, "P9")
    await desk.post(AGENCY, "/v1/accounts/P9/status", {"status": "deceased", "reason": "died"})
    erasure = {"reason": "retention_over", "legal_basis": "PIPL 47(1)(2)"}
    assert 201 == (await desk.post(AGENCY, "/v1/accounts/P9/erasure", erasure)).status_code
    await an_account(desk, "P8")

    assert 201 == (await add(desk, CARD, "P8")).status_code


async def test_an_opening_says_what_the_person_holds(desk: Desk) -> None:
    """Over HTTP and in an import line; the log holds no card number."""
    await a_family(desk)
    body = an_opening("P7", credentials=[CARD, VOUCHER])
    assert 201 == (await desk.post(NATION, "/v1/accounts", body)).status_code
    line: dict[str, Any] = an_opening("P6", credentials=[CARD | {"value": "SC-6"}])
    _, item = read_line(json.dumps(line | {"type": "account"}).encode())
    await carry_out(desk.context, [item])

    for visit, card in (("v1", CARD), ("v2", VOUCHER), ("v3", CARD | {"value": "SC-6"})):
        assert 201 == (await settled(desk, visit, beneficiary=card)).status_code
    is_refused(
        await desk.post(NATION, "/v1/accounts", an_opening("P5", credentials=[CARD])),
        409,
        "ACCOUNT_EXISTS",
    )
