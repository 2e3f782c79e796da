"""A part of a replay, told by one of the processes that share the work."""

from typing import NamedTuple


class Partition(NamedTuple):
    """A part of a replay: every share folds all accounts, and decides and compares its own.

    Streams are told apart by the last byte of their id, which is chance.
    """

    number: int
    of: int

    def has(self, stream: str) -> bool:
        """Whether a stream is this share's; what is no stream id at all is the first one's."""
        try:
            return self.of == 1 or int(stream[-2:], 16) % self.of == self.number
        except ValueError:
            return self.number == 0


WHOLE = Partition(0, 1)
