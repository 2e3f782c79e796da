"""The access log as it is stored: rows without gaps, each hashed over the one before it.

A row's hash is SHA-256 over 0x01, the hash before it, its position and its leaf, whose members
are all of its columns. To change, drop or insert a row breaks every hash after it.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from asyncpg import Pool

from aggregates.vocabulary import StreamId
from projections.kit.table import Connection
from service.ledger.leaf_hash import hash_members

RECORD = "SELECT record_accesses($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
FIELDS = "position, at, status, caller, role, operation, code, purpose, trace_id, streams"
PAGE = f"""
    SELECT {FIELDS} FROM accesses
     WHERE position < $1
       AND ($2::text IS NULL OR streams @> ARRAY[$2::text])
       AND ($3::text IS NULL OR caller = $3)
       AND ($4::bigint IS NULL OR at >= $4)
       AND ($5::bigint IS NULL OR at < $5)
     ORDER BY position DESC LIMIT $6
"""  # noqa: S608 -- column names of ours
OF_CODE = f"""
    SELECT {FIELDS} FROM accesses
     WHERE position > $1 AND code IS NOT NULL AND string_to_array(code, ' ') @> ARRAY[$2::text]
     ORDER BY position LIMIT $3
"""  # noqa: S608 -- column names of ours
CHAIN = f"SELECT {FIELDS}, hash FROM accesses WHERE position > $1 ORDER BY position"  # noqa: S608
SIGNED = f"""
    SELECT {FIELDS}, hash,
           (SELECT c.note FROM checkpoints c WHERE c.accesses = position ORDER BY c.size LIMIT 1)
           AS note
      FROM accesses WHERE position > $1 AND position <= $2 ORDER BY position
"""  # noqa: S608 -- column names of ours
HEAD = "SELECT position, hash, anchor_position, anchor_hash FROM access_head"
OLD = """
    SELECT least(coalesce(min(a.position), $2 + 1) - 1,
                 coalesce((SELECT nullif(max(c.accesses), 0) FROM checkpoints c), $2))
      FROM accesses a WHERE a.at >= $1
"""
"""The newest access to prune: none that is unsigned, once any was signed."""
BEGINNING = hashlib.sha256(b"").digest()


class Access(NamedTuple):
    """One request: when (microseconds), its status, who asked for what, and what was shown.

    `operation` is a method and a path's pattern, never a path: paths name persons. `code` has
    every code that it, or a bill of it, was refused with, in order and separated by spaces.
    """

    at: int
    status: int
    caller: str
    role: str
    operation: str
    code: str | None
    purpose: str | None
    trace_id: str
    streams: tuple[StreamId, ...]


class StoredAccess(NamedTuple):
    """An access and its position in the access log, from 1."""

    position: int
    access: Access


class AccessQuery(NamedTuple):
    """Which accesses: below a position, of a stream, by a caller, in [since, until)."""

    below: int
    stream: StreamId | None = None
    caller: str | None = None
    since: int | None = None
    until: int | None = None

    def fits(self, stored: StoredAccess) -> bool:
        """Whether an access is among them."""
        access = stored.access
        return (
            stored.position < self.below
            and (self.stream is None or self.stream in access.streams)
            and (self.caller is None or self.caller == access.caller)
            and (self.since is None or access.at >= self.since)
            and (self.until is None or access.at < self.until)
        )


class SealedAccess(NamedTuple):
    """A stored access with its hash, and with the checkpoint that signed it as the newest."""

    stored: StoredAccess
    hash: bytes
    note: str | None


class ChainCheck(NamedTuple):
    """The result of checking the chain: the first broken position, if any, and the head."""

    broken: int | None
    position: int
    hash: bytes


def leaf_of(access: Access) -> bytes:
    """The leaf of an access: its columns but the position."""
    numbers = access.at.to_bytes(8), access.status.to_bytes(8)
    texts = (*access[2:5], access.code or "", access.purpose or "", access.trace_id)
    return hash_members([*numbers, *(text.encode() for text in (*texts, *access.streams))])


def link_of(before: bytes, position: int, leaf: bytes) -> bytes:
    """The hash of an access's row, over the hash before it."""
    return hashlib.sha256(b"\x01" + before + position.to_bytes(8) + leaf).digest()


async def record(pool: Pool, accesses: Sequence[Access]) -> None:
    """Add a group of accesses in one round trip; durable when this returns."""
    columns = [list(column) for column in zip(*(a[:8] for a in accesses), strict=True)]
    streams = [" ".join(access.streams) for access in accesses]
    await pool.execute(RECORD, *columns, streams, [leaf_of(access) for access in accesses])


async def page(pool: Pool, query: AccessQuery, limit: int) -> list[StoredAccess]:
    """Up to `limit` accesses, the newest first."""
    return [_stored(row) for row in await pool.fetch(PAGE, *query, limit)]


async def of_code(pool: Pool, code: str, after: int, limit: int) -> list[StoredAccess]:
    """Up to `limit` accesses after a position that were refused with a code, the oldest first."""
    return [_stored(row) for row in await pool.fetch(OF_CODE, after, code, limit)]


async def check(pool: Pool) -> ChainCheck:
    """Check the chain from its anchor to its head."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        position, newest, at, link = await connection.fetchrow(HEAD)
        async for row in connection.cursor(CHAIN, at, prefetch=1000):
            at, stored = at + 1, _stored(row)
            link = link_of(link, at, leaf_of(stored.access))
            if (at, link) != (stored.position, row["hash"]):
                return ChainCheck(at, position, newest)
        broken = None if (at, link) == (position, newest) else at + 1
        return ChainCheck(broken, position, newest)


async def anchor(connection: Connection) -> tuple[int, bytes]:
    """Position and hash of the newest access that was pruned; 0 and `BEGINNING` before any."""
    _, _, position, link = await connection.fetchrow(HEAD)
    return position, link


async def sealed(connection: Connection, after: int, upto: int) -> AsyncIterator[SealedAccess]:
    """The accesses after a position, up to another; within a transaction."""
    async for row in connection.cursor(SIGNED, after, upto, prefetch=1000):
        yield SealedAccess(_stored(row), row["hash"], row["note"])


async def prune(pool: Pool, before: int) -> int:
    """Delete the oldest accesses, all from before a moment (microseconds); how many.

    Once checkpoints sign the access log, accesses that none signs yet stay.
    """
    head = await pool.fetchval("SELECT position FROM access_head")
    pruned: int = await pool.fetchval(
        "SELECT prune_accesses($1)", await pool.fetchval(OLD, before, head)
    )
    return pruned


def _stored(row: Sequence[Any]) -> StoredAccess:
    streams = tuple(StreamId(stream) for stream in row[9])
    return StoredAccess(row[0], Access._make((*row[1:9], streams)))
