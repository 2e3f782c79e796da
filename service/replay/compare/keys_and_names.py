"""Compares the keys and names that are stored beside the log with the log."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from aggregates.binding.kinship import Kinship
from aggregates.institution import Institution
from aggregates.policy.rulebook import Rulebook
from aggregates.settlement.events import Claim, Settled, SettlementReversed
from aggregates.settlement.hold import Hold
from aggregates.topics import CLASSES, State
from aggregates.vocabulary import HoldStatus, StreamId
from service.ledger import codec
from service.replay.compare import StoreComparison
from service.replay.compare.multiset_hash import Tally
from service.replay.differences import Differences, Mismatch
from service.settlement.claims import visit_of
from service.vault import Vault

T = TypeVar("T")
KEYS = """
    SELECT k.caller, k.key, k.stream, k.position, t.topic, e.state
      FROM command_keys k LEFT JOIN events e ON e.stream = k.stream AND e.version = 1
      LEFT JOIN topics t ON t.id = e.topic
     WHERE k.stream IS NOT NULL AND get_byte(uuid_send(k.stream), 15) % $1 = $2
"""
KEYLESS = """
    SELECT e.position, e.stream FROM events e JOIN topics t ON t.id = e.topic
     WHERE e.version = 1 AND t.topic = ANY ($3) AND get_byte(uuid_send(e.stream), 15) % $1 = $2
       AND NOT EXISTS (SELECT FROM command_keys k WHERE k.stream = e.stream) ORDER BY e.position
"""
NAMES = """
    SELECT n.name, n.stream, h.kind, h.state, t.topic, e.state AS settled,
           (SELECT array_agg(x.topic ORDER BY v.version) FROM events v
              JOIN topics x ON x.id = v.topic WHERE h.stream IS NULL AND v.stream = n.stream)
             AS topics
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
     WHERE t.topic = ANY ($3) AND get_byte(uuid_send(k.stream), 15) % $1 = $2
     GROUP BY k.stream HAVING count(*) > 1
