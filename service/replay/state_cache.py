"""The states of a replay: the most recent ones in memory, the rest in a temporary table.

States of kinds without heads (settlements, corrections, visits) are dropped after their page;
their few events are read from the log again when a later one comes. So the memory of a replay is
bounded by `heads_max`, and its temporary space by the number of heads of the ledger.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from asyncpg import Connection

from aggregates.topics import State
from aggregates.vocabulary import StreamId
from projections.kit.table import columns
from service.ledger.codec import BY_CODE, KINDS, decode_head, encode_head, kind_of, stream_id
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.postgres.queries import EVENTS, recorded
from service.ledger.store import NO_HEAD, StreamHead

HEADS_MAX = 100_000
"""Heads in memory, about 2 kB each."""
STREAM = re.compile(f"({'|'.join(KINDS)})_[0-9a-f]{{32}}")
BARE = frozenset(prefix for prefix, kind in KINDS.items() if not kind.has_head)
"""Kinds of streams without heads, by the prefixes of their ids."""
MAKE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS replayed (
        stream uuid PRIMARY KEY, kind smallint NOT NULL, version integer NOT NULL,
        state bytea NOT NULL
    );
    TRUNCATE replayed;
"""
PUT = """
    INSERT INTO replayed AS r SELECT * FROM unnest(
        $1::uuid[], $2::smallint[], $3::integer[], $4::bytea[])
    ON CONFLICT (stream) DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state
     WHERE r.version <> EXCLUDED.version
"""
GET = "SELECT stream, version, kind, state FROM replayed WHERE stream = ANY ($1::uuid[])"
EARLIER = f"{EVENTS} WHERE stream = ANY ($1::uuid[]) AND position < $2 ORDER BY stream, version"


class StateCache(Overlay):
    """The state of every stream at the position reached."""

    __slots__ = ("_connection", "_heads_max", "_passing", "_topics", "_used", "set_aside")

    def __init__(
        self, connection: Connection, topics: Mapping[int, str], heads_max: int = HEADS_MAX
    ) -> None:
        """Begin empty; `begin` creates the temporary table."""
        super().__init__()
        self._connection = connection
        self._topics = topics
        self._heads_max = heads_max
        self._used: OrderedDict[StreamId, None] = OrderedDict()
        self._passing: list[StreamId] = []
        self.set_aside = 0

    async def begin(self) -> None:
        """Create the temporary table for states that do not fit into memory."""
        await self._connection.execute(MAKE)

    async def load(self, missing: UnreadError, before: int) -> None:
        """Load missing states, as of before a position of the log."""
        if missing.name is not None:
            self.names.setdefault(missing.name, None)
        self.heads.update(dict.fromkeys(missing.streams, NO_HEAD))
        self._passing += missing.streams
        real = [s for s in missing.streams if STREAM.fullmatch(s)]  # events may name anything
        bare = [s for s in real if not kind_of(s).has_head]
        if self.set_aside and len(bare) < len(real):
            self.heads.update(await self._evicted(real))
        if bare:
            self.heads.update(await earlier(self._connection, bare, before, self._topics))

    async def fetch(self, used: Iterable[StreamId], late: Iterable[StreamId], before: int) -> None:
        """Load a page's streams at once: evicted ones, and those of `late` without heads.

        `late` streams began before the page, which begins after position `before`.
        """
        bare = [s for s in late if s[:3] in BARE and s not in self.heads]
        if bare:
            self.heads.update(await earlier(self._connection, bare, before + 1, self._topics))
        if self.set_aside:
            missing = [s for s in used if s not in self.heads and s[:3] not in BARE]
            self.heads.update(await self._evicted(missing))

    async def look(self, stream: StreamId) -> StreamHead:
        """The head of a stream, cached or evicted."""
        if stream not in self.heads and self.set_aside:
            self.heads.update(await self._evicted([stream]))
        return self.heads.get(stream, NO_HEAD)

    async def _evicted(self, streams: Sequence[StreamId]) -> dict[StreamId, StreamHead]:
        heads: dict[StreamId, StreamHead] = {}
        for key, version, kind, state in await self._connection.fetch(
            GET, [s[4:] for s in streams]
        ):
            stream = stream_id(BY_CODE[kind].prefix, key.hex)
            heads[stream] = StreamHead(version, decode_head(kind, state))
        return heads

    async def settle(self, used: Iterable[StreamId]) -> None:
        """After a page: drop states of kinds without heads, evict the least recently used."""
        for stream in self._passing:
            if not self.heads.get(stream, NO_HEAD).version or stream[:3] in BARE:
                self.heads.pop(stream, None)
        self._passing.clear()
        for stream in used:
            if stream[:3] in BARE:
                self.heads.pop(stream, None)
            else:
                self._used[stream] = None
                self._used.move_to_end(stream)
        if len(self.heads) > self._heads_max:
            await self._make_room()

    async def _make_room(self) -> None:
        read_only = [s for s in self.heads if s not in self._used]
        oldest = [*read_only, *islice(self._used, len(self.heads) - self._heads_max * 3 // 4)]
        rows: list[tuple[str, int, int, bytes]] = []
        for stream in oldest:
            self._used.pop(stream, None)
            version, state = self.heads.pop(stream, NO_HEAD)
            if state is None:
                continue
            stored = encoded(state)
            if stored is None:
                self.heads[stream] = StreamHead(version, state)
            else:
                rows.append((stream[4:], kind_of(stream).code, version, stored))
        await self._connection.execute(PUT, *columns(rows, 4))
        self.set_aside += len(rows)


def encoded(state: State) -> bytes | None:
    """A folded state as bytes; None if no head can hold it, such as a too large sum."""
    try:
        return encode_head(state)
    except Exception:  # noqa: BLE001 -- forged histories fold to anything
        return None


async def earlier(
    connection: Connection, streams: Sequence[StreamId], before: int, topics: Mapping[int, str]
) -> dict[StreamId, StreamHead]:
    """The states of streams before a position, folded from their events in the log.

    Events that cannot be decoded or folded are skipped: their own row has a difference.
    """
    by_hex = {stream[4:]: stream for stream in streams}
    heads: dict[StreamId, StreamHead] = dict.fromkeys(streams, NO_HEAD)
    for row in await connection.fetch(EARLIER, list(by_hex), before):
        try:
            for event in recorded([row], topics):
                stream = by_hex[event.stream[4:]]
                folded = kind_of(event.stream).evolve(heads[stream].state, event.event)
                heads[stream] = StreamHead(event.version, folded)
        except Exception:  # noqa: BLE001, S112 -- forged events may break any fold
            continue
    return heads
