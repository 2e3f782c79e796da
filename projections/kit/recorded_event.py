"""A recorded event, as a read model sees it."""

from typing import Protocol

from aggregates.event_metadata import Act
from aggregates.topics import Event
from aggregates.vocabulary import StreamId


class RecordedEvent(Protocol):
    """An event of the log: where it stands, when it was recorded (microseconds), and what."""

    @property
    def position(self) -> int:
        """Its place in the log, from 1, without gaps."""
        ...

    @property
    def recorded_at(self) -> int:
        """When it was recorded, in microseconds since 1970."""
        ...

    @property
    def stream(self) -> StreamId:
        """The stream it happened to."""
        ...

    @property
    def version(self) -> int:
        """Its number within the stream, from 1."""
        ...

    @property
    def act(self) -> Act:
        """Who did it, and under which key."""
        ...

    @property
    def event(self) -> Event:
        """What happened."""
        ...
