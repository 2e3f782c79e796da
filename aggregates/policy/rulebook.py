"""The published editions of one region, which the service decides by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionPublished:
    """An edition was published; `content` is its canonical JSON."""

    region: str
    edition: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """A region's published editions: id and canonical content, oldest first."""

    region: str
    editions: tuple[tuple[str, str], ...]


def evolve(rulebook: Rulebook | None, event: EditionPublished) -> Rulebook:
    """Add an edition; none is ever removed or changed."""
    before = rulebook.editions if rulebook else ()
    return Rulebook(region=event.region, editions=(*before, (event.edition, event.content)))
