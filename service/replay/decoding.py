"""Decodes stored bytes with msgspec, which is faster than the strict decoding of `codec`.

The decoded value is encoded again and compared with the stored bytes, so nothing unknown to this
release can hide in them. If they differ, the bytes are decoded strictly.
"""

from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from aggregates.event_metadata import Act
from aggregates.settlement.events import Claim
from aggregates.topics import CLASSES, Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import decode_act, decode_event, text_of


class Stored(NamedTuple):
    """A row of the log; `recorded_at` is in microseconds since 1970.

    `state` is None if another partition reads it.
    """

    position: int
    recorded_at: int
    stream: StreamId
    amount_fen: int | None
    version: int
    topic: str
    state: bytes | None


class Inputs(msgspec.Struct, frozen=True):
    """The inputs of the decision of a bill without a hold; the rest of its event is the output.

    `changed` says whether the quote differed, which cannot be computed from the log.
    """

    claim: Claim
    read: dict[StreamId, int]
    changed: bool
    hold: None
    settled_at: datetime


written = text_of
"""An event or an act as bytes, as the appender writes it."""

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_INPUTS = msgspec.json.Decoder(Inputs)
_ACT = msgspec.json.Decoder(Act)
_READERS: dict[str, msgspec.json.Decoder[Any]] = {
    topic: msgspec.json.Decoder(event_class) for topic, event_class in CLASSES.items()
}


def inputs_of(event: bytes) -> Inputs | None:
    """The inputs of a `Settled`; None if it settles a hold or cannot be decoded so."""
    try:
        return _INPUTS.decode(event)
    except UNREADABLE:
        return None


def read_event(topic: str, event: bytes) -> Event:
    """An event from its part of stored bytes.

    Raises:
        KeyError: a topic this release does not know; ValueError: bytes it cannot read.
    """
    try:
        decoded: Event = _READERS[topic].decode(event)
    except UNREADABLE:
        return decode_event(topic, event)
    return decoded if written(decoded) == event else decode_event(topic, event)


def read_quickly(topic: str, event: bytes) -> Event:
    """As `read_event`, without the check that the bytes hold nothing more: for no audit."""
    try:
        decoded: Event = _READERS[topic].decode(event)
    except UNREADABLE:
        return decode_event(topic, event)
    return decoded


def read_act(act: bytes) -> Act:
    """An act from its part of stored bytes.

    Raises:
        ValueError: bytes it cannot read.
    """
    try:
        decoded = _ACT.decode(act)
    except UNREADABLE:
        return decode_act(act)
    return decoded if written(decoded) == act else decode_act(act)
