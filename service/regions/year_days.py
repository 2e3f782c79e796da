"""On which days an area's insurance year begins, read from its published editions."""

from datetime import date
from functools import lru_cache

from msgspec import json

from aggregates.account.insurance_year import NEW_YEAR
from aggregates.account.year_close import YearDay


@lru_cache(maxsize=1024)
def year_days(editions: tuple[tuple[str, str], ...]) -> tuple[YearDay, ...]:
    """The days of an area's editions, given as id and canonical JSON; oldest first."""
    told = [json.decode(content) for _, content in editions]
    days = (
        YearDay(
            date.fromisoformat(edition["effective_on"]),
            edition["money"].get("insurance_year_from", NEW_YEAR),
        )
        for edition in told
    )
    return tuple(sorted(days))
