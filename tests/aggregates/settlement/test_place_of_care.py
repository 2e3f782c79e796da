"""Where and for what kind of visit aid may be used (policy.md §3.2 `place_scope`)."""

from dataclasses import replace

import pytest

from aggregates.policy.choices import PlaceUse
from aggregates.policy.edition import PlaceRule
from aggregates.refusals import MedTypeUnknownError
from aggregates.settlement.events import READING
from aggregates.settlement.place_of_care import PlaceOfCare, aid_reason, check_med_type
from aggregates.vocabulary import InstitutionKind, Reason
from tests.aggregates.settlement.families import P0

HOME = "990000"
HOSPITAL = PlaceOfCare(
    institution="H1",
    region=HOME,
    kind=InstitutionKind.HOSPITAL,
    med_type="11",
    opened_regions=(),
    is_filed=False,
    person_classes=frozenset(),
)
OFF = PlaceRule(place="*", institution_class="*", use=PlaceUse.OFF, filing=False)
CLOSED, FILING = Reason.REGION_NOT_OPEN, Reason.FILING_REQUIRED


def a_rule(place: str = "*", use: PlaceUse = PlaceUse.ON, *, filing: bool = False) -> PlaceRule:
    return PlaceRule(place=place, institution_class="*", use=use, filing=filing)


def reason(rule: PlaceRule, place: PlaceOfCare) -> Reason | None:
    """The reason P0 gives for a place, with one rule before the rule that closes all others."""
    terms = replace(P0.place, place_scope=(rule, OFF))
    return aid_reason(place, replace(P0, place=terms))


@pytest.mark.parametrize(
    ("place", "region", "expected"),
    [
        ("same_region", HOME, None),
        ("same_region", "990100", CLOSED),
        ("same_province", HOME, None),
        ("same_province", "990100", None),
        ("same_province", "980100", CLOSED),
        ("330100", "330100", None),
        ("330100", "330200", CLOSED),
        ("*", "330200", None),
    ],
)
def test_a_place_is_open_where_a_rule_fits(
    place: str, region: str, expected: Reason | None
) -> None:
    """A rule's place is the sponsor's region, the province, a code, or any."""
    there = HOSPITAL._replace(region=region, opened_regions=("990000",))
    assert expected is reason(a_rule(place), there)


@pytest.mark.parametrize(
    ("opened", "expected"),
    [
        ((), CLOSED),
        (("990000",), None),
        (("990100",), CLOSED),
        (("880000", "990000"), None),
        (("880000",), CLOSED),
    ],
)
def test_elsewhere_an_institution_opens_itself_to_a_region(
    opened: tuple[str, ...], expected: Reason | None
) -> None:
    """Outside the province the institution must accept the region's aid (R107)."""
    there = HOSPITAL._replace(region="330100", opened_regions=opened)

    assert expected is reason(a_rule(), there)


@pytest.mark.parametrize(
    ("use", "filing", "is_filed", "expected"),
    [
        (PlaceUse.ON, True, False, FILING),
        (PlaceUse.ON, True, True, None),
        (PlaceUse.ON, False, True, None),
        (PlaceUse.OFF, True, True, CLOSED),
        (PlaceUse.OFF, True, False, CLOSED),
    ],
)
def test_a_filing_opens_only_what_asks_for_one(
    use: PlaceUse, *, filing: bool, is_filed: bool, expected: Reason | None
) -> None:
    """Where a rule requires a filing there must be one; a filing opens no closed place (S93)."""
    place = HOSPITAL._replace(is_filed=is_filed)

    assert expected is reason(a_rule(use=use, filing=filing), place)


@pytest.mark.parametrize("kind", list(InstitutionKind))
def test_classes_of_institutions_are_open_apart(kind: InstitutionKind) -> None:
    """A rule for one class does not apply to others (R310)."""
    rule = replace(a_rule(), institution_class=InstitutionKind.PHARMACY)
    expected = None if kind is InstitutionKind.PHARMACY else CLOSED

    assert expected is reason(rule, HOSPITAL._replace(kind=kind))


@pytest.mark.parametrize(("code", "expected"), [("H1", None), ("H2", CLOSED)])
def test_a_white_list_is_open_for_whom_it_names(code: str, expected: Reason | None) -> None:
    """A whitelist names institution codes (R316)."""
    rule = replace(a_rule(use=PlaceUse.WHITELIST), institutions=("H1", "H3"))

    assert expected is reason(rule, HOSPITAL._replace(institution=code))


def test_a_kind_of_visit_that_is_not_listed_gets_no_aid() -> None:
    """Unknown kinds are denied, wherever the place (`med_types_allowed`)."""
    assert Reason.MED_TYPE_NOT_ALLOWED is reason(a_rule(), HOSPITAL._replace(med_type="99"))


def test_a_claim_of_an_earlier_release_is_read_by_its_whole_code() -> None:
    """1301 was no 13 then, and is decided again so; the present reading takes prefixes."""
    extended = HOSPITAL._replace(med_type="1301")
    assert Reason.MED_TYPE_NOT_ALLOWED is reason(a_rule(), extended)
    assert None is reason(a_rule(), extended._replace(reading=READING))


@pytest.mark.parametrize("code", ["", "1", "31", "OUTPATIENT", "1301301", "1１", "9", "13 1"])
def test_a_word_that_is_no_code_is_refused_with_the_codes_there_are(code: str) -> None:
    """Whole codes, their extensions and local ones are accepted."""
    with pytest.raises(MedTypeUnknownError) as refused:
        check_med_type(code)
    assert "11" in refused.value.fields["allowed"]  # type: ignore[operator]
    for known in ("11", "1301", "140104", "5212", "91", "990412"):
        check_med_type(known)
