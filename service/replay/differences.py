"""What a replay finds to be otherwise than it should be."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from aggregates.vocabulary import StreamId

KEPT_MAX = 1000
"""Differences that are told one by one; beyond that they are counted."""
SHOWN_MAX = 600
"""Characters of a value that are shown."""


class Mismatch(StrEnum):
    """In what the store and the log, or the log and the rules, are not the same."""

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
    """One difference: where, in what, as it is stored, and as it is made again.

    `position` is None where no event of the log is at fault, `stream` where none is concerned.
    """

    position: int | None
    stream: StreamId | None
    unlike: Mismatch
    stored: str
    made: str

    def line(self) -> str:
        """The difference as one line for a terminal."""
        where = "-" if self.position is None else str(self.position)
        return f"{where} {self.stream or '-'} {self.unlike}: {self.stored} | {self.made}"


@dataclass(slots=True)
class Differences:
    """All that were found: every one counted, also by its kind, the first ones kept."""

    count: int = 0
    by: Counter[str] = field(default_factory=Counter)
    kept: list[Difference] = field(default_factory=list)

    def note(
        self,
        where: tuple[int | None, StreamId | None],
        unlike: Mismatch,
        stored: object,
        made: object,
    ) -> None:
        """Note one."""
        self.count += 1
        self.by[unlike] += 1
        if len(self.kept) < KEPT_MAX:
            position, stream = where
            self.kept.append(Difference(position, stream, unlike, _shown(stored), _shown(made)))

    def add(self, others: "Differences") -> None:
        """Take over what another share found, in the order of positions."""
        self.count += others.count
        self.by += others.by
        kept = sorted([*self.kept, *others.kept], key=lambda one: one.position or 0)
        self.kept = kept[:KEPT_MAX]


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 1] + "…"
