"""An event of the log, as it was recorded."""

from typing import NamedTuple

from aggregates.event_metadata import Act
from aggregates.topics import Event
from aggregates.vocabulary import StreamId


class RecordedEvent(NamedTuple):
    """An event of the log; `recorded_at` is in microseconds since 1970.

    Positions count from 1 without gaps in the log, versions from 1 within the stream.
    """

    position: int
    recorded_at: int
    stream: StreamId
    version: int
    act: Act
    event: Event
