"""Reads of the ledger's tables on a connection, within the lock or without it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncpg import Connection

from aggregates.account.events import AccountOpened
from aggregates.topics import CLASSES
from aggregates.vocabulary import StreamId
from service.ledger.codec import (
    BY_CODE,
    Recorded,
    decode_head,
    kind_of,
    read_row,
    stream_id,
)
from service.ledger.store import NO_HEAD, SealedPerson, StreamHead

EVENTS = "SELECT position, recorded_at, stream, version, topic, state FROM events"
HISTORY = f"{EVENTS} WHERE stream = $1::uuid ORDER BY version"
FIRST = f"{EVENTS} WHERE stream = ANY ($1::uuid[]) AND version = 1"
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
ACCOUNT_COUNT = "SELECT count(*) FROM heads WHERE kind = $1"
KEYS = "SELECT stream, wrapped FROM person_keys WHERE stream = ANY ($1::uuid[])"


async def read_heads(
    connection: Connection, streams: Sequence[StreamId], topics: Mapping[int, str]
) -> dict[StreamId, StreamHead]:
    """Heads as committed now; streams of kinds without heads are folded from their few events.

    An id whose digits belong to a stream of another kind has no state, but that stream's version,
    so that a decision on it is not stale.
    """
    heads: dict[StreamId, StreamHead] = dict.fromkeys(streams, NO_HEAD)
    with_heads = _by_digits(s for s in streams if kind_of(s).has_head)
    if with_heads:
        heads |= await _stored_heads(connection, with_heads)
    bare = _by_digits(s for s in streams if not kind_of(s).has_head)
    if bare:
        for event in recorded(await connection.fetch(HISTORIES, list(bare)), topics):
            for stream in bare[event.stream[4:]]:
                state = heads[stream].state
                evolve = kind_of(stream).evolve
                folded = evolve(state, event.event) if stream == event.stream else None
                heads[stream] = StreamHead(event.version, folded)
    return heads


async def _stored_heads(
    connection: Connection, by_digits: Mapping[str, Sequence[StreamId]]
) -> dict[StreamId, StreamHead]:
    """Heads of streams by their digits; of a stream without a head only the version."""
    heads: dict[StreamId, StreamHead] = {}
    left = set(by_digits)
    for key, version, kind, state in await connection.fetch(HEADS, list(by_digits)):
        own = stream_id(BY_CODE[kind].prefix, key.hex)
        left.remove(key.hex)
        for stream in by_digits[key.hex]:
            folded = decode_head(kind, state) if stream == own else None
            heads[stream] = StreamHead(version, folded)
    if left:
        for key, version in await connection.fetch(VERSIONS, list(left)):
            heads |= dict.fromkeys(by_digits[key.hex], StreamHead(version, None))
    return heads


def _by_digits(streams: Iterable[StreamId]) -> dict[str, list[StreamId]]:
    by_digits: dict[str, list[StreamId]] = {}
    for stream in streams:
        by_digits.setdefault(stream[4:], []).append(stream)
    return by_digits


async def read_names(connection: Connection, names: Sequence[bytes]) -> dict[bytes, StreamId]:
    """The streams that own names; free names are absent."""
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
    """The first events of these streams."""
    return recorded(await connection.fetch(FIRST, [s[4:] for s in streams]), topics)


def recorded(found: Iterable[Any], topics: Mapping[int, str]) -> list[Recorded]:
    """Rows as events, without those that the eventsourcing library stored under its own topics."""
    named = ((row, topics.get(row["topic"], "")) for row in found)
    return [read_row(row, topic) for row, topic in named if topic in CLASSES]


def _named(hexadecimal: str, kind: int | None) -> StreamId:
    """The stream that owns a name; only a settlement has a name and no head."""
    return stream_id("stl" if kind is None else BY_CODE[kind].prefix, hexadecimal)
