"""Bills whose lines each kind of money may or may not pay (regions.md §4 row 3), as a network.

Money of four kinds flows to the lines that it may pay. An amount can be paid if a flow of it
exists; the flow may be laid anew for every payer, so the lines are never given to anybody.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from tests.money_model.money import WAYS, Money
from tests.money_model.rules import Rules

Kind = tuple[str, str]
"""Whose money, and of which bucket."""
KINDS: tuple[Kind, ...] = tuple(
    (whose, bucket) for whose in ("OWN", "AID") for bucket in ("current", "prior")
)
Kinds = frozenset[Kind]
RANKS = ("NONE", "OWN", "OWN_AND_AID")


def kinds_of(category: str | None, part: str, rank: int, rules: Rules) -> Kinds:
    """The kinds of money that may pay a line; `rank` is what the rules of items say."""
    found = set()
    for whose, bucket in KINDS:
        said = [r for r in rules["bucket_rules"] if (r["whose"], r["bucket"]) == (whose, bucket)]
        by_item = rank == 2 or (rank == 1 and whose == "OWN")
        if any(_admits(rule, category, part) for rule in said) or (not said and by_item):
            found.add((whose, bucket))
    return frozenset(found)


def _admits(rule: Mapping[str, object], category: str | None, part: str) -> bool:
    for name, value in (("parts", part), ("categories", category)):
        listed = rule.get(name)
        if listed and value is not None and value not in listed:  # type: ignore[operator]
            return False
    return True


class Flow:
    """What flows from kinds of money to the lines that they may pay, in fen."""

    def __init__(self, lines: Iterable[tuple[Kinds, int]]) -> None:
        """Begin with a bill and no money."""
        self.room: Counter[Kinds] = Counter()
        for kinds, fen in lines:
            self.room[kinds] += fen
        self.paid: Counter[tuple[Kind, Kinds]] = Counter()

    def pay(self, kind: Kind, wish: int) -> int:
        """Let one kind pay as much of a wish as can be paid at all; how much it is."""
        paid = 0
        while paid < wish:
            found = self._way(kind, wish - paid, set())
            if not found:
                return paid
            paid += found
        return paid

    def _way(self, kind: Kind, most: int, seen: set[Kind]) -> int:
        """Let a kind pay a line, or take one over whose payer finds another."""
        seen.add(kind)
        for kinds, room in self.room.items():
            if kind not in kinds:
                continue
            if room:
                fen = min(most, room)
                self.room[kinds] -= fen
                self.paid[kind, kinds] += fen
                return fen
            for other in sorted(kinds - seen):
                taken = min(most, self.paid[other, kinds])
                fen = self._way(other, taken, seen) if taken else 0
                if fen:
                    self.paid[other, kinds] -= fen
                    self.paid[kind, kinds] += fen
                    return fen
        return 0

    def most(self, whose: str, money: Money, way: str) -> int:
        """The most that somebody's money may pay, without paying it."""
        trial = self.copy()
        return trial.draw(whose, money, way, money.fen).fen

    def draw(self, whose: str, money: Money, way: str, fen: int, *, keeps: bool = False) -> Money:
        """Pay from the buckets that a region names, in its order; the rest comes last or never."""
        buckets = WAYS[way]
        if keeps:
            buckets += tuple(name for name in money._fields if name not in WAYS[way])
        drawn = {}
        for bucket in buckets:
            drawn[bucket] = self.pay((whose, bucket), min(fen, getattr(money, bucket)))
            fen -= drawn[bucket]
        return Money(**drawn)

    def left(self, whose: str) -> int:
        """What money without end of somebody's kinds could still pay."""
        trial, endless = self.copy(), sum(self.room.values())
        return sum(trial.pay((whose, bucket), endless) for bucket in ("current", "prior"))

    def copy(self) -> "Flow":
        """The same flow, to try something."""
        other = Flow(())
        other.room, other.paid = self.room.copy(), self.paid.copy()
        return other
