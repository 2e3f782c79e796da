"""A multiset hash: two tallies are equal if they counted the same pairs.

So the names and keys of millions of bills are compared without storing them. The hashes that are
added up are keyed: without the ledger's keys nobody can construct another set with the same sum.
"""

from hashlib import blake2b

from aggregates.vocabulary import StreamId
from service.vault import Vault

SIZE = 16
LIMIT = 1 << 8 * SIZE


class Tally:
    """The number of pairs of a stream and its name or key, and the sum of their hashes."""

    __slots__ = ("_keyed", "count", "sum")

    def __init__(self, vault: Vault) -> None:
        self._keyed = blake2b(digest_size=SIZE, key=vault.sign(b"tally"))
        self.sum = 0
        self.count = 0

    def add(self, stream: StreamId, name: bytes, times: int = 1) -> None:
        """Count a pair; with `times` -1, remove it."""
        pair_hash = self._keyed.copy()
        pair_hash.update(name + stream.encode())
        self.sum = (self.sum + times * int.from_bytes(pair_hash.digest(), "big")) % LIMIT
        self.count += times

    def is_same(self, other: "Tally") -> bool:
        """Whether both counted the same pairs."""
        return (self.count, self.sum) == (other.count, other.sum)
