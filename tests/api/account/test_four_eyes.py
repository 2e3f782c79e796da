"""One clerk credits up to the region's limit; above it two clerks are needed."""

from dataclasses import replace
from pathlib import Path

import pytest

from service.context import furnish
from service.ledger.memory_store import MemoryStore
from service.read_models.reader import ReadModels
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_book import PolicyBook, check, load
from tests.api.clients import (
    AGENCY,
    BOOK,
    HOME,
    LEDGER_KEYS,
    NATION,
    NOW,
    REGIONS,
    Desk,
    NoFollower,
    Who,
    an_opening,
    at_a_desk,
    is_refused,
)
from tests.cases.outcome import StoppedClock

OTHER = Who(AGENCY.role, "a9", HOME)
LIMIT_FEN = 100_000


def limited() -> PolicyBook:
    """The home region with a limit, and no other change."""
    edition = BOOK.editions(HOME)[-1]
    money = replace(edition.money, credit_four_eyes_above_fen=LIMIT_FEN)
    return PolicyBook({HOME: (replace(edition, id="limited", money=money),)})


async def credited(desk: Desk, who: Who, amount: str) -> object:
    """The status of a credit's answer, and its code if it is refused."""
    answer = await desk.post(who, "/v1/accounts/P1/credits", {"amount": amount})
    return answer.status_code if answer.status_code == 201 else answer.json()["code"]


async def test_one_clerk_alone_brings_in_the_limit_and_no_fen_more(tmp_path: Path) -> None:
    """For the region's and the national agency; above it a correction is approved."""
    clock = StoppedClock()
    clock.at = NOW
    context = furnish(MemoryStore(), LEDGER_KEYS, limited(), clock)
    async with at_a_desk(context, ReadModels(None, NoFollower()), clock, tmp_path) as desk:
        assert 201 == (await desk.post(AGENCY, "/v1/accounts", an_opening("P1"))).status_code
        assert 201 == await credited(desk, AGENCY, "1000.00")
        for who in (AGENCY, NATION):
            answer = await desk.post(who, "/v1/accounts/P1/credits", {"amount": "1000.01"})
            assert "/v1/corrections" in is_refused(answer, 409, "FOUR_EYES")["detail"]
        assert "1000.00" == await desk.balance("P1")

        wrong = {"person_no": "P1", "bucket": "current", "amount": "5000.00", "reason": "batch"}
        proposed = await desk.post(AGENCY, "/v1/corrections", wrong)
        there = f"/v1/corrections/{proposed.json()['correction_id']}/approval"
        is_refused(await desk.post(AGENCY, there, {}), 409, "DUAL_CONTROL")
        assert 201 == (await desk.post(OTHER, there, {})).status_code
        assert "6000.00" == await desk.balance("P1")
        shown = await desk.get(AGENCY, f"/v1/policies/{HOME}")
        assert LIMIT_FEN == shown.json()["editions"][0]["money"]["credit_four_eyes_above_fen"]
    await context.close()


def test_an_edition_without_the_key_keeps_its_text() -> None:
    """The text of editions published before the key existed is unchanged."""
    for edition in BOOK.editions(HOME):
        assert b"four_eyes" not in canonical(edition)
        assert edition == from_canonical(canonical(edition))
    (edition,) = limited().editions(HOME)
    assert edition == from_canonical(canonical(edition))
    assert b'"credit_four_eyes_above_fen":100000' in canonical(edition)


@pytest.mark.parametrize(
    ("word", "limit_fen", "wrong"),
    [("5000000", 5_000_000, 0), ('"none"', None, 0), ("-1", None, 1), ("1.5", None, 1)],
)
def test_a_file_states_the_limit(
    tmp_path: Path, word: str, limit_fen: int | None, wrong: int
) -> None:
    """In fen, or none; nothing below zero."""
    text = (REGIONS / "P0.toml").read_text(encoding="utf-8")
    stated = f"[edition.money]\ncredit_four_eyes_above_fen = {word}\n"
    (tmp_path / "P0.toml").write_text(
        text.replace("[edition.money]", stated.rstrip()), encoding="utf-8"
    )
    assert wrong == len(check(tmp_path))
    if not wrong:
        (edition,) = load(tmp_path).editions(HOME)
        assert limit_fen == edition.money.credit_four_eyes_above_fen
