"""Stored bytes read faster than for writing: by msgspec, and believed when they come out again.

What was read is written once more and held against the stored bytes. So nothing that this
release does not know can hide in them; whatever does not come out byte for byte is read as
everywhere else, strictly.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from aggregates.event_metadata import Act
from aggregates.settlement.events import Claim
from aggregates.topics import CLASSES, Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import decode_act, decode_event


class Stored(NamedTuple):
    """A row of the log as it is stored; `recorded_at` in microseconds since 1970.

    `state` is None where the row is for another share to look at.
    """

    position: int
    recorded_at: int
    stream: StreamId
    amount_fen: int | None
    version: int
    topic: str
    state: bytes | None


class Inputs(msgspec.Struct, frozen=True):
    """What a bill without a hold was decided from; the rest of its event is what came out.

    `changed` cannot be made again from the log: whether the quote was another.
    """

    claim: Claim
    read: dict[StreamId, int]
    changed: bool
    hold: None
    settled_at: datetime


written = msgspec.json.Encoder().encode
"""An event or an act as bytes, the same as the appender writes."""

_INPUTS = msgspec.json.Decoder(Inputs)
_ACT = msgspec.json.Decoder(Act)
_READERS: dict[str, msgspec.json.Decoder[Any]] = {
    topic: msgspec.json.Decoder(event_class) for topic, event_class in CLASSES.items()
}


def inputs_of(event: bytes) -> Inputs | None:
    """What a `Settled` was decided from; None where it settles a hold or cannot be read so."""
    try:
        return _INPUTS.decode(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read_event(topic: str, event: bytes) -> Event:
    """An event from its part of stored bytes.

    Raises:
        KeyError: a topic this release does not know; ValueError: bytes it cannot read.
    """
    try:
        told: Event = _READERS[topic].decode(event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return decode_event(topic, event)
    return told if written(told) == event else decode_event(topic, event)


def read_act(act: bytes) -> Act:
    """An act from its part of stored bytes.

    Raises:
        ValueError: bytes it cannot read.
    """
    try:
        told = _ACT.decode(act)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return decode_act(act)
    return told if written(told) == act else decode_act(act)
