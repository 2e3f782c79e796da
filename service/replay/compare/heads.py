"""What is stored beside the log, held against what the log says: heads."""

from dataclasses import fields
from typing import Any
from uuid import UUID

from asyncpg import Connection

from aggregates.account.state import Account
from aggregates.topics import State
from aggregates.vocabulary import StreamId
from service.ledger.codec import BY_CODE, StreamKind, decode_head, stream_id
from service.ledger.store import StreamHead
from service.replay.differences import Differences, Mismatch
from service.replay.partition import Partition
from service.replay.state_cache import BARE, StateCache, encoded

PAGE = 2000
HEADS = """
    SELECT stream, current_fen, prior_fen, version, kind, state FROM heads
     WHERE stream > $1 AND get_byte(uuid_send(stream), 15) % $3 = $4 ORDER BY stream LIMIT $2
"""
MISSING = """
    SELECT stream, kind, version FROM (SELECT stream, kind, version FROM replayed
    UNION SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::integer[])) AS r
     WHERE get_byte(uuid_send(stream), 15) % $4 = $5
       AND NOT EXISTS (SELECT FROM heads h WHERE h.stream = r.stream) ORDER BY stream
"""


async def compare_heads(
    connection: Connection, world: StateCache, share: Partition, found: Differences
) -> int:
    """Hold every stored head, and every account's balance, against its fold; how many."""
    last, count = UUID(int=0), 0
    while page := await connection.fetch(HEADS, last, PAGE, share.of, share.number):
        last = page[-1]["stream"]
        count += len(page)
        known = [_known(row["kind"], row["stream"]) for row in page]
        await world.fetch([s for s in known if s is not None], (), 0)
        for row, stream in zip(page, known, strict=True):
            if stream is None:
                found.note((None, None), Mismatch.HEAD, f"{row['stream']} kind {row['kind']}", None)
            else:
                _compare_head(row, stream, await world.look(stream), found)
        await world.settle(s for s in known if s is not None)
    await _find_missing(connection, world, share, found)
    return count


def _known(kind: int, stream: UUID) -> StreamId | None:
    return stream_id(BY_CODE[kind].prefix, stream.hex) if kind in BY_CODE else None


def _compare_head(row: Any, stream: StreamId, head: StreamHead, found: Differences) -> None:  # noqa: ANN401
    """One row of `heads`; what is behind or before the log is told by version."""
    where = (None, stream)
    kind = BY_CODE[row["kind"]]
    if row["version"] != head.version:
        found.note(where, Mismatch.HEAD, f"version {row['version']}", f"version {head.version}")
    is_account = isinstance(head.state, Account)
    made = (head.state.current_fen, head.state.prior_fen) if is_account else (None, None)  # type: ignore[union-attr]
    balance = (row["current_fen"], row["prior_fen"])
    if balance != made:
        found.note(where, Mismatch.BALANCE, f"current, prior {balance}", f"current, prior {made}")
    if head.state is not None and row["state"] != encoded(head.state):
        _compare_state(where, kind, row["state"], head.state, found)


def _compare_state(
    where: tuple[int | None, StreamId],
    kind: StreamKind,
    state: bytes,
    made: State,
    found: Differences,
) -> None:
    """Which members differ; bytes of an older release may say the same in another way."""
    try:
        stored = decode_head(kind.code, state)
    except Exception as error:  # noqa: BLE001 -- whatever the bytes do to their reader
        found.note(where, Mismatch.HEAD, f"unreadable: {type(error).__name__}", made)
        return
    if stored == made:
        return
    for name in made._fields if isinstance(made, Account) else [m.name for m in fields(made)]:
        one, other = getattr(stored, name), getattr(made, name)
        if one != other:
            found.note(where, Mismatch.HEAD, f"{name} {one}", other)


async def _find_missing(
    connection: Connection, world: StateCache, share: Partition, found: Differences
) -> None:
    here = [(s, head) for s, head in world.heads.items() if head.version and s[:3] not in BARE]
    codes = {kind.prefix: kind.code for kind in BY_CODE.values()}
    missing = await connection.fetch(
        MISSING,
        [s[4:] for s, _ in here],
        [codes[s[:3]] for s, _ in here],
        [head.version for _, head in here],
        share.of,
        share.number,
    )
    for stream, kind, version in missing:
        found.note((None, _known(kind, stream)), Mismatch.HEAD, "no head", f"version {version}")
