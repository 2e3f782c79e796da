"""What the pooled fund pays of a bill by a region's table: a stand-in, and marked as one.

The real sum comes from the insurance system of a region that has one
(`service/adapters/pooled_fund.py`). The stand-in has a start line, a ratio and a ceiling for each
bill, and a price list of code prefixes. Amounts are in fen, ratios and shares in thousandths; the
fund's part is rounded down to the fen.
"""

from collections.abc import Iterable
from typing import NamedTuple

from aggregates.settlement.events import FeeLine
from aggregates.visit import Fee
from aggregates.vocabulary import Category, Part

WHOLE = 1000
START = "start"
"""The name of a claim's line for the amount below the start line."""


class PricedCode(NamedTuple):
    """A prefix of codes: its category, its grade (1 2 3), and the share the patient pays first."""

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
    """One fee line, divided by what may be covered of it, in fen."""

    fee: Fee
    priced: PricedCode
    full_self_fen: int
    first_self_fen: int
    in_scope_fen: int


class FundShare(NamedTuple):
    """A bill's fund part in fen, and its personal part as the lines of a claim."""

    total_fen: int
    fund_fen: int
    start_fen: int
    lines: tuple[FeeLine, ...]


def price(fee: Fee, catalogue: Iterable[PricedCode]) -> LineShare:
    """Divide a fee line by the longest prefix of its code; the empty prefix always matches."""
    priced = max(
        (p for p in catalogue if fee.code.startswith(p.prefix)), key=lambda p: len(p.prefix)
    )
    if priced.first_permille == WHOLE:
        return LineShare(fee, priced, fee.amount_fen, 0, 0)
    first = fee.amount_fen * priced.first_permille // WHOLE
    return LineShare(fee, priced, 0, first, fee.amount_fen - first)


def share(fees: Iterable[Fee], catalogue: tuple[PricedCode, ...], cover: Cover) -> FundShare:
    """The fund's part of a bill, and the personal part by category and part."""
    shares = [price(fee, catalogue) for fee in fees]
    in_scope = sum(line.in_scope_fen for line in shares)
    start = min(in_scope, cover.start_fen)
    fund = min((in_scope - start) * cover.ratio_permille // WHOLE, cover.ceiling_fen)
    parts: dict[tuple[Category, Part], int] = {}
    for line in shares:
        category = line.priced.category
        for part, fen in (
            (Part.FULL_SELF_PAY, line.full_self_fen),
            (Part.PRE_SELF_PAY, line.first_self_fen),
            (Part.IN_SCOPE, line.in_scope_fen),
        ):
            parts[category, part] = parts.get((category, part), 0) + fen
    total = sum(line.fee.amount_fen for line in shares)
    return FundShare(total, fund, start, _lines(parts, fund, start))


def _lines(
    parts: dict[tuple[Category, Part], int], fund_fen: int, start_fen: int
) -> tuple[FeeLine, ...]:
    """The lines of a claim: the fund's part and the start line are taken from what is in scope."""
    lines: list[FeeLine] = []
    for (category, part), fen in sorted(parts.items()):
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
