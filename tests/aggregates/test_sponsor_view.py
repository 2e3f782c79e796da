"""What a sponsor sees of an institution."""

from dataclasses import replace

import pytest

from aggregates.institution import FIRST_DIALECT, Institution, names_institution
from aggregates.policy.choices import SponsorView
from aggregates.policy.edition import Edition
from aggregates.vocabulary import InstitutionKind, InstitutionStatus
from tests.aggregates.settlement.families import P0

CLINIC = Institution(
    code="H1",
    name="安定医院",
    kind=InstitutionKind.HOSPITAL,
    region="990000",
    status=InstitutionStatus.ACTIVE,
    opened_regions=(),
    sensitive=False,
    dialect=FIRST_DIALECT,
    signature=None,
    sealed=None,
)
FULL = replace(P0, privacy=replace(P0.privacy, sponsor_view_institution=SponsorView.FULL))


SENSITIVE = replace(CLINIC, sensitive=True)


def with_classes(*classes: str) -> Edition:
    """An edition that says FULL, with these sensitive classes."""
    return replace(FULL, place=replace(P0.place, sensitive_institution_classes=classes))


@pytest.mark.parametrize("edition", [FULL, with_classes("pharmacy")], ids=["full", "other class"])
def test_a_region_may_let_a_sponsor_see_the_name(edition: Edition) -> None:
    """The name is shown if the region says FULL and nothing marks the institution."""
    assert names_institution(edition, CLINIC, is_active=True)


@pytest.mark.parametrize(
    ("edition", "institution", "is_active"),
    [
        (P0, CLINIC, True),
        (FULL, SENSITIVE, True),
        (with_classes("hospital"), CLINIC, True),
        (FULL, CLINIC, False),
        (None, CLINIC, True),
    ],
    ids=["class only", "sensitive", "its class", "parted", "no rules"],
)
def test_a_name_is_kept_where_any_of_them_fails(
    edition: Edition | None, institution: Institution, *, is_active: bool
) -> None:
    """CLASS_ONLY, a sensitive mark or an ended binding: the class only (S120)."""
    assert not names_institution(edition, institution, is_active=is_active)
