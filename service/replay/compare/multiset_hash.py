"""Many pairs in a few bytes: two tallies are equal where they counted the same pairs.

So the names and keys of millions of bills are compared without keeping them. The marks that are
added up come from a keyed hash: who does not have the ledger's keys cannot make another set of
pairs with the same sum.
"""

from hashlib import blake2b

from aggregates.vocabulary import StreamId
from service.vault import Vault

SIZE = 16
LIMIT = 1 << 8 * SIZE


class Tally:
    """How many pairs of a stream and what it is known by, and the sum of their marks."""

    __slots__ = ("_begun", "count", "sum")

    def __init__(self, vault: Vault) -> None:
        """Begin with nothing."""
        self._begun = blake2b(digest_size=SIZE, key=vault.sign(b"tally"))
        self.sum = 0
        self.count = 0

    def add(self, stream: StreamId, known_by: bytes, times: int = 1) -> None:
        """Count a pair; -1 times takes it out again."""
        mark = self._begun.copy()
        mark.update(known_by + stream.encode())
        self.sum = (self.sum + times * int.from_bytes(mark.digest(), "big")) % LIMIT
        self.count += times

    def is_same(self, other: "Tally") -> bool:
        """Whether the same pairs were counted."""
        return (self.count, self.sum) == (other.count, other.sum)
