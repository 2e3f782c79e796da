"""Pooling areas (统筹区): which one an administrative code belongs to (regions.md §1).

A person is insured in a pooling area, not in a district or a province. The table `areas.toml`
lists every area and the provinces that pool as a whole.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

AREAS_FILE = "areas.toml"
_CODE = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Areas:
    """The table: names by code, and the provinces that are one pooling area."""

    names: Mapping[str, str]
    whole_provinces: frozenset[str]

    def pooling_area(self, code: str) -> str:
        """The pooling area of a six-digit code.

        A listed code is an area of its own, unless its province pools as a whole; every other
        code belongs to its prefecture, xxyy00. A text that is no code is returned as it is.
        """
        if not _CODE.fullmatch(code):
            return code
        province = province_of(code)
        if province in self.whole_provinces:
            return province
        return code if code in self.names else f"{code[:4]}00"

    def of_province(self, province: str) -> tuple[str, ...]:
        """The pooling areas of a province, the province's own code left out."""
        inside = (code for code in self.names if province_of(code) == province != code)
        return () if province in self.whole_provinces else tuple(sorted(inside))


def province_of(code: str) -> str:
    """The code of an area's province: xx0000."""
    return f"{code[:2]}0000"


def read_areas(file: Path) -> Areas:
    """The table of a file of names and whole provinces."""
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return Areas(table["names"], frozenset(table["whole_provinces"]))


@cache
def shipped_areas() -> Areas:
    """The table that is shipped."""
    return read_areas(Path(__file__).with_name(AREAS_FILE))
