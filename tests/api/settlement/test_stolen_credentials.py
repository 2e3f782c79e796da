"""Thousands of claims with credentials that prove nothing: nobody is debited."""

import random  # noqa: TID251 -- seeded
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.api.clients import (
    AGENCY,
    HOSPITAL,
    Desk,
    a_binding,
    a_claim,
    a_person,
    an_account,
    an_institution,
)
from tests.api.credentialed import ask_a_verifier, require_a_credential

PEOPLE = ("P1", "S1", "P2", "S2")
NOBODY = "NOBODY"
KINDS = ("social_card", "e_credential", "id_card")


class Played(NamedTuple):
    """A claim, and whether what it shows is the patient's own and valid."""

    claim: dict[str, Any]
    is_genuine: bool
    what: str


async def two_families(desk: Desk) -> None:
    """Two couples with cards, each person with a token that the verifier knows."""
    await an_institution(desk)
    await require_a_credential(desk)
    holders = {}
    for number in PEOPLE:
        await an_account(desk, number, "50000.00")
        for prefix, kind in (("SC", "social_card"), ("EC", "e_credential"), ("OLD", "social_card")):
            held = {"type": kind, "value": f"{prefix}-{number}"}
            path = f"/v1/accounts/{number}/credentials"
            assert 201 == (await desk.post(AGENCY, path, held)).status_code
        old = {"type": "social_card", "value": f"OLD-{number}", "reason": "lost"}
        path = f"/v1/accounts/{number}/credentials/withdrawal"
        assert 201 == (await desk.post(AGENCY, path, old)).status_code
        holders[f"TOKEN-{number}"] = f"ID-{number}"
    holders["TOKEN-STRANGER"] = "ID-ELSEWHERE"
    for sponsor, patient in (("S1", "P1"), ("S2", "P2")):
        await a_binding(desk, sponsor, patient)
    ask_a_verifier(desk, holders)


async def an_expired_code(desk: Desk) -> str:
    """A code of P1 that the spouse showed, after its time."""
    wish = {
        "member": "P1",
        "relation": "spouse",
        "evidence": {"kind": "face", "reference": "F-1"},
    }
    linked = await desk.post(a_person("S1"), "/v1/credential-links", wish)
    path = f"/v1/credential-links/{linked.json()['link_id']}"
    assert 201 == (await desk.post(a_person("P1"), f"{path}/confirmation", {})).status_code
    code = str((await desk.post(a_person("S1"), f"{path}/codes", {})).json()["code"])
    desk.clock.at = desk.clock.at.replace(hour=desk.clock.at.hour + 1)
    return code


def a_played_claim(chance: random.Random, number: int, expired: str) -> Played:
    """A claim with a credential of one kind: genuine, stolen, swapped, wrong, expired, or none."""
    patient = chance.choice(PEOPLE)
    other = chance.choice([who for who in PEOPLE if who != patient])
    kind = chance.choice(KINDS)
    shown: dict[str, tuple[str, str] | None] = {
        "own card": ("social_card", f"SC-{patient}"),
        "own voucher": ("e_credential", f"EC-{patient}"),
        "own ID number": ("id_card", f"ID-{patient}"),
        "own ID number as a card": ("social_card", f"ID-{patient}"),
        "own token": ("e_credential", f"TOKEN-{patient}"),
        "another's card": ("social_card", f"SC-{other}"),
        "another's ID number": (kind, f"ID-{other}"),
        "another's token": ("e_credential", f"TOKEN-{other}"),
        "a stranger's token": ("e_credential", "TOKEN-STRANGER"),
        "a withdrawn card": ("social_card", f"OLD-{patient}"),
        "a card as a voucher": ("e_credential", f"SC-{patient}"),
        "an expired code": ("e_credential", expired),
        "made up": (kind, f"X-{chance.randrange(10**9)}"),
        "the person number as a card": (chance.choice(KINDS), patient),
        "the person number": ("person_no", patient),
        "nothing": None,
        "a token in an outage": ("e_credential", chance.choice(("down", "broken"))),
    }
    what = chance.choice(tuple(shown))
    credential = shown[what]
    claim = a_claim(
        beneficiary={"type": "person_no", "value": patient},
        visit=f"visit-{number}",
        total="2.00",
        fund_pay="1.00",
    )
    if credential is not None:
        claim["credential"] = dict(zip(("type", "value"), credential, strict=True))
    return Played(claim, what.startswith("own"), what)


@pytest.mark.deepened
async def test_only_genuine_credentials_pay(
    desk: Desk, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    """A claim without the patient's own valid credential moves nothing; a genuine one always pays.

    Ten thousand claims with `--slow`. Nobody is limited here, so every claim is decided.
    """
    desk.limits.callers.per_minute = 0
    count = 10_000 if request.config.getoption("--slow") else 200
    chance = random.Random(14)  # noqa: S311 -- a test's dice
    await two_families(desk)
    expired = await an_expired_code(desk)
    played: Counter[str] = Counter()
    for number in range(count):
        one = a_played_claim(chance, number, expired)
        before = desk.stands()
        answer = await desk.post(HOSPITAL, "/v1/settlements", one.claim)
        played[one.what] += 1
        if one.is_genuine:
            assert 201 == answer.status_code, f"{one.what}: {answer.text}"
        else:
            assert answer.status_code in (409, 422, 503), f"{one.what}: {answer.text}"
            assert before == desk.stands(), f"{one.what} moved something"

    paid = sum(times for what, times in played.items() if what.startswith("own"))
    left = sum([float(await desk.balance(number)) for number in PEOPLE])
    assert 200_000.00 - paid == left
    tell(f"credentials: {count} claims, {paid} genuine and paid, {count - paid} refused")
