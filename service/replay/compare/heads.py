"""Compares the stored heads with the replayed states."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from aggregates.account.state import Account
from aggregates.pool.pool import Pool
from aggregates.topics import State
from aggregates.vocabulary import StreamId
from service.ledger.codec import BY_CODE, StreamKind, decode_head, stream_id
from service.ledger.postgres.append_call import buckets_of
from service.ledger.store import StreamHead
from service.replay.compare import StoreComparison
from service.replay.differences import Differences, Mismatch
from service.replay.state_cache import BARE, StateCache, encoded

HEADS = """
    SELECT stream, current_fen, prior_fen, version, kind, state FROM heads
     WHERE get_byte(uuid_send(stream), 15) % $1 = $2 ORDER BY stream
"""
MISSING = """
    SELECT stream, kind, version FROM (SELECT stream, kind, version FROM replayed
    UNION SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::integer[])) AS r
     WHERE get_byte(uuid_send(stream), 15) % $4 = $5
       AND NOT EXISTS (SELECT FROM heads h WHERE h.stream = r.stream) ORDER BY stream
"""


async def compare_heads(comparison: StoreComparison, states: StateCache) -> int:
    """Compare every stored head, and every balance, with its fold; their number."""
    count, diffs = 0, comparison.diffs
    async for page in comparison.pages(HEADS):
        count += len(page)
        streams = [_stream(row["kind"], row["stream"]) for row in page]
        await states.fetch([s for s in streams if s is not None], (), 0)
        for row, stream in zip(page, streams, strict=True):
            if stream is None:
                diffs.note((None, None), Mismatch.HEAD, f"{row['stream']} kind {row['kind']}", None)
            else:
                _compare_head(row, stream, await states.look(stream), diffs)
        await states.settle(s for s in streams if s is not None)
    await _find_missing(comparison, states)
    return count


def _stream(kind: int, stream: UUID) -> StreamId | None:
    return stream_id(BY_CODE[kind].prefix, stream.hex) if kind in BY_CODE else None


def _compare_head(row: Any, stream: StreamId, head: StreamHead, diffs: Differences) -> None:  # noqa: ANN401
    """Compare one row of `heads`; a stale head differs in its version."""
    where = (None, stream)
    kind = BY_CODE[row["kind"]]
    if row["version"] != head.version:
        diffs.note(where, Mismatch.HEAD, f"version {row['version']}", f"version {head.version}")
    folded = buckets_of(head.state)
    stored = (row["current_fen"], row["prior_fen"])
    if stored != folded:
        diffs.note(where, Mismatch.BALANCE, f"current, prior {stored}", f"current, prior {folded}")
    if head.state is not None and row["state"] != encoded(head.state):
        _compare_state(where, kind, row["state"], head.state, diffs)


def _compare_state(
    where: tuple[int | None, StreamId],
    kind: StreamKind,
    state: bytes,
    folded: State,
    diffs: Differences,
) -> None:
    """Compare members; bytes of an older release may have the same state in another form."""
    try:
        stored = decode_head(kind.code, state)
    except Exception as error:  # noqa: BLE001 -- the bytes may be anything
        diffs.note(where, Mismatch.HEAD, f"unreadable: {type(error).__name__}", folded)
        return
    if stored == folded:
        return
    if isinstance(folded, Account | Pool):
        names: Sequence[str] = folded._fields
    else:
        names = [member.name for member in fields(folded)]
    for name in names:
        member, expected = getattr(stored, name), getattr(folded, name)
        if member != expected:
            diffs.note(where, Mismatch.HEAD, f"{name} {member}", expected)


async def _find_missing(comparison: StoreComparison, states: StateCache) -> None:
    here = [(s, head) for s, head in states.heads.items() if head.version and s[:3] not in BARE]
    codes = {kind.prefix: kind.code for kind in BY_CODE.values()}
    missing = await comparison.connection.fetch(
        MISSING,
        [s[4:] for s, _ in here],
        [codes[s[:3]] for s, _ in here],
        [head.version for _, head in here],
        comparison.part.of,
        comparison.part.number,
    )
    for stream, kind, version in missing:
        comparison.diffs.note(
            (None, _stream(kind, stream)), Mismatch.HEAD, "no head", f"version {version}"
        )
