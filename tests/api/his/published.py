"""A province's published field tables, and what `fields.toml` has otherwise.

The tables are facts of the interface (`tests/samples/fsi_tables.json`); nothing here reads the
service's own tables but `ours`, which a test compares with them.
"""

import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).parents[2]
PUBLISHED = TESTS / "samples" / "fsi_tables.json"
FIELDS = TESTS.parent / "api" / "his" / "fields.toml"
DEVIATIONS = FIELDS.with_name("deviations.toml")


class Column(NamedTuple):
    """One field of a table: its kind (s, m, n, i, d, t), its length, and if it is required."""

    kind: str
    length: str
    is_required: bool


Node = dict[str, Column]
Nodes = dict[str, Node]
"""Fields by node; the name of a list ends in [], and the root of an output has no name."""
Tables = dict[str, dict[str, Nodes]]
"""Nodes by transaction, and by `in` and `out`."""


class Deviation(NamedTuple):
    """What one field, or a whole node (no field), has otherwise than the published tables.

    `what` is one of: `added` (not in the tables), `left out` (only in the tables), `kind`,
    `length`, `required` (only here), `optional` (required in the tables), `empty` (required in the
    tables, and answered as an empty text).
    """

    infno: str
    side: str
    node: str
    field: str
    what: str


def published() -> Tables:
    """The published tables of the transactions that the service speaks."""
    rows = json.loads(PUBLISHED.read_text(encoding="utf-8"))["transactions"]
    return {
        infno: {
            side: {name: dict(map(_column, texts)) for name, texts in row[side].items()}
            for side in ("in", "out")
        }
        for infno, row in rows.items()
    }


def ours() -> Tables:
    """The service's own tables."""
    tables = tomllib.loads(FIELDS.read_text(encoding="utf-8"))
    shapes: dict[str, Node] = {}
    for node, texts in tables["nodes"].items():
        shapes[node] = {}
        for text in texts:
            shapes[node] |= shapes[text[1:]] if text[0] == "@" else dict([_column(text)])
    return {
        infno: {
            side: {name: shapes[shape] for name, shape in row.get(side, {}).items()}
            for side in ("in", "out")
        }
        for infno, row in tables["transactions"].items()
    }


def _column(text: str) -> tuple[str, Column]:
    name, kind, *marks = text.split()
    return name, Column(kind[:1], kind[1:], "*" in marks)


def found() -> set[Deviation]:
    """Every deviation of the service's tables from the published ones."""
    theirs, mine = published(), ours()
    return {
        Deviation(infno, side, *rest)
        for infno in theirs.keys() | mine.keys()
        for side in ("in", "out")
        for rest in _nodes_differ(
            theirs.get(infno, {}).get(side, {}), mine.get(infno, {}).get(side, {})
        )
    }


def _nodes_differ(theirs: Nodes, mine: Nodes) -> Iterator[tuple[str, str, str]]:
    for node in theirs.keys() | mine.keys():
        if node not in mine or node not in theirs:
            yield node, "", "left out" if node in theirs else "added"
            continue
        for field in theirs[node].keys() | mine[node].keys():
            for what in _fields_differ(theirs[node].get(field), mine[node].get(field)):
                yield node, field, what


def _fields_differ(theirs: Column | None, mine: Column | None) -> Iterator[str]:
    if theirs is None or mine is None:
        yield "added" if theirs is None else "left out"
        return
    if theirs.kind != mine.kind:
        yield "kind"
    elif theirs.length != mine.length:
        yield "length"
    if theirs.is_required != mine.is_required:
        yield "required" if mine.is_required else "optional"


def declared() -> Mapping[Deviation, str]:
    """Every declared deviation, and its reason with its source."""
    rows = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8"))["deviation"]
    reasons: dict[Deviation, str] = {}
    for row in rows:
        for line in row["where"]:
            places, _, fields = line.partition(":")
            infnos = [word for word in places.split() if word[:1].isdigit() or word == "GJ01"]
            node = places.removeprefix(" ".join(infnos)).strip()
            for infno, field in itertools.product(infnos, fields.split() or [""]):
                deviation = Deviation(infno, row["side"], node, field, row["what"])
                assert deviation not in reasons, f"declared twice: {deviation}"
                reasons[deviation] = f"{row['reason']} ({row['source']})"
    return reasons
