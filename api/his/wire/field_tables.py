"""The field tables of `fields.toml`: what each transaction takes and gives."""

import tomllib
from pathlib import Path
from typing import NamedTuple

PATH = Path(__file__).parents[1] / "fields.toml"


class Field(NamedTuple):
    """One field. `kind` is s, m, n, i, d or t; `size` is in characters or digits.

    `others` are names that some clients send in its place.
    """

    name: str
    kind: str
    size: int
    scale: int
    is_required: bool
    others: tuple[str, ...]


class FieldNode(NamedTuple):
    """One object of fields, or a list of them; the root of an output has no name.

    `names` are all names under which a field is read.
    """

    name: str
    fields: tuple[Field, ...]
    is_list: bool
    names: frozenset[str] = frozenset()


class Transaction(NamedTuple):
    """One transaction (交易): its number, its Chinese name, and its nodes."""

    infno: str
    name: str
    takes: tuple[FieldNode, ...]
    gives: tuple[FieldNode, ...]


def load() -> dict[str, Transaction]:
    """Every transaction by its number."""
    tables = tomllib.loads(PATH.read_text(encoding="utf-8"))
    fields: dict[str, tuple[Field, ...]] = {}
    for node, texts in tables["nodes"].items():
        fields[node] = _fields(texts, fields)

    def nodes(shapes: dict[str, str]) -> tuple[FieldNode, ...]:
        return tuple(
            FieldNode(
                name.removesuffix("[]"),
                fields[shape],
                name.endswith("[]"),
                frozenset(named for f in fields[shape] for named in (f.name, *f.others)),
            )
            for name, shape in shapes.items()
        )

    return {
        infno: Transaction(infno, row["name"], nodes(row["in"]), nodes(row.get("out", {})))
        for infno, row in tables["transactions"].items()
    }


def _fields(texts: list[str], before: dict[str, tuple[Field, ...]]) -> tuple[Field, ...]:
    """A node's fields, with those of the nodes before it that it takes in."""
    named: dict[str, Field] = {}
    for text in texts:
        for field in before[text[1:]] if text[0] == "@" else (_field(text),):
            named[field.name] = field
    return tuple(named.values())


def _field(text: str) -> Field:
    name, kind, *marks = text.split()
    size, _, scale = kind[1:].partition(",")
    others = tuple(mark[1:] for mark in marks if mark[0] == "=")
    return Field(name, kind[0], int(size or 0), int(scale or 0), "*" in marks, others)


TRANSACTIONS = load()
