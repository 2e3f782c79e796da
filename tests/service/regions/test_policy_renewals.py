"""What a file says that contradicts itself, and what an edition should be renewed for."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from service.regions.policy_book import PolicyBook, renewals
from service.regions.policy_checks import unsound
from tests.cases.world import P0, changed

BASIS = {"percent": 5, "of_wageyear": 2025}
CHILD = {"type": "RESIDENT_BASIC", "from_age": 0, "to_age": 17, "tier": "none", "fen": 100}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"money.reserve_basis": BASIS}, "money.reserve_fen"),
        (
            {"money.reserve_basis": BASIS | {"percent": 101}, "money.reserve_fen": 1},
            "money.reserve_basis.percent",
        ),
        (
            {"money.reserve_basis": BASIS | {"of_wageyear": 2199}, "money.reserve_fen": 1},
            "money.reserve_basis.of_wageyear",
        ),
        ({"place.med_types_refused": ["12"]}, "place.med_types_refused.0"),
        ({"place.med_types_refused": ["1"]}, "place.med_types_allowed.0"),
        ({"place.med_types_refused": ["banana"]}, "place.med_types_refused.0"),
        ({"premium.premium_tiers": [CHILD, CHILD]}, "premium.premium_tiers.1"),
        (
            {"premium.premium_tiers": [CHILD | {"type": "LTCI"}]},
            "premium.premium_tiers.0.type",
        ),
        ({"premium.premium_tiers": [CHILD | {"from_age": 18}]}, "premium.premium_tiers.0.to_age"),
    ],
)
def test_what_contradicts_itself_is_a_finding(changes: Mapping[str, Any], key: str) -> None:
    """It prevents publication, and the finding names the key."""
    assert key in [found for found, _ in unsound(changed(P0, changes))]


def test_a_floor_by_a_wage_is_renewed_every_year() -> None:
    """The number of last year is there in 2026, and missing in 2027; P0 has no such floor."""
    edition = changed(
        P0,
        {
            "money.reserve_basis": BASIS,
            "money.reserve_fen": 700_000,
            "effective_on": "2026-01-01",
        },
    )
    assert [] == list(unsound(edition))
    book = PolicyBook({"990000": (edition,)})

    assert [] == renewals(book, date(2026, 12, 31))
    (missing,) = renewals(book, date(2027, 1, 1))
    assert "is 2025: the number of 2026 is missing" in missing.line()
    assert [] == renewals(PolicyBook({"990000": (P0,)}), date(2027, 1, 1))
