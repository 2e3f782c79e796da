"""An edition as a person reads it: each key with its value, layer and citation (regions.md §1)."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from aggregates.policy.edition import NoEditionInForceError
from service.regions.citations import citation_of
from service.regions.layers import FlatEdition
from service.regions.policy_book import PolicyBook
from service.regions.policy_files import ReadFolder

GRADED = ("A", "B", "C")


class NoRulesError(LookupError):
    """No file covers an area, or no edition of it is in force."""


class KeyLine(NamedTuple):
    """One dotted key: its value as text, the id of the layer that states it, its citation."""

    key: str
    value: str
    layer: str
    citation: str


class ReadableEdition(NamedTuple):
    """An edition in force in an area, by key."""

    area: str
    name: str
    edition: str
    effective_on: date
    keys: tuple[KeyLine, ...]

    def sources(self) -> tuple[str, ...]:
        """The ids of the sources that the citations name, sorted."""
        cited = (line.citation.partition(" ") for line in self.keys)
        words = (
            ids.replace(",", " ").split() for grade, _, ids in cited if grade in ("A", "B", "C")
        )
        return tuple(sorted({word for each in words for word in each}))


class KeyDifference(NamedTuple):
    """A key that two editions state differently; None where one does not state it."""

    key: str
    one: KeyLine | None
    other: KeyLine | None


def readable(read: ReadFolder, code: str, on: date) -> ReadableEdition:
    """The edition in force on a day in the pooling area of a code.

    Raises:
        NoRulesError: no file covers the area, or no edition of it is in force; the text
        names the nearest file.
    """
    book = PolicyBook(read.by_region(), read.covers())
    area = book.pooling_area(code)
    try:
        edition = book.edition(area, on)
    except NoEditionInForceError as none:
        nearest = book.nearest(area)
        hint = f"; the nearest file is that of {nearest}" if nearest else ""
        raise NoRulesError(f"{none}{hint}") from None
    file = read.files[book.covers.get(area, area)]
    flat = next(flat for flat in file.flat if flat.content["id"] == edition.id)
    return ReadableEdition(
        area, edition.region_name, edition.id, edition.effective_on, tuple(_lines(flat))
    )


def differences(one: ReadableEdition, other: ReadableEdition) -> Iterator[KeyDifference]:
    """The keys whose values differ, in the order of the first edition."""
    ours = {line.key: line for line in one.keys}
    theirs = {line.key: line for line in other.keys}
    for key in dict.fromkeys((*ours, *theirs)):
        left, right = ours.get(key), theirs.get(key)
        if left is None or right is None or left.value != right.value:
            yield KeyDifference(key, left, right)


def _lines(flat: FlatEdition) -> Iterator[KeyLine]:
    evidence = flat.content.get("evidence_of", {})
    for key, layer in flat.stated_by.items():
        citation = citation_of(key, evidence) or str(flat.content["evidence"])
        yield KeyLine(key, _text(_value(flat.content, key)), layer, citation)


def _value(content: Any, key: str) -> Any:  # noqa: ANN401 -- any value of a TOML file
    for name in key.split("."):
        content = content[name]
    return content


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
