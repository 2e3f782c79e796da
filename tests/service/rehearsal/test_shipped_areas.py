"""The identity draft of every shipped area differs nowhere over a hundred thousand settlements."""

import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import process_time

import pytest

from aggregates.settlement.events import Settled
from service.regions.policy_book import PolicyBook, load
from service.rehearsal.draft import Draft, read_draft
from tests.service.rehearsal.lives import KEYS
from tests.service.rehearsal.rehearsing import REGIONS, published, rehearsed
from tests.service.rehearsal.shipped_lives import ShippedLives

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7_200)]

GOAL, FAMILIES = 100_000, 4
CHANGED = ("110000", "990000")
"""Files that are rehearsed with a change too."""
BOOK = load(REGIONS)
TEXTS = {
    str(tomllib.loads(text)["code"]): text
    for path in sorted(REGIONS.glob("*.toml"))
    if "\n[[edition]]" in (text := path.read_text(encoding="utf-8"))
}
"""The text of each region's file, by its code."""
AREAS = {
    code: [area for area in BOOK.regions() if BOOK.covers.get(area, area) == code]
    for code in sorted(TEXTS)
    if code in BOOK.regions()
}
"""The areas that each file speaks for."""


def with_a_floor(code: str) -> PolicyBook:
    """The book with another edition of a file: a sponsor keeps 1000000.00."""
    *older, newest = BOOK.editions(code)
    money = replace(newest.money, reserve_fen=100_000_000)
    draft = replace(newest, id=f"{code}/floor", money=money)
    return PolicyBook({**BOOK.by_region, code: (*older, draft)}, BOOK.covers)


async def test_every_area_is_the_same_under_its_own_rules(tell: Callable[[str], None]) -> None:
    """Each file's own text, over the bills of all areas that it speaks for."""
    areas = sum(map(len, AREAS.values()))
    rounds = -(-GOAL * 20 // (areas * FAMILIES * 18))  # some are held, some refused
    decided: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    seconds = 0.0
    for seed, (code, mine) in enumerate(AREAS.items()):
        lives = ShippedLives(BOOK, mine, seed)
        await lives.live(FAMILIES, rounds)
        began = process_time()
        report = rehearsed(
            lives.store, KEYS, read_draft(REGIONS, TEXTS[code], published(lives.store))
        )
        seconds += process_time() - began

        assert (0, 0) == (report["differences"], report["not_followed"]), code
        settled = sum(isinstance(item.event, Settled) for item in lives.store.log)
        assert settled == report["decided"].get("settlements", 0), code
        decided.update(report["decided"])
        paid.update({payer: sums["draft"] for payer, sums in report["total"]["fen"].items()})
        if code in CHANGED:
            _check_that_a_change_shows(lives, code)
    told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(decided.items()))
    tell(f"{areas} areas, {told}: {sum(decided.values()) / seconds:,.0f} a second of processor")
    assert decided["settlements"] >= GOAL
    assert min(paid["own"], paid["aid"], paid["cash"]) > 0


def _check_that_a_change_shows(lives: ShippedLives, code: str) -> None:
    """The same bills under a floor that no sponsor reaches."""
    draft = Draft(code, (BOOK, with_a_floor(code)), published(lives.store))
    report = rehearsed(lives.store, KEYS, draft)
    aid = report["total"]["fen"]["aid"]
    assert aid["recorded"] > 0 == aid["draft"], code
    assert report["differences"], code
