"""A bill, and how much of it nobody, own money alone, or aid too may pay (policy.md §3.2, S94)."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.money_model.buckets import RANKS, Kinds, kinds_of
from tests.money_model.rules import Rules

WHOLE = ""
"""The name of the one line of a bill that came without lines."""


class Line(NamedTuple):
    """One line of the personal part; `fen` is its amount."""

    name: str
    category: str
    part: str
    fen: int


class Bill(NamedTuple):
    """A patient's bill at an institution; `lines` are the personal part, in fen."""

    patient: str
    visit: str
    lines: tuple[Line, ...] | int
    fund: int = 0
    institution: str = "H1"
    batch: str = "1"
    use_account: bool = True
    use_aid: bool = True

    @property
    def place(self) -> tuple[str, str, str]:
        """What only one live settlement may have (S55)."""
        return self.institution, self.visit, self.batch

    def amounts(self) -> dict[str, int]:
        """What each line asks for."""
        if isinstance(self.lines, int):
            return {WHOLE: self.lines}
        return {line.name: line.fen for line in self.lines}

    @property
    def personal(self) -> int:
        """All lines together."""
        return sum(self.amounts().values())


class Need(NamedTuple):
    """What is asked of a family: by nobody payable, by own money alone, by aid too.

    `lines` say it by the kinds of money that may pay, where buckets have rules.
    """

    nobody: int
    own_only: int
    shared: int
    lines: tuple[tuple[Kinds, int], ...] | None = None

    @property
    def fen(self) -> int:
        """All three."""
        return self.nobody + self.own_only + self.shared


def rank_of(line: Line, rules: Rules) -> int:
    """Who may pay a line: the narrower of its kind's rule and its part's."""
    kind = rules["item_category_rule"].get(line.category, "NONE")
    part = rules["item_part_rule"].get(line.part, "NONE")
    return min(RANKS.index(kind), RANKS.index(part))


def _kinds(bill: Bill, rules: Rules) -> dict[str, Kinds]:
    """The kinds of money that may pay each line."""
    if isinstance(bill.lines, int):
        return {WHOLE: kinds_of(None, "in_scope", 2, rules)}
    return {
        line.name: kinds_of(line.category, line.part, rank_of(line, rules), rules)
        for line in bill.lines
    }


def _ranked(bill: Bill, rules: Rules) -> list[tuple[int, str]]:
    if rules["bucket_rules"]:
        return [
            (2 if any(whose == "AID" for whose, _ in kinds) else len(kinds) and 1, name)
            for name, kinds in _kinds(bill, rules).items()
        ]
    if isinstance(bill.lines, int):
        return [(2, WHOLE)]
    return [(rank_of(line, rules), line.name) for line in bill.lines]


def need_of(bill: Bill, rules: Rules, back: Mapping[str, int]) -> Need:
    """What a bill asks for, less what was given back of each line."""
    sums = [0, 0, 0]
    for rank, name in _ranked(bill, rules):
        sums[rank] += bill.amounts()[name] - back.get(name, 0)
    need = Need(sums[0], sums[1], sums[2])
    if not rules["bucket_rules"]:
        return need
    lines = tuple(
        (kinds, bill.amounts()[name] - back.get(name, 0))
        for name, kinds in _kinds(bill, rules).items()
    )
    return need._replace(lines=lines)


def spread(fen: int, bill: Bill, rules: Rules, back: Mapping[str, int]) -> dict[str, int]:
    """Put a refund by amount on the lines: unpayable ones, own-only ones, then shared ones.

    Inside a group the last line comes first. Whoever asks has made sure that so much stays.
    """
    ranked = _ranked(bill, rules)
    found = {}
    for rank in range(len(RANKS)):
        for _, name in reversed([one for one in ranked if one[0] == rank]):
            found[name] = min(fen, bill.amounts()[name] - back.get(name, 0))
            fen -= found[name]
    assert not fen, "more is given back than stays"
    return {name: one for name, one in found.items() if one}
