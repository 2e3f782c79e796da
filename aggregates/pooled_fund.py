"""What the pooled fund pays of a bill by a region's table. A stand-in, and marked as one.

The real sum is the insurance system's own; a region that has one answers it (service/fund.py).
This one knows a start line, a ratio and a ceiling for each bill, and a price list of prefixes.
Amounts in fen; ratios and shares in thousandths. The fund's part is rounded down to the fen.
"""

from collections.abc import Iterable
from typing import NamedTuple

from aggregates.settlement.events import FeeLine
from aggregates.visit import Fee
from aggregates.vocabulary import Category, Part

WHOLE = 1000
START = "start"
"""How the claim's line is called that holds what lies below the start line."""


class PricedCode(NamedTuple):
    """What a code's beginning tells: what it is, its grade (1 2 3), and the share paid first."""

    prefix: str
    category: Category
    grade: str
    first_permille: int


class Cover(NamedTuple):
    """How the fund covers one kind of bill."""

    start_fen: int
    ratio_permille: int
    ceiling_fen: int


class LineShare(NamedTuple):
    """One fee line by what may be covered of it, in fen."""

    fee: Fee
    priced: PricedCode
    full_self_fen: int
    first_self_fen: int
    in_scope_fen: int


class FundShare(NamedTuple):
    """A bill by the fund's part, and the personal part as a claim's lines."""

    total_fen: int
    fund_fen: int
    start_fen: int
    lines: tuple[FeeLine, ...]


def price(fee: Fee, catalogue: Iterable[PricedCode]) -> LineShare:
    """A fee line by its code: the longest prefix that fits; the empty one always does."""
    priced = max(
        (p for p in catalogue if fee.code.startswith(p.prefix)), key=lambda p: len(p.prefix)
    )
    if priced.first_permille == WHOLE:
        return LineShare(fee, priced, fee.amount_fen, 0, 0)
    first = fee.amount_fen * priced.first_permille // WHOLE
    return LineShare(fee, priced, 0, first, fee.amount_fen - first)


def share(fees: Iterable[Fee], catalogue: tuple[PricedCode, ...], cover: Cover) -> FundShare:
    """The fund's part of a bill, and what is left to the patient, by category and part."""
    shares = [price(fee, catalogue) for fee in fees]
    in_scope = sum(one.in_scope_fen for one in shares)
    start = min(in_scope, cover.start_fen)
    fund = min((in_scope - start) * cover.ratio_permille // WHOLE, cover.ceiling_fen)
    left: dict[tuple[Category, Part], int] = {}
    for one in shares:
        category = one.priced.category
        for part, fen in (
            (Part.FULL_SELF_PAY, one.full_self_fen),
            (Part.PRE_SELF_PAY, one.first_self_fen),
            (Part.IN_SCOPE, one.in_scope_fen),
        ):
            left[category, part] = left.get((category, part), 0) + fen
    total = sum(one.fee.amount_fen for one in shares)
    return FundShare(total, fund, start, _lines(left, fund, start))


def _lines(
    left: dict[tuple[Category, Part], int], fund_fen: int, start_fen: int
) -> tuple[FeeLine, ...]:
    """What is left as a claim's lines: fund and start line are taken from what is in scope."""
    lines: list[FeeLine] = []
    for (category, part), fen in sorted(left.items()):
        rest = fen
        if part is Part.IN_SCOPE:
            paid = min(rest, fund_fen)
            fund_fen -= paid
            rest -= paid
            below = min(rest, start_fen)
            start_fen -= below
            rest -= below
            if below:
                lines.append(_line(f"{category}.{START}", category, part, below))
        if rest:
            lines.append(_line(f"{category}.{part}", category, part, rest))
    return tuple(lines)


def _line(name: str, category: Category, part: Part, fen: int) -> FeeLine:
    return FeeLine(line=name, category=category, part=part, amount_fen=fen)
