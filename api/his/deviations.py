"""What `deviations.toml` declares, by transaction, and the other data files of this folder."""

import itertools
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from api.his.wire.field_tables import TRANSACTIONS

FOLDER = Path(__file__).parent


class DeclaredDeviation(NamedTuple):
    """Fields that a node has otherwise than the published tables; none is the whole node."""

    side: str
    node: str
    fields: tuple[str, ...]
    what: str
    zh: str


def read_toml(name: str) -> dict[str, Any]:
    """A data file of this folder."""
    return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def deviations() -> Mapping[str, tuple[DeclaredDeviation, ...]]:
    """The deviations of `deviations.toml` by the transaction's number."""
    found: dict[str, list[DeclaredDeviation]] = {infno: [] for infno in TRANSACTIONS}
    for row in read_toml("deviations.toml")["deviation"]:
        for line in row["where"]:
            places, _, fields = line.partition(":")
            words = places.split()
            infnos = list(itertools.takewhile(TRANSACTIONS.__contains__, words))
            node = " ".join(words[len(infnos) :])
            told = (row["side"], node, tuple(fields.split()), row["what"], row["zh"])
            for infno in infnos:
                found[infno].append(DeclaredDeviation(*told))
    return {infno: tuple(rows) for infno, rows in found.items()}
