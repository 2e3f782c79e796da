"""Whole fen in two buckets: this year's money and that of the years before."""

from typing import NamedTuple

WAYS: dict[str, tuple[str, ...]] = {
    "CURRENT_THEN_PRIOR": ("current", "prior"),
    "PRIOR_THEN_CURRENT": ("prior", "current"),
    "CURRENT_ONLY": ("current",),
    "PRIOR_ONLY": ("prior",),
    "ALL": ("current", "prior"),
}
"""In which order a region empties the buckets, and which it leaves alone (policy.md §3.2)."""


class Money(NamedTuple):
    """Two buckets, in fen."""

    current: int = 0
    prior: int = 0

    @property
    def fen(self) -> int:
        """Both together."""
        return self.current + self.prior

    def plus(self, other: "Money") -> "Money":
        """Bucket by bucket."""
        return Money(self.current + other.current, self.prior + other.prior)

    def less(self, other: "Money") -> "Money":
        """Bucket by bucket."""
        return Money(self.current - other.current, self.prior - other.prior)

    def carried(self) -> "Money":
        """After New Year all of it is of the years before."""
        return Money(0, self.fen)

    def within(self, way: str) -> int:
        """What a region lets be spent of it."""
        return sum(getattr(self, bucket) for bucket in WAYS[way])

    def take(self, fen: int, way: str) -> "Money":
        """Some of it, or all there is, from the buckets the region names."""
        return self._drawn(fen, WAYS[way])

    def keep(self, fen: int, way: str) -> "Money":
        """As `take`, but what the region leaves alone comes last instead of never."""
        ways = WAYS[way]
        return self._drawn(fen, ways + tuple(name for name in self._fields if name not in ways))

    def _drawn(self, fen: int, buckets: tuple[str, ...]) -> "Money":
        drawn = {}
        for bucket in buckets:
            drawn[bucket] = min(fen, getattr(self, bucket))
            fen -= drawn[bucket]
        return Money(**drawn)


NOTHING = Money()
