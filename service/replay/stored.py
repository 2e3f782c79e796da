"""What is stored beside the log, held against what the log says: heads, keys, names."""

from collections.abc import AsyncIterator
from dataclasses import fields
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Connection

from aggregates.account_state import Account
from aggregates.hold import Hold
from aggregates.institution import Institution
from aggregates.kinship import Kinship
from aggregates.rulebook import Rulebook
from aggregates.settlement_events import Claim, Settled, SettlementReversed
from aggregates.topics import CLASSES, State
from aggregates.vocabulary import HoldStatus, StreamId
from service.claims import visit_of
from service.ledger.rows import (
    BY_CODE,
    Kind,
    decode,
    decode_act,
    decode_event,
    decode_head,
    encode_head,
    parts,
    stream_id,
)
from service.ledger.store import Head
from service.persons import Keys
from service.replay.course import Share
from service.replay.differences import Differences, Unlike
from service.replay.world import World

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
KEYS = """
    SELECT k.caller, k.key, k.stream, k.position, t.topic, e.state
      FROM command_keys k LEFT JOIN events e ON e.stream = k.stream AND e.version = 1
      LEFT JOIN topics t ON t.id = e.topic
     WHERE k.stream IS NOT NULL AND get_byte(uuid_send(k.stream), 15) % $1 = $2
"""
KEYLESS = """
    SELECT e.position, e.stream FROM events e JOIN topics t ON t.id = e.topic
     WHERE e.version = 1 AND t.topic = ANY ($1) AND get_byte(uuid_send(e.stream), 15) % $2 = $3
       AND NOT EXISTS (SELECT FROM command_keys k WHERE k.stream = e.stream) ORDER BY e.position
"""
NAMES = """
    SELECT n.name, n.stream, h.kind, h.state, t.topic, e.state AS settled,
           (SELECT array_agg(x.topic ORDER BY v.version) FROM events v
              JOIN topics x ON x.id = v.topic WHERE h.stream IS NULL AND v.stream = n.stream)
             AS told
      FROM unique_names n LEFT JOIN heads h ON h.stream = n.stream
      LEFT JOIN events e ON h.stream IS NULL AND e.stream = n.stream AND e.version = 1
      LEFT JOIN topics t ON t.id = e.topic WHERE get_byte(uuid_send(n.stream), 15) % $1 = $2
"""
TWICE = """
    SELECT k.stream FROM command_keys k JOIN events e ON e.stream = k.stream AND e.version = 1
      JOIN topics t ON t.id = e.topic
     WHERE t.topic = ANY ($1) AND get_byte(uuid_send(k.stream), 15) % $2 = $3
     GROUP BY k.stream HAVING count(*) > 1
"""
SETTLED, REVERSED = "settlement.settled/1", "settlement.reversed/1"
BILLS = (SETTLED, "settlement.refused/1", REVERSED)
GONE = ("settlement.cancelled/1", REVERSED)
"""Topics that begin a settlement, and those after which its bill is no more."""


async def compare_heads(
    connection: Connection, world: World, share: Share, found: Differences
) -> int:
    """Hold every stored head, and every account's balance, against its fold; how many."""
    last, count = UUID(int=0), 0
    while page := await connection.fetch(HEADS, last, PAGE, share.of, share.number):
        last = page[-1]["stream"]
        count += len(page)
        known = [_known(row["kind"], row["stream"]) for row in page]
        await world.fetch([s for s in known if s is not None])
        for row, stream in zip(page, known, strict=True):
            if stream is None:
                found.note((None, None), Unlike.HEAD, f"{row['stream']} kind {row['kind']}", None)
            else:
                _compare_head(row, stream, await world.look(stream), found)
        await world.settle(s for s in known if s is not None)
    await _find_missing(connection, world, share, found)
    return count


def _known(kind: int, stream: UUID) -> StreamId | None:
    return stream_id(BY_CODE[kind].prefix, stream.hex) if kind in BY_CODE else None


def _compare_head(row: Any, stream: StreamId, head: Head, found: Differences) -> None:  # noqa: ANN401
    """One row of `heads`; what is behind or before the log is told by version."""
    where = (None, stream)
    kind = BY_CODE[row["kind"]]
    if row["version"] != head.version:
        found.note(where, Unlike.HEAD, f"version {row['version']}", f"version {head.version}")
    is_account = isinstance(head.state, Account)
    made = (head.state.current_fen, head.state.prior_fen) if is_account else (None, None)  # type: ignore[union-attr]
    balance = (row["current_fen"], row["prior_fen"])
    if balance != made:
        found.note(where, Unlike.BALANCE, f"current, prior {balance}", f"current, prior {made}")
    if head.state is not None and row["state"] != encode_head(head.state):
        _compare_state(where, kind, row["state"], head.state, found)


