"""The part of a replay that one process does."""

from typing import NamedTuple


class Partition(NamedTuple):
    """One of `of` parts: each folds all accounts, and decides and compares its own streams.

    A stream's partition is given by the last byte of its id, which is random.
    """

    number: int
    of: int

    def has(self, stream: str) -> bool:
        """Whether a stream belongs to this partition; invalid ids belong to the first one."""
        try:
            return self.of == 1 or int(stream[-2:], 16) % self.of == self.number
        except ValueError:
            return self.number == 0


WHOLE = Partition(0, 1)
