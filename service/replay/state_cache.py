"""The states of a replay: as many in memory as are allowed, the rest in a temporary table.

Only streams are kept, never events, and of those that have no heads (settlements, corrections,
visits) nothing beyond the page that tells them: their few events are read from the log again
when one comes back. So the memory of a
replay is bounded by `heads_max`, and its temporary space by the heads that the ledger has.
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
"""Kinds of streams without heads, by the first letters of their ids."""
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
    """Every stream as the log left it at the position reached."""

    __slots__ = ("_connection", "_heads_max", "_passing", "_topics", "_used", "set_aside")

    def __init__(
        self, connection: Connection, topics: Mapping[int, str], heads_max: int = HEADS_MAX
    ) -> None:
        """Begin with nothing; `begin` makes the temporary table."""
        super().__init__()
        self._connection = connection
        self._topics = topics
        self._heads_max = heads_max
        self._used: OrderedDict[StreamId, None] = OrderedDict()
        self._passing: list[StreamId] = []
        self.set_aside = 0

    async def begin(self) -> None:
        """Make room for what does not fit into memory."""
        await self._connection.execute(MAKE)

    async def load(self, missing: UnreadError, before: int) -> None:
        """Bring what was missing, as the log told it before a position."""
        if missing.name is not None:
            self.names.setdefault(missing.name, None)
        self.heads.update(dict.fromkeys(missing.streams, NO_HEAD))
        self._passing += missing.streams
        real = [s for s in missing.streams if STREAM.fullmatch(s)]  # events may name anything
        bare = [s for s in real if not kind_of(s).has_head]
        if self.set_aside and len(bare) < len(real):
            self.heads.update(await self._kept(real))
        if bare:
            self.heads.update(await earlier(self._connection, bare, before, self._topics))

    async def fetch(self, used: Iterable[StreamId], late: Iterable[StreamId], before: int) -> None:
        """Bring a page's streams at once: what was set aside, and those late ones without heads.

        `late` began before the page, which begins after position `before`.
        """
        bare = [s for s in late if s[:3] in BARE and s not in self.heads]
        if bare:
            self.heads.update(await earlier(self._connection, bare, before + 1, self._topics))
        if self.set_aside:
            missing = [s for s in used if s not in self.heads and s[:3] not in BARE]
            self.heads.update(await self._kept(missing))

    async def look(self, stream: StreamId) -> StreamHead:
        """The head of a stream, wherever it is."""
        if stream not in self.heads and self.set_aside:
            self.heads.update(await self._kept([stream]))
        return self.heads.get(stream, NO_HEAD)

    async def _kept(self, streams: Sequence[StreamId]) -> dict[StreamId, StreamHead]:
        found = await self._connection.fetch(GET, [s[4:] for s in streams])
        return {
            stream_id(BY_CODE[kind].prefix, stream.hex): StreamHead(
                version, decode_head(kind, state)
            )
            for stream, version, kind, state in found
        }

    async def settle(self, used: Iterable[StreamId]) -> None:
        """At the end of a page: forget what has no heads, set aside what was unused longest."""
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
        known = [s for s in self.heads if s not in self._used]  # read, and never of a page
        oldest = [*known, *islice(self._used, len(self.heads) - self._heads_max * 3 // 4)]
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
    """A folded state in bytes; None where it holds what no head can, such as a sum too wide."""
    try:
        return encode_head(state)
    except Exception:  # noqa: BLE001 -- histories that no rule allows fold to anything
        return None


async def earlier(
    connection: Connection, streams: Sequence[StreamId], before: int, topics: Mapping[int, str]
) -> dict[StreamId, StreamHead]:
    """Streams as their events before a position left them, from the log alone.

    What cannot be read or folded is left out: it was told when its own row came.
    """
    by_hex = {stream[4:]: stream for stream in streams}
    heads: dict[StreamId, StreamHead] = dict.fromkeys(streams, NO_HEAD)
    for row in await connection.fetch(EARLIER, list(by_hex), before):
        try:
            for one in recorded([row], topics):
                stream = by_hex[one.stream[4:]]
                folded = kind_of(one.stream).evolve(heads[stream].state, one.event)
                heads[stream] = StreamHead(one.version, folded)
        except Exception:  # noqa: BLE001, S112 -- what was tampered with may break any fold
            continue
    return heads