def _compare_state(
    where: tuple[int | None, StreamId], kind: Kind, state: bytes, made: State, found: Differences
) -> None:
    """Which members differ; bytes of an older release may say the same in another way."""
    try:
        stored = decode_head(kind.code, state)
    except ValueError as error:
        found.note(where, Unlike.HEAD, f"unreadable: {type(error).__name__}", made)
        return
    if stored == made:
        return
    for name in made._fields if isinstance(made, Account) else [m.name for m in fields(made)]:
        one, other = getattr(stored, name), getattr(made, name)
        if one != other:
            found.note(where, Unlike.HEAD, f"{name} {one}", other)


async def _find_missing(
    connection: Connection, world: World, share: Share, found: Differences
) -> None:
    here = [(s, head) for s, head in world.heads.items() if head.version and s[:3] != "stl"]
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
        if BY_CODE[kind].has_head:
            found.note((None, _known(kind, stream)), Unlike.HEAD, "no head", f"version {version}")


# ------------------------------------------------------------------ keys


async def compare_keys(connection: Connection, keys: Keys, share: Share, found: Differences) -> int:
    """One key for each settlement, refusal and tombstone, and it is the one that made it."""
    count, mine = 0, (share.of, share.number)
    async for row in _all(connection, KEYS, *mine):
        if row["topic"] in CLASSES and row["topic"] not in BILLS:
            continue  # a visit's: each of its commands has one
        count += 1
        where = (row["position"], stream_id("stl", row["stream"].hex))
        digest = keys.name("key", f"{row['caller']}\0{row['key']}").hex()[:32]
        if row["topic"] not in CLASSES:
            found.note(where, Unlike.KEY, "a key of a settlement that is not there", None)
            continue
        made = _digest_of(row["topic"], row["state"])
        if made != digest:
            found.note(where, Unlike.KEY, f"key digest {digest}", made)
    for position, stream in await connection.fetch(KEYLESS, list(BILLS), *mine):
        found.note((position, stream_id("stl", stream.hex)), Unlike.KEY, "no key", "one key")
    for (stream,) in await connection.fetch(TWICE, list(BILLS), *mine):
        found.note((None, stream_id("stl", stream.hex)), Unlike.KEY, "several keys", "one key")
    return count


def _digest_of(topic: str, state: bytes) -> str:
    """The digest of the key that a settlement came under, or that a tombstone took."""
    act, told = parts(state)
    event = decode_event(topic, told) if topic == REVERSED else None
    return event.undone if isinstance(event, SettlementReversed) else decode_act(act).key_digest


# ------------------------------------------------------------------ names


class Names(NamedTuple):
    """What names are compared with: the keys that make them, and how many streams have one.

    `expected` counts the streams that must have a name: live bills and holds, institutions,
    regions, persons with kin. How many names an account has the log does not say.
    """

    keys: Keys
    expected: dict[str, int]
    share: Share


async def compare_names(connection: Connection, names: Names, found: Differences) -> int:
    """Every name leads to a stream that should have it, and no stream lacks its name."""
    keys, expected, share = names
    count, met = 0, dict.fromkeys(expected, 0)
    async for row in _all(connection, NAMES, share.of, share.number):
        count += 1
        stream, state = _named(row)
        where = (None, stream)
        made = None if stream is None else _name_of(keys, stream, state)
        if stream is None or made == b"":
            found.note(where, Unlike.NAME, f"a name of {row['stream']}", "no such live stream")
        elif made is not None and made != row["name"]:
            found.note(where, Unlike.NAME, row["name"].hex(), made.hex())
        elif stream[:3] in met:
            met[stream[:3]] += 1
    for prefix, number in expected.items():
        if met[prefix] != number:
            found.note((None, None), Unlike.NAME, f"{prefix}: {met[prefix]} names", number)
    return count


def _named(row: Any) -> tuple[StreamId | None, State | Claim | None]:  # noqa: ANN401
    if row["kind"] is not None:
        kind = BY_CODE[row["kind"]]
        return stream_id(kind.prefix, row["stream"].hex), decode_head(kind.code, row["state"])
    if row["topic"] not in CLASSES:
        return None, None
    stream = stream_id("stl", row["stream"].hex)
    if row["topic"] != SETTLED or set(GONE) & set(row["told"]):
        return stream, None
    event = decode(row["topic"], row["settled"]).event
    return stream, event.claim if isinstance(event, Settled) else None


def _name_of(keys: Keys, stream: StreamId, state: State | Claim | None) -> bytes | None:
    """The name of a stream; None where the log does not say it, empty where it must have none."""
    match state:
        case Claim():
            return visit_of(keys, state)
        case Hold(status=HoldStatus.HELD, held=held):
            return visit_of(keys, held.claim)
        case Institution(code=code):
            return keys.name("institution", code)
        case Rulebook(region=region):
            return keys.name("region", region)
        case Kinship(person=person):
            return keys.name("kinship", person)
        case _:
            return b"" if stream[:3] in ("stl", "hld") else None


async def _all(connection: Connection, query: str, *of: int) -> AsyncIterator[Any]:
    """All rows of a query, some at a time."""
    async with connection.transaction():
        async for row in connection.cursor(query, *of, prefetch=PAGE):
            yield row
