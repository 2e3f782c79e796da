"""The shipped regions, and what the log stores of their editions."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aggregates.policy.edition import Edition
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_book import check, load
from service.regions.policy_files import PolicyProblem, read_folder

ROOT = Path(__file__).parents[3]
REGIONS = ROOT / "service" / "regions"
SHIPPED = load(REGIONS)
EDITIONS = [edition for editions in SHIPPED.by_region.values() for edition in editions]
IDS = (ROOT / "tests" / "samples" / "policy_ids.txt").read_text(encoding="utf-8").split()


def as_toml(value: object) -> str:
    """A value of a TOML file, written on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {as_toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(as_toml(inner) for inner in value) + "]"
    return value.isoformat() if isinstance(value, date) else json.dumps(value)


def without_one_key() -> Iterator[tuple[str, str]]:
    """Every key of P0's edition, and P0's file without it."""
    keys = [(key,) for key in parsed_p0()["edition"][0]]
    deeper = [
        (*key, inner)
        for key in keys
        if isinstance(section := parsed_p0()["edition"][0][key[0]], dict)
        for inner in section
    ]
    for path in keys + deeper:
        file = parsed_p0()
        table = file["edition"][0]
        for name in path[:-1]:
            table = table[name]
        del table[path[-1]]
        text = "\n".join(f"{name} = {as_toml(value)}" for name, value in file.items())
        yield ".".join(path), text


def parsed_p0() -> dict[str, Any]:
    """P0's file as tables."""
    return tomllib.loads((REGIONS / "P0.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("key", "text"), list(without_one_key()))
def test_a_key_left_unsaid_is_missed_by_name(tmp_path: Path, key: str, text: str) -> None:
    """No key has a default; `order_then` may be missing until it is needed."""
    (tmp_path / "broken.toml").write_text(text, encoding="utf-8")

    name = "edition 1" if key == "id" else "p0/2020-01"
    missed = PolicyProblem(file="broken.toml", edition=name, key=key, what="is not stated")
    assert ([] if key == "order.order_then" else [missed]) == check(tmp_path)


def test_the_shipped_regions_are_sound() -> None:
    """The files have no problem; the base speaks for nobody."""
    assert [] == check(REGIONS)
    assert {"140000", "330000", "350000", "420000", "430000", "542500", "990000"} <= {
        *SHIPPED.by_region
    }
    assert () == SHIPPED.editions("100000")


def test_no_id_is_ever_taken_away() -> None:
    """The list of ids only grows: each id is in a file, and each file's ids are listed."""
    assert len(set(IDS)) == len(IDS)
    files = read_folder(REGIONS).files.values()
    assert set(IDS) == {str(stated["id"]) for file in files for stated in file.stated.edition}


@pytest.mark.parametrize("edition", EDITIONS, ids=lambda edition: edition.id)
def test_the_log_gives_back_the_edition_it_was_given(edition: Edition) -> None:
    """Canonical text and edition convert into each other."""
    content = canonical(edition)

    assert edition == from_canonical(content)
    assert content == canonical(from_canonical(content))
    spaceless = json.dumps(
        json.loads(content), ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    assert spaceless.encode() == content


def test_another_rule_is_another_text() -> None:
    """Editions that differ in one value have different texts."""
    edition = EDITIONS[0]

    assert canonical(replace(edition, source="elsewhere")) != canonical(edition)
