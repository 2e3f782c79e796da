"""The checks of a policy edition that go beyond the types of its keys."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date

from aggregates.account.insurance_year import NEW_YEAR
from aggregates.policy.choices import (
    PERSON_CLASSES,
    CapScope,
    EvidenceGrade,
    MedType,
    MoneyModel,
    OrderMissing,
    OrderStrategy,
    OwnAllocation,
    PlaceUse,
    SponsorBuckets,
    Whose,
)
from aggregates.policy.edition import Edition, PlaceRule, PremiumTier
from aggregates.settlement.purse import OWN_ORDERS
from aggregates.vocabulary import InstitutionKind, KinshipEvidence
from service.regions.policy_bounds import beyond_bounds

_NO_BUCKETS = "a pool has no buckets"
_POOL_YEAR = "the caps of pools count calendar years"
_LEAP_DAY = "02-29"
NOT_A_KEY = "is not a key of the book"

_PLACES = re.compile(r"\*|same_region|same_province|[0-9]{6}")
_PLACE_WORDS = ("*", "same_region", "same_province", "or a code of six digits")
_MED_TYPES = re.compile(r"[0-9]{1,6}", re.ASCII)
_LOCAL_MED_TYPE = "9"
_MED_TYPE_WORDS = (*MedType, "their groups and extensions", "or a local code that begins with 9")
PERCENT_MAX = 100
_SET_BY_A_PERSON = {OrderStrategy.BENEFICIARY_SET, OrderStrategy.SPONSOR_SET}


def unsound(edition: Edition) -> Iterator[tuple[str, str]]:
    """Key and complaint for every fault that prevents publication."""
    yield from _unsound_texts(edition)
    yield from _unsound_order(edition)
    yield from _unsound_binding(edition)
    yield from _unsound_places(edition)
    yield from _unsound_care(edition)
    yield from _unsound_caps(edition)
    yield from _unsound_buckets(edition)
    yield from _unsound_premium(edition)
    yield from _unsound_pool(edition)
    yield from _unsound_year(edition)
    yield from _unsound_tiers(edition)
    yield from _unsound_reserve(edition)
    yield from beyond_bounds(asdict(edition))


def _unsound_texts(edition: Edition) -> Iterator[tuple[str, str]]:
    for key, text in (("id", edition.id), ("source", edition.source)):
        if not text.strip():
            yield key, "is empty"
    if edition.shadow_from is not None and edition.shadow_from >= edition.effective_on:
        yield "shadow_from", "is not before effective_on"
    sections = asdict(edition)
    keys = {key for section in sections.values() if isinstance(section, dict) for key in section}
    for key, grade in edition.evidence_of:
        if key.partition(".")[0] not in keys | sections.keys():
            yield f"evidence_of.{key}", NOT_A_KEY
        if grade.partition(" ")[0].removesuffix(":") not in set(EvidenceGrade):
            yield f"evidence_of.{key}", f"begins with no grade: {grade}{_one_of(EvidenceGrade)}"


def _unsound_order(edition: Edition) -> Iterator[tuple[str, str]]:
    terms = edition.order
    if terms.order_missing is OrderMissing.FALLBACK and terms.order_fallback is None:
        yield "order.order_fallback", "is none, and order_missing is FALLBACK"
    if terms.order_fallback in _SET_BY_A_PERSON:
        yield (
            "order.order_fallback",
            "must be an order that nobody sets: it applies when nobody has set one",
        )
    same_region_first = OrderStrategy.SAME_REGION_FIRST
    if same_region_first in (terms.order_strategy, terms.order_fallback) and not terms.order_then:
        yield "order.order_then", "is not stated, and SAME_REGION_FIRST needs it"
    if terms.order_asked_at_second_sponsor and terms.order_strategy not in _SET_BY_A_PERSON:
        yield "order.order_asked_at_second_sponsor", "needs an order_strategy that a person sets"
    if terms.order_then in _SET_BY_A_PERSON | {same_region_first}:
        yield "order.order_then", "must be an order that nobody sets, other than SAME_REGION_FIRST"


def _unsound_binding(edition: Edition) -> Iterator[tuple[str, str]]:
    terms = edition.binding
    for relation in terms.activation_by_relation:
        if not any(allowed.startswith(relation) for allowed in terms.relations_allowed):
            yield (
                f"binding.activation_by_relation.{relation}",
                "is no relation of binding.relations_allowed",
            )
    if terms.rank_at_binding and edition.order.order_strategy not in _SET_BY_A_PERSON:
        yield "binding.rank_at_binding", "needs an order.order_strategy that a person sets"
    if terms.review_days is not None and KinshipEvidence.DOCUMENT not in terms.kinship_evidence:
        yield "binding.review_days", "is stated, and binding.kinship_evidence takes no DOCUMENT"
    if terms.suspension_ends_binding and terms.sponsor_suspended_usable:
        yield "binding.suspension_ends_binding", "contradicts binding.sponsor_suspended_usable"


def _unsound_places(edition: Edition) -> Iterator[tuple[str, str]]:
    yield from _unsound_table("place.place_scope", edition.place.place_scope)
    if edition.place.own_place_scope:
        yield from _unsound_table("place.own_place_scope", edition.place.own_place_scope)


def _unsound_table(table: str, rules: tuple[PlaceRule, ...]) -> Iterator[tuple[str, str]]:
    if not rules or (rules[-1].place, rules[-1].institution_class) != ("*", "*"):
        yield table, 'does not end with a rule for place "*" and class "*"'
    for number, rule in enumerate(rules):
        key = f"{table}.{number}"
        if not _PLACES.fullmatch(rule.place):
            yield f"{key}.place", f"is no place: {rule.place}{_one_of(_PLACE_WORDS)}"
        yield from _unknown(f"{key}.person_classes", rule.person_classes, PERSON_CLASSES)
        is_list = bool(rule.institutions)
        if (rule.use is PlaceUse.WHITELIST) != is_list or (rule.person_classes and not is_list):
            yield f"{key}.use", "must be WHITELIST exactly if institutions are listed"


def _unsound_care(edition: Edition) -> Iterator[tuple[str, str]]:
    terms = edition.place
    for key in ("med_types_allowed", "med_types_refused"):
        for number, code in enumerate(getattr(terms, key)):
            if not _is_med_type(code):
                yield f"place.{key}.{number}", _no_word(code, _MED_TYPE_WORDS)
    for number, code in enumerate(terms.med_types_refused):
        if not any(_overlap(code, allowed) for allowed in terms.med_types_allowed):
            yield f"place.med_types_refused.{number}", f"refuses what is not allowed: {code}"
    for number, code in enumerate(terms.med_types_allowed):
        if terms.med_types_refused and code.startswith(terms.med_types_refused):
            yield f"place.med_types_allowed.{number}", f"is refused as a whole: {code}"
    classes = terms.sensitive_institution_classes
    yield from _unknown("place.sensitive_institution_classes", classes, tuple(InstitutionKind))


def _unsound_caps(edition: Edition) -> Iterator[tuple[str, str]]:
    if edition.money.sponsor_cap_scope is CapScope.PER_BENEFICIARY:
        yield "money.sponsor_cap_scope", "must be PER_BINDING or PER_SPONSOR: a sponsor has one cap"


def _unsound_buckets(edition: Edition) -> Iterator[tuple[str, str]]:
    rules = edition.items.bucket_rules
    if rules and edition.money.own_allocation is not OwnAllocation.INELIGIBLE_FIRST:
        yield "money.own_allocation", "must be INELIGIBLE_FIRST where items.bucket_rules are stated"
    paying = OWN_ORDERS[edition.money.own_buckets_order]
    for number, rule in enumerate(rules):
        key = f"items.bucket_rules.{number}"
        for at, code in enumerate(rule.med_types):
            if not _is_med_type(code):
                yield f"{key}.med_types.{at}", _no_word(code, _MED_TYPE_WORDS)
        if rule.whose is Whose.OWN and rule.bucket not in paying:
            yield f"{key}.bucket", "pays nothing by money.own_buckets_order"


def _unknown(key: str, stated: Iterable[str], words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every stated word that is not in the vocabulary of its key."""
    for number, word in enumerate(stated):
        if word not in words:
            yield f"{key}.{number}", _no_word(word, words)


