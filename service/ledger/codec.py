"""Events and heads as stored bytes, and back. The one place that knows them.

A row's state is `{"act": …, "event": …}` in JSON. A head's state is the folded state in
JSON. Reading is strict: an unknown topic or member stops at the row, loudly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from msgspec.json import Encoder
from pydantic import ConfigDict, TypeAdapter

from aggregates import institution, proof, visit
from aggregates.account import correction
from aggregates.account import fold as account
from aggregates.account.events import (
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    PremiumDebited,
    PremiumReturned,
)
from aggregates.account.state import Account
from aggregates.binding import binding, kinship
from aggregates.binding.events import Caps
from aggregates.credential_link import link
from aggregates.event_metadata import Act
from aggregates.institution import Dialect, Signature
from aggregates.policy import rulebook
from aggregates.premium import premium
from aggregates.settlement import hold, settlement
from aggregates.settlement.events import Claim, FeeLine, PayerReturn, PayerShare
from aggregates.topics import CLASSES, TOPICS, Event, State
from aggregates.visit import Diagnosis, Fee
from aggregates.vocabulary import StreamId

E = TypeVar("E")
STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class EventEnvelope(Generic[E]):
    """An event with who did it, as stored."""

    act: Act
    event: E


class EventRow(NamedTuple):
    """An event ready to be stored. `amount_fen` is what it adds to its account's balance."""

    stream: StreamId
    version: int
    topic: str
    amount_fen: int | None
    state: bytes


class Recorded(NamedTuple):
    """A stored event: where it stands, when it was recorded (microseconds), what and by whom."""

    position: int
    recorded_at: int
    stream: StreamId
    version: int
    act: Act
    event: Event


@dataclass(frozen=True, slots=True)
class StreamKind:
    """A kind of stream: its code in the heads, whether it has heads, and its fold."""

    code: int
    prefix: str
    has_head: bool
    state: type[Any]
    evolve: Callable[[Any, Any], Any]


KINDS = {
    kind.prefix: kind
    for kind in (
        StreamKind(1, "acc", True, Account, account.evolve),  # noqa: FBT003 -- a table
        StreamKind(2, "bnd", True, binding.Binding, binding.evolve),  # noqa: FBT003
        StreamKind(3, "stl", False, settlement.Settlement, settlement.evolve),  # noqa: FBT003
        StreamKind(4, "ins", True, institution.Institution, institution.evolve),  # noqa: FBT003
        StreamKind(5, "pol", True, rulebook.Rulebook, rulebook.evolve),  # noqa: FBT003
        StreamKind(6, "kin", True, kinship.Kinship, kinship.evolve),  # noqa: FBT003
        StreamKind(7, "hld", True, hold.Hold, hold.evolve),  # noqa: FBT003
        StreamKind(8, "prm", True, premium.Premium, premium.evolve),  # noqa: FBT003
        StreamKind(9, "lnk", True, link.Link, link.evolve),  # noqa: FBT003
        StreamKind(10, "cor", False, correction.Correction, correction.evolve),  # noqa: FBT003
        StreamKind(11, "vis", False, visit.Visit, visit.evolve),  # noqa: FBT003
        StreamKind(20, "ldg", False, proof.Fork, proof.evolve),  # noqa: FBT003
    )
}
BY_CODE = {kind.code: kind for kind in KINDS.values()}
TOPIC_PREFIX = {
    "account": "acc",
    "binding": "bnd",
    "settlement": "stl",
    "institution": "ins",
    "policy": "pol",
    "kinship": "kin",
    "hold": "hld",
    "link": "lnk",
    "correction": "cor",
    "premium": "prm",
    "visit": "vis",
    "ledger": "ldg",
}


def kind_of(stream: StreamId) -> StreamKind:
    """The kind of a stream, from its id."""
    return KINDS[stream[:3]]


def stream_id(prefix: str, hexadecimal: str) -> StreamId:
    """A stream id of a kind from its 32 hex digits."""
    return StreamId(f"{prefix}_{hexadecimal}")


def _envelope_adapter(event_class: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(EventEnvelope[event_class])  # type: ignore[valid-type]


OF_INSTITUTIONS, OF_VISITS = (Dialect, Signature), (Fee, Diagnosis)
PARTS = (Act, Caps, FeeLine, Claim, PayerShare, PayerReturn, *OF_INSTITUTIONS, *OF_VISITS)
STORED: tuple[Any, ...] = (EventEnvelope, *PARTS, *TOPICS)
for _stored in STORED:
    _stored.__pydantic_config__ = STRICT

_ACT = TypeAdapter(Act)
_ENVELOPES = {topic: _envelope_adapter(event_class) for topic, event_class in CLASSES.items()}
_EVENTS = {topic: TypeAdapter(event_class) for topic, event_class in CLASSES.items()}
_STATES = {kind.code: TypeAdapter(kind.state) for kind in KINDS.values()}
_TO_JSON = Encoder().encode
"""Writes the bytes that pydantic would, in a fraction of its time."""


def encode_act(act: Act) -> bytes:
    """An act in stored bytes, made once for all events of a command."""
    return _TO_JSON(act)


def encode(stream: StreamId, version: int, event: Event, act: bytes) -> EventRow:
    """An event as a row; `act` comes from `encode_act`."""
    state = b'{"act":%b,"event":%b}' % (act, _TO_JSON(event))
    return EventRow(stream, version, TOPICS[type(event)], amount_of(event), state)


def decode(topic: str, state: bytes) -> EventEnvelope[Event]:
    """An event and its act from stored bytes.

    Raises:
        KeyError: a topic this release does not know; ValueError: bytes it cannot read.
    """
    envelope: EventEnvelope[Event] = _ENVELOPES[topic].validate_json(state)
    return envelope


def parts(state: bytes) -> tuple[bytes, bytes]:
    """Stored bytes as those of the act and those of the event, each for itself.

    Raises:
        ValueError: bytes that `encode` never wrote.
    """
    act, found, event = state.partition(b',"event":')
    if not (found and act.startswith(b'{"act":') and event.endswith(b"}")):
        raise ValueError("not an event")
    return act[7:], event[:-1]


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
    return _EVENTS[topic].validate_json(event)


def encode_head(state: State) -> bytes:
    """A folded state in compact bytes."""
    return _TO_JSON(state)


def decode_head(code: int, state: bytes) -> State:
    """A folded state from its kind's code and stored bytes."""
    folded: State = _STATES[code].validate_json(state)
    return folded


def amount_of(event: Event) -> int | None:
    """What an event adds to its account's balance, in fen; None where it moves none."""
    if isinstance(event, Debited | PremiumDebited):
        return -(event.current_fen + event.prior_fen)
    if isinstance(event, Credited | Corrected):
        return event.amount_fen
    if isinstance(event, DebitReturned | PremiumReturned):
        return event.current_fen + event.prior_fen
    return None
