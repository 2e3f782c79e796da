"""A recorded event, as a read model sees it."""

from typing import Protocol

from aggregates.event_metadata import Act
from aggregates.topics import Event
from aggregates.vocabulary import StreamId


class RecordedEvent(Protocol):
    """An event of the log, with its place and its time."""

    @property
    def position(self) -> int:
        """The place in the log, from 1, without gaps."""
        ...

    @property
    def recorded_at(self) -> int:
        """Microseconds since 1970."""
        ...

    @property
    def stream(self) -> StreamId:
        """The stream that the event belongs to."""
        ...

    @property
    def version(self) -> int:
        """The number of the event within its stream, from 1."""
        ...

    @property
    def act(self) -> Act:
        """Who did it, and under which key."""
        ...

    @property
    def event(self) -> Event:
        """The event itself."""
        ...
