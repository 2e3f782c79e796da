"""Keys and names that are stored beside the log, held against what the log says."""

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, TypeVar

from asyncpg import Connection

from aggregates.binding.kinship import Kinship
from aggregates.institution import Institution
from aggregates.policy.rulebook import Rulebook
from aggregates.settlement.events import Claim, Settled, SettlementReversed
from aggregates.settlement.hold import Hold
from aggregates.topics import CLASSES, State
from aggregates.vocabulary import HoldStatus, StreamId
from service.ledger.codec import (
    BY_CODE,
    decode,
    decode_act,
    decode_event,
    decode_head,
    parts,
    stream_id,
)
from service.replay.compare.multiset_hash import Tally
from service.replay.differences import Differences, Mismatch
from service.replay.partition import Partition
from service.settlement.claims import visit_of
from service.vault import Vault

T = TypeVar("T")
PAGE = 2000
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
      LEFT JOIN topics t ON t.id = e.topic
     WHERE get_byte(uuid_send(n.stream), 15) % $1 = $2 AND (h.stream IS NULL) = $3
"""
NAMED_BILLS = """
    SELECT n.stream, n.name FROM unique_names n
     WHERE get_byte(uuid_send(n.stream), 15) % $1 = $2
       AND NOT EXISTS (SELECT FROM heads h WHERE h.stream = n.stream)
"""
KEYED = """
    SELECT k.stream, k.caller, k.key FROM command_keys k
     WHERE k.stream IS NOT NULL AND get_byte(uuid_send(k.stream), 15) % $1 = $2
"""
KEYED_BILLS = f"""{KEYED}
       AND NOT EXISTS (SELECT FROM events e JOIN topics t ON t.id = e.topic
            WHERE e.stream = k.stream AND e.version = 1 AND t.topic <> ALL ($3))
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


class Bills(NamedTuple):
    """What the log says that its bills must be known by: by visit, and by their command's key."""

    names: Tally
    keys: Tally


# ------------------------------------------------------------------ keys


async def compare_keys(
    connection: Connection, vault: Vault, told: Tally, share: Partition, found: Differences
) -> int:
    """One key for each settlement, refusal and tombstone, and it is the one that made it.

    Where all together are what the log told, each is; else they are looked at one by one.
    """
    stored = await _keyed(connection, vault, KEYED, share.of, share.number)
    if not stored.is_same(told):  # visits have keys too, one for each of their commands
        stored = await _keyed(connection, vault, KEYED_BILLS, share.of, share.number, BILLS)
    if not stored.is_same(told):
        await _compare_each_key(connection, vault, share, found)
    return stored.count


async def _keyed(connection: Connection, vault: Vault, query: str, *of: object) -> Tally:
    stored = Tally(vault)
    async for page in _pages(connection, query, *of):
        for stream, caller, key in page:
            stored.add(stream_id("stl", stream.hex), _key_digest(vault, caller, key).encode())
    return stored


def _key_digest(vault: Vault, caller: str, key: str) -> str:
    return vault.name("key", f"{caller}\0{key}").hex()[:32]


async def _compare_each_key(
    connection: Connection, vault: Vault, share: Partition, found: Differences
) -> None:
    mine = (share.of, share.number)
    async for page in _pages(connection, KEYS, *mine):
        for row in page:
            if row["topic"] in CLASSES and row["topic"] not in BILLS:
                continue
            where = (row["position"], stream_id("stl", row["stream"].hex))
            digest = _key_digest(vault, row["caller"], row["key"])
            if row["topic"] not in CLASSES:
                found.note(where, Mismatch.KEY, "a key of a settlement that is not there", None)
                continue
            made = _readable(_digest_of, row["topic"], row["state"])
            if made != digest:
                found.note(where, Mismatch.KEY, f"key digest {digest}", made)
    for position, stream in await connection.fetch(KEYLESS, list(BILLS), *mine):
        found.note((position, stream_id("stl", stream.hex)), Mismatch.KEY, "no key", "one key")
    for (stream,) in await connection.fetch(TWICE, list(BILLS), *mine):
        found.note((None, stream_id("stl", stream.hex)), Mismatch.KEY, "several keys", "one key")


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

    vault: Vault
    expected: dict[str, int]
    share: Partition
    told: Tally


async def compare_names(connection: Connection, names: Names, found: Differences) -> int:
    """Every name leads to a stream that should have it, and no stream lacks its name.

    Those of bills all together first, as keys are.
    """
    vault, expected, share, told = names
    met = dict.fromkeys(expected, 0)
    count = await _compare_each_name(connection, names, met, found, of_bills=False)
    stored = Tally(vault)
    async for page in _pages(connection, NAMED_BILLS, share.of, share.number):
        for stream, name in page:
            stored.add(stream_id("stl", stream.hex), name)
    if stored.is_same(told):
        met["stl"] += told.count
    else:
        await _compare_each_name(connection, names, met, found, of_bills=True)
    for prefix, number in expected.items():
        if met[prefix] != number:
            found.note((None, None), Mismatch.NAME, f"{prefix}: {met[prefix]} names", number)
    return count + stored.count


async def _compare_each_name(
    connection: Connection,
    names: Names,
    met: dict[str, int],
    found: Differences,
    *,
    of_bills: bool,
) -> int:
    count, share = 0, names.share
    async for page in _pages(connection, NAMES, share.of, share.number, of_bills):
        count += len(page)
        for row in page:
            named = _readable(_named, row)
            if named is None:
                what = f"a name of {row['stream']}"
                found.note((None, None), Mismatch.NAME, what, "an unreadable stream")
                continue
            stream, state = named
            where = (None, stream)
            made = None if stream is None else _name_of(names.vault, stream, state)
            if stream is None or made == b"":
                found.note(
                    where, Mismatch.NAME, f"a name of {row['stream']}", "no such live stream"
                )
            elif made is not None and made != row["name"]:
                found.note(where, Mismatch.NAME, row["name"].hex(), made.hex())
            elif stream[:3] in met:
                met[stream[:3]] += 1
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


def _readable(read: Callable[..., T], *stored: Any) -> T | None:  # noqa: ANN401 -- of rows
    """What is read from stored bytes; None where nobody wrote them so."""
    try:
        return read(*stored)
    except Exception:  # noqa: BLE001 -- whatever the bytes do to their reader
        return None


def _name_of(vault: Vault, stream: StreamId, state: State | Claim | None) -> bytes | None:
    """The name of a stream; None where the log does not say it, empty where it must have none."""
    match state:
        case Claim():
            return visit_of(vault, state)
        case Hold(status=HoldStatus.HELD, held=held):
            return visit_of(vault, held.claim)
        case Institution(code=code):
            return vault.name("institution", code)
        case Rulebook(region=region):
            return vault.name("region", region)
        case Kinship(person=person):
            return vault.name("kinship", person)
        case _:
            return b"" if stream[:3] in ("stl", "hld") else None


async def _pages(connection: Connection, query: str, *of: object) -> AsyncIterator[list[Any]]:
    """All rows of a query, some at a time."""
    async with connection.transaction():
        cursor = await connection.cursor(query, *of)
        while page := await cursor.fetch(PAGE):
            yield page
