"""The regions' files: what is refused, and with which message."""

from datetime import date
from pathlib import Path

import pytest

from aggregates.policy.choices import OrderStrategy
from aggregates.policy.edition import NoEditionInForceError, RefundDays
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_book import PolicyFilesError, check, load
from service.regions.policy_files import PolicyProblem

REGIONS = Path(__file__).parents[3] / "service" / "regions"
P0 = (REGIONS / "P0.toml").read_text(encoding="utf-8")
SHIPPED = load(REGIONS)


def a_region(text: str, *changes: tuple[str, str]) -> str:
    """The text of a file with parts of it replaced, each of them once."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def a_second_edition(on: str) -> str:
    """P0's edition with another id and first day."""
    changed = a_region(P0, ("p0/2020-01", "p0/second"), ("= 2020-01-01", f"= {on}"))
    return "\n" + changed[changed.index("[[edition]]") :]


def problems_of(folder: Path, **files: str) -> list[PolicyProblem]:
    """The problems that `check` finds in these files."""
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return check(folder)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('order_strategy            = "BENEFICIARY_SET"', "", "order.order_strategy"),
        ('order_strategy            = "B', 'order_strategy = "none" # "B', "order.order_strategy"),
        ('order_fallback            = "BIND_TIME_ASC"', "", "order.order_fallback"),
        ("= 2020-01-01", "= 2020-01-01T00:00:00", "effective_on"),
        ("= 2020-01-01", "= 07:00:00", "effective_on"),
        ("reserve_fen            = 0", "reserve_fen = 0.0", "money.reserve_fen"),
        ("reserve_fen            = 0", "reserve_fen = false", "money.reserve_fen"),
        ("reserve_fen            = 0", "reserve_fen = '0'", "money.reserve_fen"),
        ("reserve_fen            = 0", "reserve_fen = -1", "money.reserve_fen"),
        ('cap_per_day_fen        = "none"', "cap_per_day_fen = -1", "money.cap_per_day_fen"),
        (
            "premium_standard_fen = { RESIDENT_BASIC = 40000 }",
            "premium_standard_fen = { RESIDENT_BASIC = -40000 }",
            "premium.premium_standard_fen.RESIDENT_BASIC",
        ),
        (
            "premium_standard_fen = { RESIDENT_BASIC = 40000 }",
            "premium_standard_fen = {}",
            "premium.premium_standard_fen",
        ),
        ("invite_ttl_hours  = 72", "invite_ttl_hours = -1", "binding.invite_ttl_hours"),
        ("invite_ttl_hours  = 72", "invite_ttl_days = 3", "binding.invite_ttl_days"),
        ('"CLAMP"', '"clamp"', "money.cap_on_exceed"),
        ('"SPOUSE", "PARENT"', '"SPOUSE", "COUSIN"', "binding.relations_allowed.1"),
        ("{ SPOUSE = 1, F", "{ COUSIN = 1, F", "binding.relation_max.COUSIN"),
        ('drug         = "OWN_AND_AID"', 'sweets = "OWN"', "items.item_category_rule.sweets"),
        ('{ from = "09-01", to', '{ from = "02-30", to', "premium.premium_window.from"),
        ('{ from = "09-01", to', '{ since = "09-01", to', "premium.premium_window.from"),
        ('"UNTIL_CLEARED"', "{ days = -1 }", "refund.refund_window.days"),
        ('"UNTIL_CLEARED"', '{ days = "30" }', "refund.refund_window.days"),
        ('closed = "SUSPENSE", ', "", "refund.refund_to_ended_account.closed"),
        (
            '{ place = "*",             class = "*", use = "OFF", filing = true },',
            "",
            "place.place_scope",
        ),
        (
            '{ place = "*",             class = "*"',
            '{ place = "*", class = "hospital"',
            "place.place_scope",
        ),
        ('"same_province", class', '"next_door", class', "place.place_scope.1.place"),
        (
            '"same_province", class = "*"',
            '"same_province", class = "spa"',
            "place.place_scope.1.class",
        ),
        (
            '"same_province", class = "*", use = "ON"',
            '"same_province", class = "*", use = "WHITELIST"',
            "place.place_scope.1.use",
        ),
        (
            'max_payers_per_settlement = "none"',
            "max_payers_per_settlement = 0",
            "order.max_payers_per_settlement",
        ),
        (
            'order_fallback            = "BIND_TIME_ASC"',
            'order_fallback = "SPONSOR_SET"',
            "order.order_fallback",
        ),
        (
            'order_fallback            = "BIND_TIME_ASC"',
            'order_fallback = "SAME_REGION_FIRST"',
            "order.order_then",
        ),
        ('order_then                = "none"', 'order_then = "SPONSOR_SET"', "order.order_then"),
        ('"scenario tables"', '" "', "source"),
        ('evidence     = "synthetic"', 'evidence = "D"', "evidence"),
        (
            "[edition.quote]",
            "[edition.evidence_of]\nreserve = 'B'\n[edition.quote]",
            "evidence_of.reserve",
        ),
        ("[edition.quote]", "[edition.evidence_of]\nid = 'Bx'\n[edition.quote]", "evidence_of.id"),
        ("[edition.quote]", "[edition.extra]\n[edition.quote]", "extra"),
        ("[[edition]]", '[[edition]]\nregion = "990001"', "edition.region"),
        ("= 2020-01-01", "= 2020-01-01\neffective_until = 2020-01-01", "effective_until"),
    ],
)
def test_an_unsound_edition_is_refused_by_file_edition_and_key(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    """Whatever is missing, unknown or impossible is named with its place."""
    problems = problems_of(tmp_path, broken=a_region(P0, (old, new)))

    assert ("broken.toml", "p0/2020-01", key) in [
        (problem.file, problem.edition, problem.key) for problem in problems
    ]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (P0.replace('"990000"', '"99000"'), "code"),
        (P0.replace("code = ", "county = "), "county"),
        (P0.replace('name = "P0"', 'name = ""'), "name"),
        (P0[: P0.index("[[edition]]")], "edition"),
        (P0[: P0.index("[[edition]]")] + "edition = []", "edition"),
        ("this is no TOML", ""),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(tmp_path: Path, text: str, key: str) -> None:
    """The top of a file is as strict as its editions."""
    problems = problems_of(tmp_path, broken=text)

    assert ("broken.toml", "", key) in [
        (problem.file, problem.edition, problem.key) for problem in problems
    ]


def test_a_fallback_that_is_not_stated_cannot_be_published(tmp_path: Path) -> None:
    """FALLBACK without a fallback order is refused (S38)."""
    text = a_region(P0, ('order_fallback            = "BIND_TIME_ASC"', 'order_fallback = "none"'))
    problems = problems_of(tmp_path, broken=text)

    assert ["order.order_fallback"] == [problem.key for problem in problems]


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """One run reports every problem."""
    bad = a_region(P0, ("= 72", "= -1"), ('"CLAMP"', '"MAYBE"'), ("= 900\n", "= '900'\n"))
    negative = a_region(P0, ("= 72", "= -1"), ("= 120", "= -2"))
    problems = problems_of(tmp_path, a=bad, b=negative, c="?")

    found = {(problem.file, problem.key) for problem in problems}
    assert {
        ("a.toml", "money.cap_on_exceed"),
        ("a.toml", "quote.quote_ttl_seconds"),
        ("b.toml", "binding.invite_ttl_hours"),
        ("b.toml", "premium.premium_reverse_min_age_minutes"),
        ("c.toml", ""),
    } == found
    with pytest.raises(PolicyFilesError) as refusal:
        load(tmp_path)
    assert tuple(problems) == refusal.value.problems


@pytest.mark.parametrize(
    ("until", "begins", "key"),
    [
        ("2024-12-31", "2025-01-01", "effective_until"),  # a gap of a day
        ("2025-01-02", "2025-01-01", "effective_until"),  # an overlap of a day
        (None, "2020-01-01", "effective_on"),  # both on the same day
        (None, "2019-12-31", "effective_on"),  # the second before the first
    ],
)
def test_editions_follow_each_other_day_by_day(
    tmp_path: Path, until: str | None, begins: str, key: str
) -> None:
    """An overlap and a gap between editions are refused."""
    stated = f"= 2020-01-01\neffective_until = {until}" if until else "= 2020-01-01"
    text = a_region(P0, ("= 2020-01-01", stated)) + a_second_edition(begins)
    problems = problems_of(tmp_path, broken=text)

    assert [key] == [problem.key for problem in problems]


def test_a_new_edition_ends_the_old_one_and_changes_nothing_in_it(tmp_path: Path) -> None:
    """The stored text of the old edition is unchanged."""
    assert [] == problems_of(tmp_path, grown=P0 + a_second_edition("2025-01-01"))
    book = load(tmp_path)

    old, new = book.editions("990000")
    assert old == book.edition("990000", date(2024, 12, 31))
    assert new == book.edition("990000", date(2025, 1, 1))
    assert canonical(SHIPPED.editions("990000")[0]) == canonical(old)


def test_an_id_or_a_region_is_used_once_over_all_files(tmp_path: Path) -> None:
    """The same file under two names is refused for both reasons."""
    problems = problems_of(tmp_path, a=P0, b=P0)

    expected = {("b.toml", "p0/2020-01", "id"), ("b.toml", "", "code")}
    assert expected == {(problem.file, problem.edition, problem.key) for problem in problems}


def test_an_id_is_used_once_in_a_file(tmp_path: Path) -> None:
    """A second edition needs its own id."""
    second = a_region(a_second_edition("2025-01-01"), ("p0/second", "p0/2020-01"))

    assert ["id"] == [problem.key for problem in problems_of(tmp_path, twice=P0 + second)]


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    """A wrong path is refused at start."""
    assert ["holds no region's file"] == [problem.what for problem in check(tmp_path)]


def test_a_problem_is_one_line_for_a_terminal() -> None:
    """File, edition and key come first, then the problem."""
    problem = PolicyProblem(file="a.toml", edition="a/1", key="money.reserve_fen", what="is odd")

    assert problem.line() == "a.toml a/1 money.reserve_fen: is odd"


def test_a_region_that_is_not_in_the_book_has_no_edition() -> None:
    """Neither a neighbour nor the province replaces it."""
    with pytest.raises(NoEditionInForceError):
        SHIPPED.edition("542501", date(2026, 1, 1))
    assert () == SHIPPED.editions("542501")


def test_words_for_the_same_region_first_and_for_days_are_understood(tmp_path: Path) -> None:
    """Both rules with a further value are read with it."""
    text = a_region(
        P0,
        ('order_fallback            = "BIND_TIME_ASC"', 'order_fallback = "SAME_REGION_FIRST"'),
        ('order_then                = "none"', 'order_then = "BALANCE_DESC"'),
        ('"UNTIL_CLEARED"', "{ days = 30 }"),
        (
            '"same_province", class = "*", use = "ON",  filing',
            '"320100", class = "pharmacy", use = "WHITELIST", institutions = ["P1"], filing',
        ),
    )
    assert [] == problems_of(tmp_path, rich=text)
    edition = load(tmp_path).editions("990000")[0]

    assert edition.order.order_then is OrderStrategy.BALANCE_DESC
    assert RefundDays(days=30) == edition.refund.refund_window
    assert ("P1",) == edition.place.place_scope[1].institutions
    assert edition == from_canonical(canonical(edition))
