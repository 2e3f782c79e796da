"""Which edition of a region is in force on a day."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from aggregates.policy.edition import Edition, NoEditionInForceError, in_force
from service.regions.policy_book import load

REGIONS = Path(__file__).parents[3] / "service" / "regions"
P0 = load(REGIONS).editions("990000")[0]

OLD = replace(P0, id="old", effective_on=date(2024, 1, 1))
NEW = replace(P0, id="new", effective_on=date(2025, 7, 1))
CLOSING = replace(NEW, id="closing", effective_until=date(2026, 1, 1))


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2024, 1, 1), OLD),
        (date(2025, 6, 30), OLD),
        (date(2025, 7, 1), NEW),
        (date(2099, 12, 31), NEW),
    ],
)
def test_an_edition_counts_from_its_first_day_until_the_next_begins(
    on: date, expected: Edition
) -> None:
    """The first day belongs to the new edition, the day before to the old one."""
    assert expected == in_force([OLD, NEW], on)


def test_the_order_in_which_editions_are_given_does_not_matter() -> None:
    """Only the dates decide which edition is in force."""
    assert OLD == in_force([NEW, OLD], date(2025, 6, 30))


def test_a_region_has_no_rules_before_its_first_edition() -> None:
    """The day before the first edition is refused."""
    with pytest.raises(NoEditionInForceError):
        in_force([OLD, NEW], date(2023, 12, 31))


def test_the_end_of_the_last_edition_is_exclusive() -> None:
    """On the stated end no edition is in force, nor an older one."""
    assert CLOSING == in_force([OLD, CLOSING], date(2025, 12, 31))
    with pytest.raises(NoEditionInForceError):
        in_force([OLD, CLOSING], date(2026, 1, 1))


def test_no_editions_are_no_rules() -> None:
    """A region without editions has none in force."""
    with pytest.raises(NoEditionInForceError):
        in_force([], date(2026, 1, 1))


def test_an_edition_can_be_a_key() -> None:
    """Equal editions have equal hashes, with or without tables."""
    assert hash(P0) == hash(replace(P0))
