"""Citations: for every key that a file states, its grade and source (regions.md §1)."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from aggregates.policy.choices import EvidenceGrade
from service.regions.layers import ALONE, cited_as, stated_keys

SOURCES_FILE = "sources.toml"
OWN = f"{EvidenceGrade.OWN}:"
"""How a citation begins that gives a reason of our own in place of a source."""


class Source(BaseModel):
    """A public text: `says` is what it says in our words; `date` is a day or "unknown"."""

    model_config = ConfigDict(strict=True, extra="forbid")
    title: str
    publisher: str
    address: str
    date: str
    says: str


_SOURCES = TypeAdapter(dict[str, Source])


class SourcesError(ValueError):
    """The file of sources is unsound."""


def read_sources(file: Path) -> Mapping[str, Source]:
    """The sources of a folder by id; none without a file.

    Raises:
        SourcesError: the file cannot be read.
    """
    if not file.exists():
        return {}
    try:
        return _SOURCES.validate_python(tomllib.loads(file.read_text(encoding="utf-8")))
    except (ValidationError, ValueError) as error:
        raise SourcesError(f"{file.name}: {error}") from None


def bad_citations(
    editions: Sequence[Mapping[str, Any]], sources: Mapping[str, Source], *, inherits: bool
) -> Iterator[tuple[str, str, str]]:
    """Edition, key and complaint for every stated key without a sound citation.

    Editions that state everything alone were published before there were citations.
    """
    for stated in editions:
        evidence = stated.get("evidence_of", {})
        if not inherits or stated.get("inherits") == ALONE or not isinstance(evidence, dict):
            continue
        name = str(stated.get("id", ""))
        for key in stated_keys(stated):
            if citation_of(key, evidence) is None:
                yield name, key, "has no citation in evidence_of"
        for key, citation in evidence.items():
            what = _fault_of(str(citation), sources)
            if what:
                yield name, f"evidence_of.{key}", what


def citation_of(key: str, evidence: Mapping[str, str]) -> str | None:
    """The citation of a dotted key: its own, or that of the table or section that holds it."""
    for name in (cited_as(key), key):
        while name:
            if name in evidence:
                return evidence[name]
            name = name.rpartition(".")[0]  # noqa: PLW2901 -- the table that holds it
    return None


def grade_of(citation: str) -> EvidenceGrade:
    """The grade that a citation begins with."""
    return EvidenceGrade(citation.partition(" ")[0].removesuffix(":"))


def _fault_of(citation: str, sources: Mapping[str, Source]) -> str | None:
    if citation.startswith(OWN):
        return None if citation.removeprefix(OWN).strip() else "gives no reason after own:"
    grade, _, ids = citation.partition(" ")
    if grade not in (EvidenceGrade.A, EvidenceGrade.B, EvidenceGrade.C):
        return f'begins with no grade: {citation:.40}; use A, B or C and a source, or "own: reason"'
    unknown = [source for source in ids.replace(",", " ").split() if source not in sources]
    if unknown or not ids.strip():
        return f"names no source of {SOURCES_FILE}: {', '.join(unknown) or citation}"
    return None
