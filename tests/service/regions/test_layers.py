"""Layers: a file states what differs, and every area has whole editions in its own name."""

from datetime import date
from pathlib import Path

import pytest

from aggregates.policy.choices import OrderStrategy, PayableBy
from aggregates.policy.edition import NoEditionInForceError
from aggregates.vocabulary import Category
from service.regions.areas import shipped_areas
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_book import PolicyBook, check, load
from service.regions.policy_files import PolicyProblem

REGIONS = Path(__file__).parents[3] / "service" / "regions"
BASE = (REGIONS / "100000.toml").read_text(encoding="utf-8")
SOURCES = (REGIONS / "sources.toml").read_text(encoding="utf-8")
PROVINCE = """
code = "420000"
name = "湖北省"
inherits = "100000"
covers = "all"

[[edition]]
id = "hubei/a"
effective_on = 2026-01-01
source = "test"
evidence = "C"
[edition.order]
order_strategy = "BIND_TIME_DESC"
[edition.items]
item_category_rule = { vaccine = "OWN_AND_AID" }
[edition.evidence_of]
order_strategy = "A gov-2024-38"
"item_category_rule.vaccine" = "own: a test"
"""
PROVINCE_NEXT = """
[[edition]]
id = "hubei/b"
effective_on = 2027-01-01
source = "test"
evidence = "C"
[edition.order]
order_strategy = "BALANCE_DESC"
[edition.evidence_of]
order_strategy = "own: a test"
"""
CITY = """
code = "420600"
name = "襄阳市"
inherits = "420000"

[[edition]]
id = "xiangyang/a"
effective_on = 2026-06-01
source = "test"
evidence = "own"
[edition.binding]
max_beneficiaries_per_sponsor = 6
[edition.evidence_of]
max_beneficiaries_per_sponsor = "own: a test"
"""


def folder(path: Path, **files: str) -> Path:
    """A folder of files, with the base and the sources."""
    for name, text in {"100000": BASE, "sources": SOURCES, **files}.items():
        (path / f"{name}.toml").write_text(text, encoding="utf-8")
    return path


def problems(path: Path, **files: str) -> list[tuple[str, str, str]]:
    """File, key and complaint of every problem."""
    return [(p.file, p.key, p.what) for p in check(folder(path, **files))]


@pytest.fixture
def book(tmp_path: Path) -> PolicyBook:
    """Hubei with two editions, and Xiangyang over it."""
    return load(folder(tmp_path, hubei=PROVINCE + PROVINCE_NEXT, xiangyang=CITY))


@pytest.mark.parametrize(
    ("code", "area"),
    [
        ("420106", "420100"),  # a district belongs to its prefecture
        ("420100", "420100"),
        ("420000", "420000"),
        ("110105", "110000"),  # Beijing pools as a whole
        ("119900", "110000"),
        ("469024", "460000"),  # and so does Hainan, its counties included
        ("500101", "500000"),
        ("310115", "310000"),
        ("120225", "120000"),
        ("429004", "429004"),  # Xiantao belongs to the province alone
        ("429900", "429900"),  # the provincial units
        ("659001", "659001"),
        ("542521", "542500"),
        ("990001", "990000"),
        ("", ""),
        ("Wuhan", "Wuhan"),
    ],
)
def test_a_code_belongs_to_its_pooling_area(code: str, area: str) -> None:
    """By rule the prefecture; by table whole provinces and areas under the province."""
    assert area == shipped_areas().pooling_area(code)


def test_a_city_states_only_what_differs(book: PolicyBook) -> None:
    """The rest is its province's, and what that leaves out is the base's."""
    edition = book.edition("420600", date(2026, 7, 1))

    assert "xiangyang/a over hubei/a over national/2025-01" == edition.id
    assert ("420600", "襄阳市") == (edition.region, edition.region_name)
    assert 6 == edition.binding.max_beneficiaries_per_sponsor
    assert OrderStrategy.BIND_TIME_DESC is edition.order.order_strategy
    assert PayableBy.OWN_AND_AID is edition.items.item_category_rule[Category.VACCINE]
    assert PayableBy.OWN_AND_AID is edition.items.item_category_rule[Category.DRUG]
    assert dict(edition.evidence_of)["order_strategy"] == "A gov-2024-38"
    assert edition == from_canonical(canonical(edition))