def _no_word(word: str, words: Iterable[str]) -> str:
    return f"is no word for this key: {word}{_one_of(words)}"


def _one_of(words: Iterable[str]) -> str:
    return f"; use one of {', '.join(words)}"


def _overlap(one: str, other: str) -> bool:
    """Whether two prefixes have a code in common."""
    return one.startswith(other) or other.startswith(one)


def _is_med_type(code: str) -> bool:
    """A national code, a group or an extension of one, or a region's own local code."""
    if not _MED_TYPES.fullmatch(code):
        return False
    is_national = any(code.startswith(kind) or kind.startswith(code) for kind in MedType)
    return is_national or code.startswith(_LOCAL_MED_TYPE)


def _unsound_premium(edition: Edition) -> Iterator[tuple[str, str]]:
    terms = edition.premium
    for kind in terms.premium_types:
        if kind not in terms.premium_standard_fen:
            yield "premium.premium_standard_fen", f"has no amount for {kind}"
    for key, day in (("from", terms.premium_window.from_), ("to", terms.premium_window.to)):
        if not _is_day_of_year(day):
            yield f"premium.premium_window.{key}", f"is no day of the year as MM-DD: {day}"


def _unsound_year(edition: Edition) -> Iterator[tuple[str, str]]:
    """A year begins on the same day each year; a pool's caps follow the calendar."""
    day = edition.money.insurance_year_from
    if not _is_day_of_year(day):
        yield "money.insurance_year_from", f"is no day of the year as MM-DD: {day}"
    elif day == _LEAP_DAY:
        yield "money.insurance_year_from", f"is {day}, which most years do not have"
    elif day != NEW_YEAR and edition.money_model is MoneyModel.FAMILY_POOL:
        yield "money.insurance_year_from", f"must be {NEW_YEAR} with FAMILY_POOL: {_POOL_YEAR}"


