"""Reading the ledger's tables on a connection, whether inside the lock or beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncpg import Connection

from aggregates.account.events import AccountOpened
from aggregates.topics import CLASSES
from aggregates.vocabulary import StreamId
from service.ledger.codec import (
    BY_CODE,
    KINDS,
    TOPIC_PREFIX,
    Recorded,
    decode,
    decode_head,
    kind_of,
    stream_id,
)
from service.ledger.store import NO_HEAD, SealedPerson, StreamHead

EVENTS = "SELECT position, recorded_at, stream, version, topic, state FROM events"
HISTORIES = f"{EVENTS} WHERE stream = ANY ($1::uuid[]) ORDER BY stream, version"
HEADS = "SELECT stream, version, kind, state FROM heads WHERE stream = ANY ($1::uuid[])"
VERSIONS = """
    SELECT stream, max(version) FROM events WHERE stream = ANY ($1::uuid[]) GROUP BY stream
"""
NAMES = """
    SELECT u.name, u.stream, h.kind FROM unique_names u
      LEFT JOIN heads h ON h.stream = u.stream WHERE u.name = ANY ($1::bytea[])
"""
ACCOUNTS = """
    SELECT stream FROM heads
     WHERE kind = $1 AND ($2::uuid IS NULL OR stream > $2) ORDER BY stream LIMIT $3
"""
KEYS = "SELECT stream, wrapped FROM person_keys WHERE stream = ANY ($1::uuid[])"


async def read_heads(
    connection: Connection, streams: Sequence[StreamId], topics: Mapping[int, str]
) -> dict[StreamId, StreamHead]:
    """Heads as committed now; streams that keep none are folded from their few events.

    Digits of another kind's stream are nothing of this kind; they have that stream's version, so
    that a decision on them is not held for stale.
    """
    heads: dict[StreamId, StreamHead] = dict.fromkeys(streams, NO_HEAD)
    with_heads = _by_digits(s for s in streams if kind_of(s).has_head)
    if with_heads:
        heads |= await _kept_heads(connection, with_heads)
    bare = _by_digits(s for s in streams if not kind_of(s).has_head)
    if bare:
        found = await connection.fetch(HISTORIES, list(bare))
        for one in recorded(found, topics):
            for asked in bare[one.stream[4:]]:
                state = heads[asked].state
                folded = kind_of(asked).evolve(state, one.event) if asked == one.stream else None
                heads[asked] = StreamHead(one.version, folded)
    return heads


async def _kept_heads(
    connection: Connection, asked: Mapping[str, Sequence[StreamId]]
) -> dict[StreamId, StreamHead]:
    """Heads by digits; of a stream that keeps none only its version."""
    heads: dict[StreamId, StreamHead] = {}
    left = set(asked)
    for stream, version, kind, state in await connection.fetch(HEADS, list(asked)):
        known = stream_id(BY_CODE[kind].prefix, stream.hex)
        left.remove(stream.hex)
        for one in asked[stream.hex]:
            heads[one] = StreamHead(version, decode_head(kind, state) if one == known else None)
    if left:
        for stream, version in await connection.fetch(VERSIONS, list(left)):
            heads |= dict.fromkeys(asked[stream.hex], StreamHead(version, None))
    return heads


def _by_digits(streams: Iterable[StreamId]) -> dict[str, list[StreamId]]:
    found: dict[str, list[StreamId]] = {}
    for stream in streams:
        found.setdefault(stream[4:], []).append(stream)
    return found


async def read_names(connection: Connection, names: Sequence[bytes]) -> dict[bytes, StreamId]:
    """The streams that have names; a name that nobody has is absent."""
    if not names:
        return {}
    found = await connection.fetch(NAMES, names)
    return {name: _named(stream.hex, kind) for name, stream, kind in found}


async def read_persons(
    connection: Connection, accounts: Sequence[StreamId], topics: Mapping[int, str]
) -> dict[StreamId, SealedPerson]:
    """Persons' data as stored, and their wrapped keys."""
    if not accounts:
        return {}
    wrapped = dict(await connection.fetch(KEYS, [a[4:] for a in accounts]))
    keys = {stream_id("acc", stream.hex): key for stream, key in wrapped.items()}
    return {
        first.stream: SealedPerson(first.event.sealed, keys.get(first.stream))
        for first in await read_first(connection, accounts, topics)
        if isinstance(first.event, AccountOpened)
    }


async def read_first(
    connection: Connection, streams: Sequence[StreamId], topics: Mapping[int, str]
) -> list[Recorded]:
    """How these streams began."""
    query = f"{EVENTS} WHERE stream = ANY ($1::uuid[]) AND version = 1"
    return recorded(await connection.fetch(query, [s[4:] for s in streams]), topics)


async def read_history(
    connection: Connection, stream: StreamId, topics: Mapping[int, str]
) -> list[Recorded]:
    """All events of one stream, oldest first; none where its digits are another kind's."""
    query = f"{EVENTS} WHERE stream = $1::uuid ORDER BY version"
    found = recorded(await connection.fetch(query, stream[4:]), topics)
    return [one for one in found if one.stream == stream]


async def read_accounts(
    connection: Connection, after: StreamId | None, limit: int
) -> list[StreamId]:
    """Accounts behind one, by id."""
    behind = None if after is None else after[4:]
    found = await connection.fetch(ACCOUNTS, KINDS["acc"].code, behind, limit)
    return [stream_id("acc", stream.hex) for (stream,) in found]


async def count_accounts(connection: Connection) -> int:
    """How many accounts there are."""
    code = KINDS["acc"].code
    count: int = await connection.fetchval("SELECT count(*) FROM heads WHERE kind = $1", code)
    return count


def recorded(found: Sequence[Any], topics: Mapping[int, str]) -> list[Recorded]:
    """Rows as events; what the library stored under topics of its own is not ours to read."""
    events: list[Recorded] = []
    for position, recorded_at, stream, version, code, state in found:
        topic = topics.get(code)
        if topic is None or topic not in CLASSES:
            continue
        act, event = (envelope := decode(topic, state)).act, envelope.event
        known = stream_id(TOPIC_PREFIX[topic.partition(".")[0]], stream.hex)
        events.append(Recorded(position, recorded_at, known, version, act, event))
    return events


def _named(hexadecimal: str, kind: int | None) -> StreamId:
    """The stream that has a name; only a settlement has a name and no head."""
    return stream_id("stl" if kind is None else BY_CODE[kind].prefix, hexadecimal)