def test_a_new_date_of_either_layer_makes_a_new_edition(book: PolicyBook) -> None:
    """The province's next edition reaches the city on its day."""
    ids = [(edition.effective_on, edition.id) for edition in book.editions("420600")]

    assert [
        (date(2026, 6, 1), "xiangyang/a over hubei/a over national/2025-01"),
        (date(2027, 1, 1), "xiangyang/a over hubei/b over national/2025-01"),
    ] == ids
    later = book.edition("420600", date(2027, 1, 1))
    assert OrderStrategy.BALANCE_DESC is later.order.order_strategy
    assert 6 == later.binding.max_beneficiaries_per_sponsor
    assert "own: a test" == dict(later.evidence_of)["order_strategy"]


def test_a_province_covers_its_areas_in_their_own_name(book: PolicyBook) -> None:
    """Every listed area of the province has an edition; other provinces have none."""
    wuhan = book.edition("420100", date(2026, 7, 1))

    assert ("420100", "武汉市") == (wuhan.region, wuhan.region_name)
    assert {"420000", "420100", "420600", "429004", "429900"} <= set(book.regions())
    with pytest.raises(NoEditionInForceError):
        book.edition("430100", date(2026, 7, 1))
    assert ("420000", None) == (book.nearest("421999"), book.nearest("430100"))


def test_a_layer_alone_repeats_no_edition_of_the_base(book: PolicyBook) -> None:
    """The base speaks for nobody."""
    assert "100000" not in book.regions()


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"city": CITY}, [("city.toml", "inherits", "420000 has no file here")]),
        (
            {"hubei": PROVINCE.replace('"100000"', '"420600"'), "city": CITY},
            [
                ("city.toml", "inherits", "420000 is unsound"),
                ("hubei.toml", "inherits", "420600 inherits from this file again"),
            ],
        ),
        (
            {"hubei": PROVINCE.replace("= 2026-01-01", "= 2024-12-31")},
            [
                (
                    "hubei.toml",
                    "effective_on",
                    "inherits from a file that has no edition in force on 2024-12-31",
                )
            ],
        ),
        (
            {"hubei": PROVINCE.replace('order_strategy = "A gov-2024-38"', "")},
            [("hubei.toml", "order.order_strategy", "has no citation in evidence_of")],
        ),
        (
            {"hubei": PROVINCE.replace("A gov-2024-38", "A x")},
            [
                (
                    "hubei.toml",
                    "evidence_of.order_strategy",
                    "names no source of sources.toml: x",
                )
            ],
        ),
        (
            {"hubei": PROVINCE.replace("A gov-2024-38", "own:")},
            [("hubei.toml", "evidence_of.order_strategy", "gives no reason after own:")],
        ),
        (
            {"hubei": PROVINCE, "city": CITY.replace('"420000"', '"420000"\ncovers = "all"')},
            [("city.toml", "covers", "only a province covers all its areas")],
        ),
        (
            {"hubei": PROVINCE.replace('covers = "all"', 'covers = ["420100", "430100"]')},
            [("hubei.toml", "covers.1", "430100 is no area of 420000")],
        ),
    ],
)
def test_what_cannot_be_laid_or_is_not_cited_is_named(
    tmp_path: Path, files: dict[str, str], found: list[tuple[str, str, str]]
) -> None:
    """Each fault with its file and key."""
    assert found == problems(tmp_path, **files)


def test_unsound_sources_are_a_problem(tmp_path: Path) -> None:
    """A file of sources that cannot be read is named."""
    (tmp_path / "sources.toml").write_text("a = 1", encoding="utf-8")
    (tmp_path / "100000.toml").write_text(BASE, encoding="utf-8")

    assert "sources.toml" in {problem.file for problem in check(tmp_path)}
    assert all(isinstance(problem, PolicyProblem) for problem in check(tmp_path))