def _unsound_pool(edition: Edition) -> Iterator[tuple[str, str]]:
    model = edition.money_model
    if model is MoneyModel.WALLET:
        why = "is not built yet: nothing would move money into a wallet"
        yield "money_model", f"WALLET {why}; use ON_DEMAND or FAMILY_POOL"
    if model is MoneyModel.FAMILY_POOL:
        if edition.pool is None:
            yield "pool", "is not stated, and money_model FAMILY_POOL needs it"
        yield from _not_of_pools(edition)
    elif edition.pool is not None:
        yield "pool", f"is stated, and only FAMILY_POOL has a pool; money_model is {model}"


def _not_of_pools(edition: Edition) -> Iterator[tuple[str, str]]:
    """A pool has one bucket, and its floor stays in the account: other keys cannot say so too."""
    if edition.money.reserve_fen:
        yield "money.reserve_fen", "must be 0 with FAMILY_POOL: pool.floor_fen stays in the account"
    if edition.money.sponsor_buckets is SponsorBuckets.PRIOR_ONLY:
        yield "money.sponsor_buckets", f"must be ALL with FAMILY_POOL: {_NO_BUCKETS}"
    if any(rule.whose is Whose.AID for rule in edition.items.bucket_rules):
        yield "items.bucket_rules", f"must not speak of AID with FAMILY_POOL: {_NO_BUCKETS}"
    for key in ("premium_reserve_fen", "premium_buckets"):
        if getattr(edition.premium, key):
            yield f"premium.{key}", "must be empty with FAMILY_POOL: premiums are paid from pools"


def _unsound_tiers(edition: Edition) -> Iterator[tuple[str, str]]:
    terms = edition.premium
    for number, row in enumerate(terms.premium_tiers):
        key = f"premium.premium_tiers.{number}"
        if row.type not in terms.premium_types:
            yield f"{key}.type", f"is not in premium_types: {row.type}"
        if row.from_age > row.to_age:
            yield f"{key}.to_age", f"is {row.to_age}, before {row.from_age}"
        if any(_same_age(row, other) for other in terms.premium_tiers[:number]):
            yield key, "has an age and tier that an earlier row has"


def _same_age(one: PremiumTier, other: PremiumTier) -> bool:
    """Whether two rows of a type and tier have an age in common."""
    is_same = (one.type, one.tier) == (other.type, other.tier)
    return is_same and one.from_age <= other.to_age and other.from_age <= one.to_age


def _unsound_reserve(edition: Edition) -> Iterator[tuple[str, str]]:
    """A reserve by a wage has the number that it makes (regions.md §4, row 20)."""
    basis = edition.money.reserve_basis
    if basis is None:
        return
    if not 1 <= basis.percent <= PERCENT_MAX:
        yield "money.reserve_basis.percent", f"is {basis.percent}, not between 1 and 100"
    if edition.money.reserve_fen == 0:
        yield "money.reserve_fen", f"is 0, and reserve_basis takes it from {basis.of_wageyear}"
    if basis.of_wageyear > edition.effective_on.year:
        yield "money.reserve_basis.of_wageyear", "is after the edition's first day"


def outdated(edition: Edition, on: date) -> Iterator[tuple[str, str]]:
    """Key and remark for what an edition in force on a day should be renewed for.

    A floor by last year's average wage needs that year's number every year.
    """
    basis, last = edition.money.reserve_basis, on.year - 1
    if basis is not None and basis.of_wageyear < last:
        yield (
            "money.reserve_basis.of_wageyear",
            f"is {basis.of_wageyear}: the number of {last} is missing",
        )


def _is_day_of_year(text: str) -> bool:
    try:
        return date.fromisoformat(f"2024-{text}").strftime("%m-%d") == text  # a leap year
    except ValueError:
        return False
