"""What clerks write freely names nobody: at no door, however it is written."""

from typing import Any

import pytest

from tests.api.clients import (
    AGENCY,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    Desk,
    Who,
    a_family,
    a_person,
    a_settlement,
    is_refused,
)

TICKET = "tkt_" + 32 * "0"
SPACED = f"{CANARY_NAME[:2]} {CANARY_NAME[2:]}"


def doors(binding: str, settlement: str) -> list[tuple[Who, str, dict[str, Any], str]]:
    """Every door behind which P1 is known, a body for it, and its free text."""
    wrong = {"person_no": "P1", "bucket": "prior", "amount": "5.00"}
    return [
        (AGENCY, "/v1/accounts/P1/status", {"status": "frozen"}, "reason"),
        (AGENCY, f"/v1/accounts/P1/suspense/{TICKET}/payout", {}, "reference"),
        (AGENCY, "/v1/corrections", wrong, "reason"),
        (a_person("P1"), f"/v1/bindings/{binding}/release", {}, "reason"),
        (HOSPITAL, f"/v1/settlements/{settlement}/cancellation", {}, "reason"),
        (HOSPITAL, f"/v1/settlements/{settlement}/refunds", {"amount": "1.00"}, "reason"),
    ]


@pytest.mark.parametrize("naming", [CANARY_ID, f"asked by {CANARY_NAME}", SPACED])
async def test_a_text_that_names_somebody_is_refused(desk: Desk, naming: str) -> None:
    """Nothing is applied, the key stays free, and the answer does not repeat it."""
    binding = await a_family(desk)
    settled = await a_settlement(desk)
    head = await desk.house.store.position()
    for who, path, body, member in doors(binding, settled["settlement_id"]):
        answer = await desk.post(who, path, body | {member: naming}, f"k{path}"[:64])
        problem = is_refused(answer, 422, "PERSON_NAMED")
        assert "not_applied" == problem["outcome"]
        for secret in (CANARY_ID, CANARY_NAME, naming):
            assert secret not in answer.text
    assert head == await desk.house.store.position()
    path = "/v1/accounts/P1/status"
    again = {"status": "frozen", "reason": "asked in writing"}
    assert 201 == (await desk.post(AGENCY, path, again, f"k{path}")).status_code


async def test_doors_without_a_person_know_id_numbers(desk: Desk) -> None:
    """A link's end, a rejection, a clearing, a premium's return, an erasure's legal basis."""
    await a_family(desk)
    unknown = 32 * "0"
    for who, path, member in (
        (a_person("P1"), f"/v1/credential-links/lnk_{unknown}/closure", "reason"),
        (AGENCY, f"/v1/corrections/cor_{unknown}/rejection", "reason"),
        (a_person("P1"), f"/v1/premiums/prm_{unknown}/reversal", "reason"),
    ):
        is_refused(await desk.post(who, path, {member: CANARY_ID}), 422, "PERSON_NAMED")
    clearing = {"through": "2026-03-01", "reference": CANARY_ID}
    path = f"/v1/institutions/{HOSPITAL.subject}/clearings"
    is_refused(await desk.post(AGENCY, path, clearing), 422, "PERSON_NAMED")
    erasure = {"reason": "law", "legal_basis": f"file {CANARY_ID}"}
    is_refused(await desk.post(AGENCY, "/v1/accounts/P1/erasure", erasure), 422, "PERSON_NAMED")


async def test_a_namesake_of_somebody_else_may_be_told(desk: Desk) -> None:
    """Only the name of him whose file it is can be known here."""
    await a_family(desk)
    body = {"status": "frozen", "reason": "asked by 王某某 of the agency"}

    assert 201 == (await desk.post(AGENCY, "/v1/accounts/P1/status", body)).status_code
