"""Every word of a region's file is of a vocabulary; another one is refused."""

import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from aggregates.account.state import Account, Filing
from aggregates.policy.choices import PERSON_CLASSES
from aggregates.settlement.place_of_care import person_classes
from aggregates.vocabulary import FilingKind, Insurance, InsuranceStatus
from service.regions.policy_book import check
from service.regions.policy_files import PolicyProblem
from tests.service.regions.test_policy_book import P0, REGIONS, a_region, problems_of
from tests.service.regions.test_regions import as_toml

ON = date(2026, 3, 2)
FREE = {"name", "id", "source", "institutions"}
"""Keys whose text is free: names of a region and an edition, a source, institutions' codes."""
RICH = a_region(
    P0,
    (
        '"same_province", class = "*", use = "ON",  filing',
        (
            '"320100", class = "pharmacy", use = "WHITELIST", institutions = ["H1"],'
            ' person_classes = ["RETIRED", "LONG_TERM"], filing'
        ),
    ),
    ("sensitive_institution_classes = []", 'sensitive_institution_classes = ["checkup"]'),
    ("excluded_persons", 'excluded_persons = ["PUBLIC_MEDICAL_CARE"] #'),
    ('order_then                = "none"', 'order_then = "BALANCE_DESC"'),
    ("[edition.quote]", "[edition.evidence_of]\nreserve_fen = 'B guide'\n[edition.quote]"),
)
"""P0 with every word that a file may hold and the shipped ones need not."""
TEXTS = {"P0": P0}
TEXTS["rich"] = RICH
WORDS = {
    "order.order_strategy": ["BENEFICIARY_SET", "SAME_REGION_FIRST"],
    "binding.relations_allowed.0": ["SPOUSE", "GRANDCHILD_MATERNAL"],
    "place.place_scope.1.place": ["*", "same_region", "same_province"],
    "place.place_scope.1.class": ["hospital", "pharmacy", "checkup", "*"],
    "place.place_scope.1.person_classes.0": ["NORMAL", "RETIRED", "LONG_TERM", "TEMPORARY"],
    "place.med_types_allowed.0": ["11", "14", "21", "41", "81"],
    "place.sensitive_institution_classes.0": ["hospital", "pharmacy", "checkup"],
    "premium.premium_window.from": ["MM-DD"],
    "evidence_of.reserve_fen": ["A", "B", "C", "own", "synthetic"],
    "refund.refund_window": ["SAME_DAY", "UNTIL_CLEARED", "UNLIMITED"],
}
"""Some of the words that a refusal must name, by key; every refusal names something."""

Place = tuple[str | int, ...]


def words_of(value: object, at: Place = ()) -> Iterator[Place]:
    """The places of the words of a parsed file, without free texts."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in FREE:
                yield from words_of(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from words_of(inner, (*at, number))
    elif isinstance(value, str):
        yield at


def with_value(text: str, at: Place, value: object) -> str:
    """The text of a file with one value replaced."""
    parsed: dict[str, Any] = tomllib.loads(text)
    table: Any = parsed
    for step in at[:-1]:
        table = table[step]
    table[at[-1]] = value
    return "\n".join(f"{name} = {as_toml(stated)}" for name, stated in parsed.items())


def key_of(at: Place) -> str:
    """The dotted key as a problem names it: from inside the edition."""
    return ".".join(map(str, at[2:] if at[0] == "edition" else at))


@pytest.mark.parametrize("file", sorted(TEXTS))
def test_a_word_of_no_vocabulary_is_refused_with_the_words_there_are(
    tmp_path: Path, file: str
) -> None:
    """Each word in turn is "bananas"; the problem names file, key and valid words."""
    places = list(words_of(tomllib.loads(TEXTS[file])))
    assert len(places) > 50
    for at in places:
        problems = problems_of(tmp_path, told=with_value(TEXTS[file], at, "bananas"))
        named = [problem for problem in problems if problem.key == key_of(at)]
        assert named, f"{file}: {key_of(at)} takes anything"
        assert {"told.toml"} == {problem.file for problem in named}
        line = " ".join(problem.what for problem in named)
        assert "bananas" in line
        for word in WORDS.get(key_of(at), []):
            assert word in line, f"{key_of(at)}: {line}"
        assert len(line) > len("bananas") + 20


def test_the_rich_file_is_sound_and_holds_every_word(tmp_path: Path) -> None:
    """The file is sound, so the refusals above are for the one word."""
    assert [] == problems_of(tmp_path, rich=RICH)
    keys = {key_of(at) for at in words_of(tomllib.loads(RICH))}
    assert keys >= WORDS.keys() - {"binding.relations_allowed.0"}


@pytest.mark.parametrize(
    "words", [["11"], ["2"], ["1301"], ["140104"], ["81"], ["9107"], ["11", "21", "41", "51"]]
)
def test_a_kind_of_care_is_a_national_code_its_extension_or_its_group(
    tmp_path: Path, words: list[str]
) -> None:
    """A region's own codes extend a national one, or begin with 9."""
    stated = 'med_types_allowed = ["11", "13", "14", "21", "41"]'
    text = a_region(P0, (stated, f"med_types_allowed = {as_toml(words)}"))

    assert [] == problems_of(tmp_path, told=text)


@pytest.mark.parametrize("word", ["", "1 1", "19", "3", "OUTPATIENT", "1411111", "11.", "一一"])
def test_what_is_no_kind_of_care_is_refused(tmp_path: Path, word: str) -> None:
    """Words, unknown groups, and codes longer than the national field."""
    stated = 'med_types_allowed = ["11", "13"'
    text = a_region(P0, (stated, f'med_types_allowed = ["{word}", "13"'))
    problems = problems_of(tmp_path, told=text)

    assert ["place.med_types_allowed.0"] == [problem.key for problem in problems]


def test_a_patients_classes_are_words_of_the_vocabulary() -> None:
    """A whitelist may name exactly the classes that a patient can have."""
    found: set[str] = set()
    for standing in InsuranceStatus:
        for kind in FilingKind:
            filing = Filing("320100", kind, ON, None)
            account = Account("990000", Insurance.EMPLOYEE, standing, (), 2026, filings=(filing,))
            found |= person_classes(account, "320100", ON)

    assert set(PERSON_CLASSES) == found


def test_the_shipped_files_are_sound() -> None:
    """The shipped files use valid words only."""
    found: list[PolicyProblem] = check(REGIONS)
    assert [] == found
