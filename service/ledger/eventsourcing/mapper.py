"""Our events as domain events of the eventsourcing library, and the ids of their streams."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID

from eventsourcing.domain import DomainEventProtocol, TAggregateID
from eventsourcing.persistence import Mapper, MapperDeserialisationError, Notification, StoredEvent
from typing_extensions import override

from aggregates.event_metadata import Act
from aggregates.topics import CLASSES, Event, State
from aggregates.vocabulary import StreamId
from service.ledger.codec import decode, encode, encode_act, kind_of, stream_of

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class LedgerNotification(Notification):
    """An event of the log; `recorded_at` is in microseconds since 1970."""

    recorded_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEvent:
    """One of our events, its actor, and its place in its stream.

    `timestamp` is the time of recording. It is None where a stream is read instead of the log.
    """

    stream: StreamId
    originator_version: int
    act: Act
    event: Event
    timestamp: datetime | None

    @property
    def originator_id(self) -> UUID:
        """The library's id of the stream."""
        return uuid_of(self.stream)

    def mutate(self, aggregate: State | None) -> State:
        """The stream's state after this event: the library folds with it, by our `evolve`."""
        state: State = kind_of(self.stream).evolve(aggregate, self.event)
        return state


def uuid_of(stream: StreamId) -> UUID:
    """The library's id of one of our streams: its 32 digits, without its kind ("acc_")."""
    return UUID(stream[4:])


class LedgerMapper(Mapper[TAggregateID]):
    """Maps our events to `LedgerEvent`, and others as the library does.

    Ours are never compressed or encrypted: proofs are over the stored bytes.
    """

    @override
    def to_stored_event(self, domain_event: DomainEventProtocol[TAggregateID]) -> StoredEvent:
        event: object = domain_event
        if not isinstance(event, LedgerEvent):
            return super().to_stored_event(domain_event)
        row = encode(event.stream, event.originator_version, event.event, encode_act(event.act))
        return StoredEvent(event.originator_id, row.version, row.topic, row.state)

    @override
    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[TAggregateID]:
        """Decode a stored event.

        Raises:
            MapperDeserialisationError: this release cannot read the bytes.
        """
        topic = stored_event.topic
        if topic not in CLASSES:
            return super().to_domain_event(stored_event)
        try:
            envelope = decode(topic, stored_event.state)
        except ValueError as error:
            place = f"{stored_event.originator_id} {stored_event.originator_version}"
            raise MapperDeserialisationError(f"{topic} at {place}") from error
        event = LedgerEvent(
            stream=stream_of(topic, UUID(str(stored_event.originator_id))),
            originator_version=stored_event.originator_version,
            act=envelope.act,
            event=envelope.event,
            timestamp=_moment(stored_event),
        )
        return cast("DomainEventProtocol[TAggregateID]", event)


def _moment(stored_event: StoredEvent) -> datetime | None:
    if isinstance(stored_event, LedgerNotification):
        return EPOCH + timedelta(microseconds=stored_event.recorded_at)
    return None
