"""The differences that a replay finds."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from aggregates.vocabulary import StreamId

KEPT_MAX = 1000
"""Differences that are listed; further ones are only counted."""
SHOWN_MAX = 600
"""Characters of a value in a difference."""


class Mismatch(StrEnum):
    """What differs between store and log, or between log and rules."""

    POSITION = "POSITION"
    EVENT = "EVENT"
    VERSION = "VERSION"
    AMOUNT = "AMOUNT"
    READ = "READ"
    DECISION = "DECISION"
    MOVES = "MOVES"
    MONEY = "MONEY"
    HEAD = "HEAD"
    BALANCE = "BALANCE"
    KEY = "KEY"
    NAME = "NAME"
    READ_MODEL = "READ_MODEL"


class Difference(NamedTuple):
    """One difference: its place, its kind, the stored value, and the replayed value.

    `position` is None if no event of the log differs, `stream` if none is concerned.
    """

    position: int | None
    stream: StreamId | None
    mismatch: Mismatch
    stored: str
    replayed: str

    def line(self) -> str:
        """The difference as one line for a terminal."""
        where = "-" if self.position is None else str(self.position)
        return f"{where} {self.stream or '-'} {self.mismatch}: {self.stored} | {self.replayed}"


@dataclass(slots=True)
class Differences:
    """The number of differences, in all and by kind, and the first ones."""

    count: int = 0
    by: Counter[str] = field(default_factory=Counter)
    kept: list[Difference] = field(default_factory=list)

    def note(
        self,
        where: tuple[int | None, StreamId | None],
        mismatch: Mismatch,
        stored: object,
        replayed: object,
    ) -> None:
        """Add a difference."""
        self.count += 1
        self.by[mismatch] += 1
        if len(self.kept) < KEPT_MAX:
            position, stream = where
            self.kept.append(
                Difference(position, stream, mismatch, _shown(stored), _shown(replayed))
            )

    def add(self, others: "Differences") -> None:
        """Add the differences of another partition, in the order of positions."""
        self.count += others.count
        self.by += others.by
        kept = sorted([*self.kept, *others.kept], key=lambda difference: difference.position or 0)
        self.kept = kept[:KEPT_MAX]


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
