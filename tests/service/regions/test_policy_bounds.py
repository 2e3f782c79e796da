"""Every number and day of a region's file has bounds; a value beyond them is refused."""

import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from aggregates.vocabulary import FEN_MAX
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_book import load
from service.regions.policy_files import NONE_WORD
from tests.service.regions.test_policy_book import P0, a_region, problems_of
from tests.service.regions.test_policy_words import Place, key_of, with_value

EVERY_LIMIT = a_region(
    P0,
    ("= 2020-01-01", "= 2020-01-01\neffective_until = 2030-01-01"),
    ('"UNTIL_CLEARED"', "{ days = 30 }"),
    ('sponsor_buckets        = "ALL"', 'sponsor_buckets = "ALL"\ncredit_four_eyes_above_fen = 5'),
)
"""P0 with the limits that it leaves out, but for those that it calls "none"."""
TEXTS = {"P0": P0}
TEXTS["every limit"] = EVERY_LIMIT
DAYS = [date.min, date(1899, 12, 31), date(2200, 1, 1), date.max]
NUMBERS = [10**20, -(10**20), -1]
EDGES = [
    ("money", "reserve_fen", 0, FEN_MAX),
    ("money", "cap_per_day_fen", 0, FEN_MAX),
    ("money", "credit_four_eyes_above_fen", 0, FEN_MAX),
    ("premium", "premium_standard_fen", 1, FEN_MAX),
    ("order", "max_payers_per_settlement", 1, 1000),
    ("binding", "max_sponsors_per_beneficiary", 0, 1000),
    ("binding", "relation_max", 0, 1000),
    ("binding", "changes_per_year", 0, 1000),
    ("binding", "binding_default_months", 1, 1200),
    ("binding", "binding_max_months", 1, 1200),
    ("binding", "min_bind_days", 0, 36_500),
    ("binding", "rebind_lock_days", 0, 36_500),
    ("refund", "refund_window", 0, 36_500),
    ("binding", "invite_ttl_hours", 1, 8_760),
    ("premium", "premium_reverse_min_age_minutes", 0, 525_600),
    ("quote", "quote_ttl_seconds", 1, 31_536_000),
]
INNER = {
    "premium_standard_fen": "RESIDENT_BASIC",
    "relation_max": "SPOUSE",
    "refund_window": "days",
}


def bounded(value: object, at: Place = ()) -> Iterator[tuple[Place, bool]]:
    """The places of a parsed file with a number, "none" for one, or a day."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from bounded(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from bounded(inner, (*at, number))
    elif isinstance(value, date):
        yield at, True
    elif type(value) is int or (value == NONE_WORD and not key_of(at).startswith("order.order_")):
        yield at, False


def too_much(at: Place, *, is_day: bool) -> list[date] | list[int]:
    """Values out of bounds for a place; for fen one is just above the largest amount."""
    if is_day:
        return DAYS
    return [*NUMBERS, FEN_MAX + 1 if "_fen" in key_of(at) else 10**12]


@pytest.mark.parametrize("file", sorted(TEXTS))
def test_a_number_or_a_day_beyond_its_bounds_is_refused_with_the_bounds(
    tmp_path: Path, file: str
) -> None:
    """Each number and day of each file in turn is far too large or too small."""
    places = list(bounded(tomllib.loads(TEXTS[file])))
    assert len(places) > 20
    for at, is_day in places:
        for value in too_much(at, is_day=is_day):
            problems = problems_of(tmp_path, told=with_value(TEXTS[file], at, value))
            said = [problem.what for problem in problems if problem.key == key_of(at)]
            assert any(str(value) in what and "between" in what for what in said), (
                f"{file}: {key_of(at)} takes {value}"
            )


@pytest.mark.parametrize(("section", "key", "least", "most"), EDGES)
def test_a_number_may_be_as_small_and_as_great_as_its_bounds(
    tmp_path: Path, section: str, key: str, least: int, most: int
) -> None:
    """The bounds are sound, the next numbers are not, and a refusal names both."""
    inner = (INNER[key],) if key in INNER else ()
    at: Place = ("edition", 0, section, key, *inner)
    for value in (least, most):
        assert [] == problems_of(tmp_path, told=with_value(EVERY_LIMIT, at, value))
    for value in (least - 1, most + 1):
        (problem,) = problems_of(tmp_path, told=with_value(EVERY_LIMIT, at, value))
        assert ("told.toml", key_of(at)) == (problem.file, problem.key)
        assert f"{value}, not between {least} and {most}" in problem.what


@pytest.mark.parametrize("on", ["1900-01-01", "2199-12-31"])
def test_an_edition_may_begin_on_the_first_and_the_last_day(tmp_path: Path, on: str) -> None:
    """From 1900 to 2199."""
    assert [] == problems_of(tmp_path, told=a_region(P0, ("= 2020-01-01", f"= {on}")))


@pytest.mark.parametrize("value", ["9" * 5000, "0x" + "f" * 5000, "1e400", "[" * 5000])
def test_a_value_too_long_or_too_deep_to_be_read_is_refused(tmp_path: Path, value: str) -> None:
    """The refusal names the file even if the value cannot be written out."""
    text = a_region(P0, ("reserve_fen            = 0", f"reserve_fen = {value}"))

    assert {"told.toml"} == {problem.file for problem in problems_of(tmp_path, told=text)}


def test_the_log_gives_back_what_no_file_may_state(tmp_path: Path) -> None:
    """An edition published before there were bounds is still read from the log."""
    assert [] == problems_of(tmp_path, told=EVERY_LIMIT)
    sound = canonical(load(tmp_path).editions("990000")[0]).decode()
    content = a_region(
        sound,
        ('"binding_default_months":null', '"binding_default_months":1000000000'),
        ('"effective_on":"2020-01-01"', '"effective_on":"0001-01-01"'),
    ).encode()

    assert content == canonical(from_canonical(content))
