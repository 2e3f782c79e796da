"""A stranger cannot show a code: evidence is verified and the member asked (D4)."""

import pytest

from tests.api.clients import (
    AGENCY_ELSEWHERE,
    Desk,
    a_family,
    a_person,
    an_account,
    is_refused,
    untraced,
)
from tests.api.credential_link.guardians import PATH, a_wish

CHILD_ID = "110105201505010025"
X1 = a_person("X1")
KINDS = ("face", "household_page", "birth_certificate", "notarised")
MEMBERS = ("P1", "C1", "D1", "F1", "NOBODY")
"""An adult, a child, a dead person, a person of another region, and an unknown number."""


async def a_crowd(desk: Desk) -> None:
    await a_family(desk)
    await an_account(desk, "X1")
    await an_account(desk, "C1", cert_no=CHILD_ID)
    await an_account(desk, "D1", status="deceased")
    await an_account(desk, "F1", region=AGENCY_ELSEWHERE.region)


async def test_a_stranger_gets_no_code_of_anybody(desk: Desk) -> None:
    """An invented proof is not enough: no code is shown before the member agreed."""
    await a_crowd(desk)
    opened = await desk.post(X1, PATH, a_wish("P1"))

    assert (201, "requested") == (opened.status_code, opened.json()["status"])
    path = f"{PATH}/{opened.json()['link_id']}"
    is_refused(await desk.post(X1, f"{path}/codes", {}), 409, "NOT_ACTIVE")
    is_refused(await desk.post(X1, f"{path}/activation", {}), 409, "NOT_ACTIVE")
    is_refused(await desk.post(X1, f"{path}/confirmation", {}), 403, "NOT_PERMITTED")
    assert "20.00" == await desk.balance("P1")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stranger_learns_of_nobody_by_asking(desk: Desk, kind: str) -> None:
    """Every answer about the request is the same, whoever the member is."""
    await a_crowd(desk)
    told = []
    for member in MEMBERS:
        opened = await desk.post(X1, PATH, a_wish(member, kind))
        assert 201 == opened.status_code, opened.text
        link_id = opened.json()["link_id"]
        path = f"{PATH}/{link_id}"
        answers = [opened, await desk.post(X1, PATH, a_wish(member, kind))]
        answers += [await desk.post(X1, f"{path}/{tail}", {}) for tail in TAILS]
        answers += [await desk.post(X1, "/v1/premiums", a_premium(member))]
        shown = await desk.post(X1, f"{path}/closure", {})
        answers += [shown]
        told.append(
            [(answer.status_code, _bare(untraced(answer)[1], member)) for answer in answers]
        )

    for other in told[1:]:
        assert told[0] == other


TAILS = ("codes", "activation", "confirmation", "review")


def a_premium(member: str) -> dict[str, object]:
    return {"payee": member, "insurance": "resident_basic", "year": 2027}


def _bare(body: dict[str, object], member: str) -> dict[str, object]:
    """An answer without the ids of its request and member."""
    shown = {k: v for k, v in body.items() if k not in ("link_id", "position")}
    return {k: "the member" if v == member else v for k, v in shown.items()}
