"""Cached heads under every batch, bounded in number.

A cached head is stale once another process has written to its stream; the append rejects it then.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.vocabulary import StreamId
from service.ledger.overlay import Overlay

HEADS_MAX = 200_000
"""Heads in the cache, about 2 kB each; the least recently used are evicted."""
PERSONS_KEPT_S = 60.0
"""Seconds after which all cached persons are dropped.

So a key that another process destroyed does not stay in this process's memory for long.
"""
LASTING = ("acc", "ins", "pol", "kin", "fpl")
"""Kinds of streams that never give up their names."""
RULES = "pol_"
"""Streams that are never evicted, nor are their names: some hundred at most.

A start reads them all, and an account's area is looked up in them. Were one read again, the time
of an answer would tell a stranger that there is an account.
"""


class HeadCache(Overlay):
    """An LRU cache of heads, with names of `LASTING` streams, and sealed persons.

    The name of a bill or premium is not cached: another process may have freed it. A person is
    evicted with the account's head; so are the names of an account that holds credentials, because
    another process may withdraw one, and only the head's version tells.
    """

    __slots__ = ("_heads_max", "_names_of", "_persons_until_s", "_used")

    def __init__(self, heads_max: int = HEADS_MAX) -> None:
        """Cache at most `heads_max` heads."""
        super().__init__()
        self._heads_max = heads_max
        self._used: OrderedDict[StreamId, None] = OrderedDict()
        self._names_of: dict[StreamId, set[bytes]] = {}
        self._persons_until_s = 0.0

    def merge(self, overlay: Overlay) -> None:
        """Cache what an appended batch loaded or wrote."""
        for stream, head in overlay.heads.items():
            if stream.startswith("stl_") or head.version == 0:
                continue
            self.heads[stream] = head
            if stream.startswith(RULES):
                continue
            self._used[stream] = None
            self._used.move_to_end(stream)
            if isinstance(head.state, Account) and head.state.is_erased:
                self._forget_names_of(stream)
        self._merge_persons(overlay)
        self._merge_names(overlay)
        while len(self._used) > self._heads_max:
            oldest, _ = self._used.popitem(last=False)
            del self.heads[oldest]
            self._forget_with_head(oldest)
        for _ in range(len(self.names) - self._heads_max):
            oldest_name = next(iter(self.names))
            named = self.names.pop(oldest_name)
            if named is not None and named.startswith(RULES):
                self.names[oldest_name] = named

    def _merge_names(self, overlay: Overlay) -> None:
        for name, stream_or_none in overlay.names.items():
            if stream_or_none is None:
                self.names.pop(name, None)
            elif stream_or_none[:3] in LASTING:
                self.names[name] = stream_or_none
                self._bind_to_head(name, stream_or_none)

    def _merge_persons(self, overlay: Overlay) -> None:
        for account, sealed in overlay.persons.items():
            if sealed.wrapped is not None and account in self.heads:
                self.persons[account] = sealed
            else:
                self.persons.pop(account, None)

    def _forget_names_of(self, erased: StreamId) -> None:
        for name in [name for name, stream in self.names.items() if stream == erased]:
            del self.names[name]

    def _bind_to_head(self, name: bytes, stream: StreamId) -> None:
        head = self.heads.get(stream)
        if head is not None and isinstance(head.state, Account) and head.state.credentials:
            self._names_of.setdefault(stream, set()).add(name)

    def _forget_with_head(self, stream: StreamId) -> None:
        self.persons.pop(stream, None)
        for name in self._names_of.pop(stream, ()):
            self.names.pop(name, None)

    def forget(self, streams: Iterable[StreamId]) -> None:
        """Drop heads that may be stale."""
        for stream in streams:
            if self.heads.pop(stream, None) is not None:
                self._used.pop(stream, None)
                self._forget_with_head(stream)

    def forget_persons(self, now_s: float) -> None:
        """Drop all persons when they are too old; `now_s` is the loop's time."""
        if now_s > self._persons_until_s:
            self.persons.clear()
            self._persons_until_s = now_s + PERSONS_KEPT_S


class Limits(NamedTuple):
    """Sizes and times of the group commit."""

    batch_max: int = 256
    chunk_max: int = 64
    waiting_max: int = 4096
    deadline_s: float = 10.0
    heads_max: int = HEADS_MAX
