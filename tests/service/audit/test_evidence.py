"""What the rules of a bill rest on, as an auditor reads it."""

from datetime import date
from pathlib import Path

import pytest

from aggregates.policy.rulebook import EditionPublished
from service.audit.evidence import rests_on
from service.regions.canonical import canonical
from service.regions.policy_book import load

BOOK = load(Path(__file__).parents[3] / "service" / "regions")


@pytest.mark.parametrize(
    ("region", "on", "evidence", "hearsay", "own_choice"),
    [
        ("420100", date(2026, 12, 1), "B", "order_strategy", "reserve_fen"),
        ("420000", date(2026, 1, 1), "C", None, "order_missing"),
        ("990000", date(2026, 1, 1), "synthetic", None, None),
    ],
)
def test_keys_without_a_good_source_are_named(
    region: str, on: date, evidence: str, hearsay: str | None, own_choice: str | None
) -> None:
    """By grade, for the sections that decide a bill; premiums and refunds are left out."""
    edition = BOOK.edition(region, on)
    content = canonical(edition).decode()
    told = rests_on(EditionPublished(region=region, edition=edition.id, content=content))

    assert (region, edition.id, evidence) == (told["region"], told["edition"], told["evidence"])
    assert hearsay in told["hearsay"] if hearsay else told["hearsay"] == []
    assert own_choice in told["own_choice"] if own_choice else told["own_choice"] == []
    assert {"premium_standard_fen", "refund"}.isdisjoint(told["own_choice"])
