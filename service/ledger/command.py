"""A command on its way through the ledger: what is asked, what was decided, what is answered."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregates.event_metadata import Act
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.read_set import ReadSet

StreamEvents = list[tuple[StreamId, Event]]
"""Events in the order they are appended, each with its stream."""


class KeyReusedError(Exception):
    """The key was used up by another body or another operation."""


class KeyTakenError(Exception):
    """The key that a tombstone should take was used up in the meantime; nothing was applied."""


class OverloadedError(Exception):
    """More commands wait than this process takes; nothing was applied."""


class Tombstone(NamedTuple):
    """A key that shall never do anything: whatever comes with it is refused.

    `stream` records it; `refusal` is the code and `answer` its fields in JSON.
    """

    key: str
    stream: StreamId
    refusal: str
    answer: bytes


ANY_BODY = b""
"""The digest of a tombstone: every body is refused alike."""


@dataclass(slots=True)
class Decision:
    """What a decision wants stored. `answer` is JSON, without the position.

    `takes` are unique names with the stream that takes them, `frees` those given up.
    A person's key that is None destroys it: the person is erased.
    `on_behalf_of` is the account that the actor acted for.
    With a `refusal` (its code) the answer holds the refusal's fields.
    """

    answer: bytes
    events: list[tuple[StreamId, Event]] = field(default_factory=list)
    subject: StreamId | None = None
    refusal: str | None = None
    takes: dict[bytes, StreamId] = field(default_factory=dict)
    frees: set[bytes] = field(default_factory=set)
    on_behalf_of: StreamId | None = None
    tombstone: Tombstone | None = None
    person_keys: list[tuple[StreamId, bytes | None]] = field(default_factory=list)


class Command(NamedTuple):
    """One request to the ledger.

    `decide` is pure: it reads through the view, takes the instant, and may be called again
    on fresher state. It raises a refusal or returns a decision. Without a `key` nothing may
    be stored: the command only reads, as one with the log's order. `asks` is a caller and
    key whose stored answer is wanted; the append under the lock makes that answer durable.
    """

    caller: str
    key: str | None
    digest: bytes
    act: Act
    decide: Callable[[ReadSet, Instant], Decision]
    asks: tuple[str, str] | None = None


class Reply(NamedTuple):
    """An answer: JSON without the position, and where its last event stands in the log."""

    answer: bytes
    refusal: str | None
    position: int
    subject: StreamId | None
    is_replayed: bool
