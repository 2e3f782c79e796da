"""What the rules of a bill rest on: the keys that no good source backs (regions.md §1)."""

from typing import Any

from msgspec import json

from aggregates.policy.choices import EvidenceGrade
from aggregates.policy.rulebook import EditionPublished
from service.regions.citations import grade_of

DECIDING = ("order", "money", "binding", "place", "items", "pool")
"""The sections of an edition that the decision of a bill reads."""
WEAK = (EvidenceGrade.C, EvidenceGrade.OWN)


def rests_on(published: EditionPublished) -> dict[str, Any]:
    """An edition's grade, and its keys by weak grade: hearsay, or our own choice.

    An edition from before there were citations names only the keys that differ from its grade.
    """
    content = json.decode(published.content)
    deciding = {key for section in DECIDING for key in content.get(section) or ()}
    weak: dict[str, list[str]] = {grade: [] for grade in WEAK}
    for key, citation in content["evidence_of"]:
        if key.partition(".")[0] in deciding and (grade := grade_of(citation)) in WEAK:
            weak[grade].append(key)
    return {
        "region": published.region,
        "edition": published.edition,
        "evidence": content["evidence"],
        "hearsay": weak[EvidenceGrade.C],
        "own_choice": weak[EvidenceGrade.OWN],
    }
