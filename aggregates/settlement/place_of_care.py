"""Where and for what kind of visit aid and own money may be used (policy.md §3.2 `place_scope`)."""

import re
from datetime import date
from typing import NamedTuple

from aggregates.account.state import Account, Filing
from aggregates.policy.choices import MedType, PlaceUse
from aggregates.policy.edition import Edition, PlaceRule, PlaceTerms
from aggregates.refusals import MedTypeUnknownError
from aggregates.vocabulary import InstitutionKind, InsuranceStatus, Reason

LOCAL_MED_TYPE = "9"
"""What a region's own codes begin with (his-interface.md §5: 9107, 9904)."""
_MED_TYPE = re.compile(r"[0-9]{2,6}", re.ASCII)


class PlaceOfCare(NamedTuple):
    """The institution of a bill, the kind of visit, and the patient's filings for it.

    `is_home`: the place is in the patient's own pooling area. `reading` is the claim's.
    """

    institution: str
    region: str
    kind: InstitutionKind
    med_type: str
    opened_regions: tuple[str, ...]
    is_filed: bool
    person_classes: frozenset[str]
    is_home: bool = False
    reading: int = 0


def aid_reason(place: PlaceOfCare, edition: Edition) -> Reason | None:
    """Why a sponsor of this edition's region may not pay there; None if allowed (S91, S93)."""
    terms = edition.place
    if not is_open_for(place.med_type, terms, place.reading):
        return Reason.MED_TYPE_NOT_ALLOWED
    if not _accepts(place, edition.region):
        return Reason.REGION_NOT_OPEN
    return _reason_by(terms.place_scope, place, edition)


def own_reason(place: PlaceOfCare, edition: Edition) -> Reason | None:
    """Why the patient's own money may not be used there; None if allowed (regions.md §4 row 7)."""
    if not edition.place.own_place_scope:
        return None
    return _reason_by(edition.place.own_place_scope, place, edition)


def _reason_by(rules: tuple[PlaceRule, ...], place: PlaceOfCare, edition: Edition) -> Reason | None:
    """What the first rule that fits says."""
    for rule in rules:
        if _applies(rule, place, edition.region):
            if not _is_open(rule, place):
                break
            needs_filing = rule.filing and (edition.place.filing_at_home or not place.is_home)
            return Reason.FILING_REQUIRED if needs_filing and not place.is_filed else None
    return Reason.REGION_NOT_OPEN


def check_med_type(code: str) -> None:
    """Check that a kind of care is in the national table, extends a code there, or is local.

    Raises:
        MedTypeUnknownError: it is none of them; `allowed` are the national codes.
    """
    is_known = code.startswith((*MedType, LOCAL_MED_TYPE))
    if not (is_known and _MED_TYPE.fullmatch(code)):
        raise MedTypeUnknownError(field="med_type", allowed=list(MedType))


def is_open_for(med_type: str, terms: PlaceTerms, reading: int) -> bool:
    """Whether aid is open for a kind of care (regions.md §2): 1301 is a 13.

    Claims of the first reading are matched by their whole code.
    """
    if reading == 0:
        return med_type in terms.med_types_allowed
    return med_type.startswith(terms.med_types_allowed) and not med_type.startswith(
        terms.med_types_refused
    )


def _applies(rule: PlaceRule, place: PlaceOfCare, home: str) -> bool:
    if rule.institution_class not in ("*", place.kind):
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


def _is_open(rule: PlaceRule, place: PlaceOfCare) -> bool:
    if rule.use is PlaceUse.WHITELIST:
        classes = rule.person_classes
        is_of_class = not classes or not place.person_classes.isdisjoint(classes)
        return place.institution in rule.institutions and is_of_class
    return rule.use is PlaceUse.ON


def _accepts(place: PlaceOfCare, home: str) -> bool:
    """Whether the institution accepts a region's aid: its own province's, or opened (R107)."""
    if place.region[:2] == home[:2]:
        return True
    return any(covers(opened, home) for opened in place.opened_regions)


def covers(code: str, region: str) -> bool:
    """Whether a region code covers another: 330000 is a province, 330100 a city."""
    return region.startswith(code.removesuffix("00").removesuffix("00"))


def is_filed(account: Account, region: str, on: date) -> bool:
    """Whether the patient has a filing for care in a region on a day (R301)."""
    return bool(account.filings) and any(_is_valid(f, region, on) for f in account.filings)


_CLASS_OF = {standing: frozenset({standing.value}) for standing in InsuranceStatus}


def person_classes(account: Account, region: str, on: date) -> frozenset[str]:
    """The classes of the patient there (R316): the insurance status and the kinds of filings."""
    if not account.filings:
        return _CLASS_OF[account.standing]
    kinds = {filing.kind.value for filing in account.filings if _is_valid(filing, region, on)}
    return frozenset(kinds | {account.standing.value})


def _is_valid(filing: Filing, region: str, on: date) -> bool:
    is_over = filing.until_on is not None and filing.until_on < on
    return filing.from_on <= on and not is_over and covers(filing.place, region)
