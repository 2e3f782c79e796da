"""What a sponsor may learn of where his money was spent (policy.md §6.2, S120)."""

from aggregates.institution import Institution
from aggregates.policy import Edition
from aggregates.policy_words import SponsorView


def names_institution(
    edition: Edition | None, institution: Institution, *, is_active: bool
) -> bool:
    """Whether a sponsor sees an institution's name; its class he always sees.

    `edition` is the patient's region's of today, because it is he who is protected, and today
    that somebody looks. A name can tell an illness, so it stays hidden unless the region says
    FULL, the institution and its class are not marked as sensitive, and the binding still
    holds: who parted looks into the other's life no more (policy.md §6.1, PIPL art. 15).
    """
    if edition is None or not is_active or institution.sensitive:
        return False
    if institution.kind in edition.place.sensitive_institution_classes:
        return False
    return edition.privacy.sponsor_view_institution is SponsorView.FULL
