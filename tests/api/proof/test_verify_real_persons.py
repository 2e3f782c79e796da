"""The offline verifier on credentials, kinds of care and premiums: sound logs, and forged ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.clients import (
    AGENCY,
    Desk,
    a_desk_on_memory,
    a_family,
    a_settlement,
)
from tests.api.credentialed import require_a_credential
from tests.api.proof.tampering import Log, edited, place
from tests.exports import export_of, faults_in, leaves_of

CARD = {"type": "social_card", "value": "SC-1"}
SETTLED = "settlement.settled"


async def a_life(desk: Desk) -> None:
    """A card that is added, pays for emergency care, and is withdrawn."""
    await a_family(desk)
    await require_a_credential(desk)
    path = "/v1/accounts/P1/credentials"
    assert 201 == (await desk.post(AGENCY, path, CARD)).status_code
    await a_settlement(desk, credential=CARD, med_type="1301")
    assert 201 == (await desk.post(AGENCY, f"{path}/withdrawal", CARD)).status_code


@pytest.fixture
async def log(tmp_path: Path) -> Log:
    """The rows of that life."""
    async with a_desk_on_memory(tmp_path) as desk:
        await a_life(desk)
        return leaves_of(desk.context.store)


def test_what_the_service_writes_is_sound(log: Log) -> None:
    """Every topic is known, no check finds a fault, and no card number is in the log."""
    claim = json.loads(log[place(log, SETTLED)].state)["event"]["claim"]

    assert [] == faults_in(export_of(log))
    assert ("SOCIAL_CARD", 1, "1301") == (claim["proven_by"], claim["reading"], claim["med_type"])
    assert not any(b"SC-1" in leaf.state for leaf in log)


def without_proof(claim: dict[str, Any]) -> None:
    """A claim as if nothing had been shown."""
    del claim["proven_by"]


def of_an_earlier_release(claim: dict[str, Any]) -> None:
    """A claim as if 1301 had been read as a whole code."""
    del claim["reading"]


def of_closed_care(claim: dict[str, Any]) -> None:
    """A claim for care that the region closes."""
    claim["med_type"] = "27"


@pytest.mark.parametrize(
    ("forge", "check"),
    [
        (without_proof, "authority"),
        (of_an_earlier_release, "policies"),
        (of_closed_care, "policies"),
    ],
)
def test_a_forged_claim_is_found(
    log: Log, forge: Callable[[dict[str, Any]], None], check: str
) -> None:
    """Who signs anew cannot take the proof away, nor pay for what is closed."""
    forged = edited(log, place(log, SETTLED), lambda stored: forge(stored["event"]["claim"]))

    assert check in {fault.check for fault in faults_in(export_of(forged))}
