"""Events and heads as stored bytes, and back; no other module knows that format.

The state of an event row is `{"act": …, "event": …}` in JSON, that of a head the folded state in
JSON. Decoding is strict: an unknown topic or member raises an error.
"""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints
from uuid import UUID

from msgspec.json import Encoder
from pydantic import ConfigDict, TypeAdapter

from aggregates import institution, proof, visit
from aggregates.account import correction
from aggregates.account import events as account_events
from aggregates.account import fold as account
from aggregates.account.state import Account
from aggregates.binding import binding, kinship
from aggregates.binding.events import Caps
from aggregates.credential_link import link
from aggregates.event_metadata import Act
from aggregates.institution import Dialect, Signature
from aggregates.policy import rulebook
from aggregates.pool import events as pool_events
from aggregates.pool import pool
from aggregates.premium import premium
from aggregates.settlement import hold, settlement
from aggregates.settlement.events import Claim, FeeLine, PayerReturn, PayerShare
from aggregates.topics import CLASSES, LATER_MEMBERS, TOPICS, Event, State
from aggregates.visit import Diagnosis, Fee
from aggregates.vocabulary import StreamId
from projections.kit.recorded_event import RecordedEvent

E = TypeVar("E")
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class EventEnvelope(Generic[E]):
    """An event and its act, as stored."""

    act: Act
    event: E


class EventRow(NamedTuple):
    """An event to be stored. `amount_fen` is what it adds to its account's or pool's balance."""

    stream: StreamId
    version: int
    topic: str
    amount_fen: int | None
    state: bytes


Recorded = RecordedEvent


@dataclass(frozen=True, slots=True)
class StreamKind:
    """A kind of stream: its code in the heads, its topics' first word, and its fold."""

    code: int
    prefix: str
    topics: str
    state: type[Any]
    evolve: Callable[[Any, Any], Any]
    has_head: bool = True


KINDS = {
    kind.prefix: kind
    for kind in (
        StreamKind(1, "acc", "account", Account, account.evolve),
        StreamKind(2, "bnd", "binding", binding.Binding, binding.evolve),
        StreamKind(
            3, "stl", "settlement", settlement.Settlement, settlement.evolve, has_head=False
        ),
        StreamKind(4, "ins", "institution", institution.Institution, institution.evolve),
        StreamKind(5, "pol", "policy", rulebook.Rulebook, rulebook.evolve),
        StreamKind(6, "kin", "kinship", kinship.Kinship, kinship.evolve),
        StreamKind(7, "hld", "hold", hold.Hold, hold.evolve),
        StreamKind(8, "prm", "premium", premium.Premium, premium.evolve),
        StreamKind(9, "lnk", "link", link.Link, link.evolve),
        StreamKind(
            10, "cor", "correction", correction.Correction, correction.evolve, has_head=False
        ),
        StreamKind(11, "vis", "visit", visit.Visit, visit.evolve, has_head=False),
        StreamKind(14, "fpl", "pool", pool.Pool, pool.evolve),
        StreamKind(20, "ldg", "ledger", proof.Fork, proof.evolve, has_head=False),
    )
}
BY_CODE = {kind.code: kind for kind in KINDS.values()}
TOPIC_PREFIX = {kind.topics: kind.prefix for kind in KINDS.values()}


def kind_of(stream: StreamId) -> StreamKind:
    """The kind of a stream, from its id."""
    return KINDS[stream[:3]]


def stream_id(prefix: str, hexadecimal: str) -> StreamId:
    """A stream id of a kind from its 32 hex digits."""
    return StreamId(f"{prefix}_{hexadecimal}")


def stream_of(topic: str, stream: UUID) -> StreamId:
    """The stream id of an event from its topic and the stored uuid."""
    return StreamId(f"{TOPIC_PREFIX[topic.partition('.')[0]]}_{stream.hex}")


OF_INSTITUTIONS, OF_VISITS = (Dialect, Signature), (Fee, Diagnosis)
PARTS = (Act, Caps, FeeLine, Claim, PayerShare, PayerReturn, *OF_INSTITUTIONS, *OF_VISITS)
STORED: tuple[Any, ...] = (EventEnvelope, *PARTS, *TOPICS)
for _stored in STORED:
    _stored.__pydantic_config__ = STRICT

_ACT = TypeAdapter(Act)
K = TypeVar("K")


class _Readers(dict[K, "TypeAdapter[Any]"]):
    """What reads stored bytes, each made when it is first used: all of them take 0.3 seconds."""

    def __init__(self, type_of: Callable[[K], Any]) -> None:
        super().__init__()
        self._type_of = type_of

    def __missing__(self, key: K) -> TypeAdapter[Any]:
        reader = self[key] = TypeAdapter(self._type_of(key))
        return reader


def _enveloped(event: type[Any]) -> object:
    return EventEnvelope[event]  # type: ignore[valid-type]


