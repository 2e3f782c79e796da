"""A command to the ledger, its decision, and its reply."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregates.event_metadata import Act
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.read_set import ReadSet

StreamEvents = list[tuple[StreamId, Event]]
"""Events with their streams, in the order of the log."""


class KeyReusedError(Exception):
    """The key was used with another body or operation."""


class KeyTakenError(Exception):
    """The key of a tombstone was used meanwhile; nothing was applied."""


class OverloadedError(Exception):
    """Too many commands wait in this process; nothing was applied."""


class Tombstone(NamedTuple):
    """A key that is refused from now on with any body.

    `stream` records it; `refusal` is the code, `answer` its fields in JSON.
    """

    key: str
    stream: StreamId
    refusal: str
    answer: bytes


ANY_BODY = b""
"""The digest of a tombstone's key."""


@dataclass(slots=True)
class Decision:
    """What a decision stores. `answer` is JSON, without the position.

    `takes` maps unique names to the streams that take them; `frees` are names that become free.
    A person's key of None destroys the stored key: the person is erased. `on_behalf_of` is the
    account that the actor acted for. With a `refusal` (its code) the answer has its fields.
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

    `decide` is pure: it reads through the read set at an instant, and may be called again on newer
    state. It raises a refusal or returns a decision. A command without a `key` stores nothing: it
    is a read in the log's order. `asks` is a caller and key whose stored answer is wanted; the
    append under the lock makes that answer durable.
    """

    caller: str
    key: str | None
    digest: bytes
    act: Act
    decide: Callable[[ReadSet, Instant], Decision]
    asks: tuple[str, str] | None = None


class Reply(NamedTuple):
    """An answer: JSON without the position, and the position of its last event."""

    answer: bytes
    refusal: str | None
    position: int
    subject: StreamId | None
    is_replayed: bool