"""
SETTLED, REVERSED = "settlement.settled/1", "settlement.reversed/1"
BILLS = (SETTLED, "settlement.refused/1", REVERSED)
GONE = ("settlement.cancelled/1", REVERSED)
"""Topics that begin a settlement, and those that end its bill."""


class Bills(NamedTuple):
    """The names and keys that the bills of the log must have: of its visit, of its command."""

    names: Tally
    keys: Tally


# ------------------------------------------------------------------ keys


async def compare_keys(comparison: StoreComparison, expected: Tally) -> int:
    """Check that each settlement, refusal and tombstone has its command's key; the keys' number.

    The keys are compared as one hash first, and one by one only if it differs.
    """
    stored = await _keyed(comparison, KEYED)
    if not stored.is_same(expected):  # visits have keys too, one for each of their commands
        stored = await _keyed(comparison, KEYED_BILLS, BILLS)
    if not stored.is_same(expected):
        await _compare_each_key(comparison)
    return stored.count


async def _keyed(comparison: StoreComparison, query: str, *parameters: object) -> Tally:
    stored = Tally(comparison.vault)
    async for page in comparison.pages(query, *parameters):
        for stream, caller, key in page:
            digest = _key_digest(comparison.vault, caller, key)
            stored.add(codec.stream_id("stl", stream.hex), digest.encode())
    return stored


def _key_digest(vault: Vault, caller: str, key: str) -> str:
    return vault.name("key", f"{caller}\0{key}").hex()[:32]


async def _compare_each_key(comparison: StoreComparison) -> None:
    diffs = comparison.diffs
    async for page in comparison.pages(KEYS):
        for row in page:
            if row["topic"] in CLASSES and row["topic"] not in BILLS:
                continue
            where = (row["position"], codec.stream_id("stl", row["stream"].hex))
            if row["topic"] not in CLASSES:
                diffs.note(where, Mismatch.KEY, "a key of a settlement that is not there", None)
                continue
            digest = _key_digest(comparison.vault, row["caller"], row["key"])
            expected = _readable(_digest_of, row["topic"], row["state"])
            if expected != digest:
                diffs.note(where, Mismatch.KEY, f"key digest {digest}", expected)
    for query, stored in ((KEYLESS, "no key"), (TWICE, "several keys")):
        async for page in comparison.pages(query, BILLS):
            _note_numbers(page, stored, diffs)


def _note_numbers(page: Sequence[Any], stored: str, diffs: Differences) -> None:
    for row in page:
        where = (row.get("position"), codec.stream_id("stl", row["stream"].hex))
        diffs.note(where, Mismatch.KEY, stored, "one key")


def _digest_of(topic: str, state: bytes) -> str:
    """The digest of the key that a settlement came under, or that a tombstone took."""
    act, stored = codec.parts(state)
    event = codec.decode_event(topic, stored) if topic == REVERSED else None
    if isinstance(event, SettlementReversed):
        return event.undone
    return codec.decode_act(act).key_digest


# ------------------------------------------------------------------ names


async def compare_names(comparison: StoreComparison, expected: dict[str, int], bills: Tally) -> int:
    """Check that each unique name points to the stream that must own it; the names' number.

    `expected` counts the streams of a kind that must have a name: live bills and holds,
    institutions, regions, persons with kin. The log does not say how many names an account has.
    Bill names are compared as one hash first, and one by one only if it differs.
    """
    counted = dict.fromkeys(expected, 0)
    count = await _compare_each_name(comparison, counted, of_bills=False)
    stored = Tally(comparison.vault)
    async for page in comparison.pages(NAMED_BILLS):
        for stream, name in page:
            stored.add(codec.stream_id("stl", stream.hex), name)
    if stored.is_same(bills):
        counted["stl"] += bills.count
    else:
        await _compare_each_name(comparison, counted, of_bills=True)
    for prefix, number in expected.items():
        if counted[prefix] != number:
            names = f"{prefix}: {counted[prefix]} names"
            comparison.diffs.note((None, None), Mismatch.NAME, names, number)
    return count + stored.count


async def _compare_each_name(
    comparison: StoreComparison, counted: dict[str, int], *, of_bills: bool
) -> int:
    count, diffs = 0, comparison.diffs
    async for page in comparison.pages(NAMES, of_bills):
        count += len(page)
        for row in page:
            name = f"a name of {row['stream']}"
            owner = _readable(_owner, row)
            if owner is None:
                diffs.note((None, None), Mismatch.NAME, name, "an unreadable stream")
                continue
            stream, state = owner
            expected = None if stream is None else _name_of(comparison.vault, stream, state)
            if stream is None or expected == b"":
                diffs.note((None, stream), Mismatch.NAME, name, "no such live stream")
            elif expected is not None and expected != row["name"]:
                diffs.note((None, stream), Mismatch.NAME, row["name"].hex(), expected.hex())
            elif stream[:3] in counted:
                counted[stream[:3]] += 1
    return count


def _owner(row: Any) -> tuple[StreamId | None, State | Claim | None]:  # noqa: ANN401
    """The stream that a stored name points to, and its state, or the claim of a live bill."""
    if row["kind"] is not None:
        stream = codec.stream_id(codec.BY_CODE[row["kind"]].prefix, row["stream"].hex)
        return stream, codec.decode_head(row["kind"], row["state"])
    if row["topic"] not in CLASSES:
        return None, None
    stream = codec.stream_id("stl", row["stream"].hex)
    if row["topic"] != SETTLED or set(GONE) & set(row["topics"]):
        return stream, None
    event = codec.decode(row["topic"], row["settled"]).event
    return stream, event.claim if isinstance(event, Settled) else None


def _readable(read: Callable[..., T], *stored: Any) -> T | None:  # noqa: ANN401 -- of rows
    try:
        return read(*stored)
    except Exception:  # noqa: BLE001 -- the bytes may be anything
        return None


def _name_of(vault: Vault, stream: StreamId, state: State | Claim | None) -> bytes | None:
    """The name of a stream; None if the log does not say it, empty if it must have none."""
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
