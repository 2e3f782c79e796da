"""The picture of a rehearsal: bars of how much more each group pays in cash, as SVG.

A bar to the right is more cash for the patients, one to the left less. It loads nothing, and has
a title and a description for readers who do not see it.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from service.serializers import signed_yuan

WIDTH, ROW, TOP, MIDDLE, REACH = 760, 22, 54, 430, 250
MORE, LESS = "#b3261e", "#1b6e3c"
GROUPS_MAX = 24
"""Bars of one panel; the groups with the largest changes come first."""


class Bar(NamedTuple):
    """One group and how many fen more its patients pay in cash under the draft."""

    name: str
    more_fen: int


class Panel(NamedTuple):
    """The bars of one way to group."""

    title: str
    bars: Sequence[Bar]


def picture_of(title: str, panels: Iterable[Panel]) -> str:
    """The picture as SVG text."""
    drawn = [Panel(panel.title, _largest(panel.bars)) for panel in panels]
    most = max((abs(bar.more_fen) for panel in drawn for bar in panel.bars), default=0) or 1
    parts: list[str] = []
    y = TOP
    for panel in drawn:
        parts.append(_text(16, y, panel.title, weight="bold"))
        y += ROW
        for bar in panel.bars:
            parts += _bar(bar, y, most)
            y += ROW
        y += ROW // 2
    axis = f'<line x1="{MIDDLE}" y1="{TOP}" x2="{MIDDLE}" y2="{y}" stroke="#888"/>'
    described = "more cash to the right, less to the left; yuan"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {y}"'
        f' font-family="sans-serif" font-size="13">'
        f"<title>{escape(title)}</title><desc>{described}</desc>"
        f'<rect width="{WIDTH}" height="{y}" fill="#fff"/>'
        f"{_text(16, 26, title, weight='bold')}{axis}{''.join(parts)}</svg>"
    )


def _largest(bars: Sequence[Bar]) -> list[Bar]:
    """The groups that change most, in their own order."""
    kept = sorted(bars, key=lambda bar: -abs(bar.more_fen))[:GROUPS_MAX]
    return [bar for bar in bars if bar in kept]


def _bar(bar: Bar, y: int, most: int) -> list[str]:
    length = REACH * abs(bar.more_fen) // most
    x = MIDDLE if bar.more_fen >= 0 else MIDDLE - length
    colour = MORE if bar.more_fen > 0 else LESS
    return [
        _text(16, y, bar.name),
        f'<rect x="{x}" y="{y - 12}" width="{length}" height="14" fill="{colour}"/>',
        _text(WIDTH - 8, y, signed_yuan(bar.more_fen), anchor="end"),
    ]


def _text(x: int, y: int, text: str, *, weight: str = "normal", anchor: str = "start") -> str:
    return (
        f'<text x="{x}" y="{y}" font-weight="{weight}" text-anchor="{anchor}">{escape(text)}</text>'
    )
