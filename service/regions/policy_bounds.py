"""The bounds of each number and day of a region's file, by its unit.

They apply to files only: editions published before there were bounds are read from the log as
they are. Within the bounds every computed date and amount is representable.
"""

import re
from collections.abc import Iterator
from datetime import date

from aggregates.vocabulary import FEN_MAX

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)

_BY_UNIT = {
    "fen": (0, FEN_MAX),
    "months": (1, 1_200),
    "days": (0, 36_500),
    "hours": (1, 8_760),
    "minutes": (0, 525_600),
    "seconds": (1, 31_536_000),
    "wageyear": (2000, 2199),
}
"""Bounds by unit. The unit is in the key: `cap_per_day_fen` is fen, `min_bind_days` days."""
_COUNT = (0, 1_000)
"""A number without a unit is a count of persons, bindings or changes."""
_AT_LEAST_ONE = (
    "order.max_payers_per_settlement",
    "premium.premium_standard_fen.",
    "pool.transfers_per_month",
)
"""Keys that may not be 0: nobody could pay, or there would be nothing to pay."""


def beyond_bounds(content: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Key and complaint for every number and day out of bounds; `content` is dicts."""
    if isinstance(content, dict):
        for name, inner in content.items():
            yield from beyond_bounds(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(content, date):
        if not FIRST_DAY <= content <= LAST_DAY:
            yield key, f"is {content}, not between {FIRST_DAY} and {LAST_DAY}"
    elif isinstance(content, int) and not isinstance(content, bool):
        least, most = _bounds_of(key)
        if not least <= content <= most:
            yield key, f"is {content}, not between {least} and {most}"


def _bounds_of(key: str) -> tuple[int, int]:
    units = [word for word in re.split(r"[._]", key) if word in _BY_UNIT]
    least, most = _BY_UNIT[units[0]] if units else _COUNT
    return 1 if key.startswith(_AT_LEAST_ONE) else least, most