_ENVELOPES = _Readers[str](lambda topic: _enveloped(CLASSES[topic]))
_EVENTS = _Readers[str](lambda topic: CLASSES[topic])
_STATES = _Readers[int](lambda code: BY_CODE[code].state)
_TO_JSON = Encoder().encode
"""Writes the same bytes as pydantic, in a fraction of its time."""


def _at_default(stored: object) -> tuple[bytes, ...]:
    """The later members of a class, nested ones too, as they stand in JSON at their defaults."""
    names: dict[str, None] = {}
    waiting = [stored]
    while waiting:
        part = waiting.pop()
        waiting += get_args(part)
        if isinstance(part, type) and is_dataclass(part):
            hints = get_type_hints(part)
            names |= dict.fromkeys(hints)
            waiting += hints.values()
    later = [(name, LATER_MEMBERS[name]) for name in names if name in LATER_MEMBERS]
    return tuple(b',"%b":%b' % (name.encode(), _TO_JSON(default)) for name, default in later)


_AT_DEFAULT: dict[type, tuple[bytes, ...]] = {
    event_class: _at_default(event_class) for event_class in TOPICS
}
"""A bare quote never stands in a JSON string, so these bytes are members wherever they stand."""


def text_of(value: object) -> bytes:
    """An event or an act as JSON, later members at their defaults left out."""
    text = _TO_JSON(value)
    for member in _AT_DEFAULT.get(type(value), ()):
        text = text.replace(member, b"")
    return text


def encode_act(act: Act) -> bytes:
    """An act as stored bytes, encoded once for all events of a command."""
    return _TO_JSON(act)


def encode(stream: StreamId, version: int, event: Event, act: bytes) -> EventRow:
    """An event as a row; `act` comes from `encode_act`."""
    state = b'{"act":%b,"event":%b}' % (act, text_of(event))
    return EventRow(stream, version, TOPICS[type(event)], amount_of(event), state)


def decode(topic: str, state: bytes) -> EventEnvelope[Event]:
    """An event and its act from stored bytes.

    Raises:
        KeyError: a topic this release does not know; ValueError: bytes it cannot read.
    """
    envelope: EventEnvelope[Event] = _ENVELOPES[topic].validate_json(state)
    return envelope


def parts(state: bytes) -> tuple[bytes, bytes]:
    """Stored bytes split into those of the act and those of the event.

    Raises:
        ValueError: bytes that `encode` never wrote.
    """
    act, separator, event = state.partition(b',"event":')
    if not (separator and act.startswith(b'{"act":') and event.endswith(b"}")):
        raise ValueError("not an event")
    return act[7:], event[:-1]


def read_row(row: Any, topic: str) -> Recorded:  # noqa: ANN401 -- a record of asyncpg
    """An event of a known topic from position, recorded_at, stream, version, topic and state.

    Raises:
        ValueError: bytes it cannot read.
    """
    position, recorded_at, stream, version, _, state = row
    act, event = (envelope := decode(topic, state)).act, envelope.event
    return Recorded(position, recorded_at, stream_of(topic, stream), version, act, event)


def decode_act(act: bytes) -> Act:
    """An act from its part of stored bytes.

    Raises:
        ValueError: bytes it cannot read.
    """
    return _ACT.validate_json(act)


def decode_event(topic: str, event: bytes) -> Event:
    """An event from its part of stored bytes.

    Raises:
        KeyError: a topic this release does not know; ValueError: bytes it cannot read.
    """
    read: Event = _EVENTS[topic].validate_json(event)
    return read


def encode_head(state: State) -> bytes:
    """A folded state as stored bytes."""
    return _TO_JSON(state)


def decode_head(code: int, state: bytes) -> State:
    """A folded state from the code of its kind and stored bytes."""
    folded: State = _STATES[code].validate_json(state)
    return folded


TAKES = (account_events.Debited, account_events.PremiumDebited, account_events.MovedToPool)
GIVES = (account_events.DebitReturned, account_events.PremiumReturned)
POOL_TAKES = (pool_events.PoolDebited, pool_events.PoolPremiumDebited, pool_events.PoolEmptied)
POOL_GIVES = (pool_events.PoolFunded, pool_events.PoolReturned, pool_events.PoolPremiumReturned)
ADDS = (account_events.Credited, account_events.Corrected, account_events.MovedFromPool)


def amount_of(event: Event) -> int | None:
    """What an event adds to the balance of its account or pool, in fen; None if it moves none."""
    if isinstance(event, TAKES):
        return -(event.current_fen + event.prior_fen)
    if isinstance(event, (*ADDS, *POOL_GIVES)):
        return event.amount_fen
    if isinstance(event, GIVES):
        return event.current_fen + event.prior_fen
    if isinstance(event, POOL_TAKES):
        return -event.amount_fen
    return None
