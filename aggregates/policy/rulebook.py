"""The editions of one region that are in the log: what the service decides from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionPublished:
    """A region's rules from a day on; `content` is the edition in canonical JSON."""

    region: str
    edition: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """A region's published editions: id and canonical content, oldest first."""

    region: str
    editions: tuple[tuple[str, str], ...]


def evolve(rulebook: Rulebook | None, event: EditionPublished) -> Rulebook:
    """Add an edition; none is ever taken away or changed."""
    before = rulebook.editions if rulebook else ()
    return Rulebook(region=event.region, editions=(*before, (event.edition, event.content)))
