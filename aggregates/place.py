"""Where and for what kind of visit aid may be used (policy.md §3.2 `place_scope`)."""

from typing import NamedTuple

from aggregates.policy import Edition, PlaceRule, PlaceUse
from aggregates.vocabulary import InstitutionKind, Reason


class Place(NamedTuple):
    """The institution of a bill, the kind of visit, and whether the patient filed for it."""

    institution: str
    region: str
    kind: InstitutionKind
    med_type: str
    is_filed: bool


def aid_reason(place: Place, edition: Edition) -> Reason | None:
    """Why a sponsor of this edition's region may not pay there, or None if he may (S91, S93)."""
    terms = edition.place
    if place.med_type not in terms.med_types_allowed:
        return Reason.MED_TYPE_NOT_ALLOWED
    rule = next((r for r in terms.place_scope if _fits(r, place, edition.region)), None)
    if rule is None or not _is_open(rule, place):
        return Reason.REGION_NOT_OPEN
    if rule.filing and not place.is_filed:
        return Reason.FILING_REQUIRED
    return None


def _fits(rule: PlaceRule, place: Place, home: str) -> bool:
    if rule.institution_class not in {"*", place.kind}:
        return False
    match rule.place:
        case "*":
            return True
        case "same_region":
            return place.region == home
        case "same_province":
            return place.region[:2] == home[:2]
        case exact:
            return place.region == exact


def _is_open(rule: PlaceRule, place: Place) -> bool:
    if rule.use is PlaceUse.WHITELIST:
        return place.institution in rule.institutions
    return rule.use is PlaceUse.ON
