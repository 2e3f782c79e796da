"""What is known and what was just decided, one layer over another."""

from collections.abc import Iterator

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import kind_of
from service.ledger.store import NO_HEAD, Head, Sealed


class UnreadError(Exception):
    """Streams, a name or a person (by account) that are not loaded yet."""

    def __init__(
        self,
        *streams: StreamId,
        name: bytes | None = None,
        person: StreamId | None = None,
    ) -> None:
        """Remember what is missing."""
        super().__init__()
        self.streams = streams
        self.name = name
        self.person = person


class Layer:
    """Heads and names over those of a layer below: decided here, not yet stored.

    A name maps to None where nobody has it. `fresh` are streams that begin here.
    """

    __slots__ = ("below", "fresh", "heads", "names", "persons")

    def __init__(self, below: "Layer | None" = None) -> None:
        """Begin with nothing of its own."""
        self.below = below
        self.heads: dict[StreamId, Head] = {}
        self.names: dict[bytes, StreamId | None] = {}
        self.persons: dict[StreamId, Sealed] = {}
        self.fresh: set[StreamId] = set()

    def head(self, stream: StreamId) -> Head:
        """The newest head of a stream.

        Raises:
            UnreadError: no layer has it.
        """
        head = self.known_head(stream)
        if head is None:
            raise UnreadError(stream)
        return head

    def known_head(self, stream: StreamId) -> Head | None:
        """The newest head of a stream, or None where no layer has it."""
        layer: Layer | None = self
        while layer is not None:
            head = layer.heads.get(stream)
            if head is not None:
                return head
            layer = layer.below
        return None

    def name(self, name: bytes) -> StreamId | None:
        """The stream that has a name, or None where nobody has.

        Raises:
            UnreadError: no layer knows.
        """
        layer = self._naming(name)
        if layer is None:
            raise UnreadError(name=name)
        return layer.names[name]

    def known_name(self, name: bytes) -> StreamId | None:
        """The stream that has a name, or None where nobody has or no layer knows."""
        layer = self._naming(name)
        return None if layer is None else layer.names[name]

    def _naming(self, name: bytes) -> "Layer | None":
        layer: Layer | None = self
        while layer is not None and name not in layer.names:
            layer = layer.below
        return layer

    def is_fresh(self, stream: StreamId) -> bool:
        """Whether a stream's first event is decided and not stored yet."""
        return any(stream in layer.fresh for layer in self._layers())

    def person(self, account: StreamId) -> Sealed:
        """A person's sealed data and wrapped key.

        Raises:
            UnreadError: no layer has them.
        """
        for layer in self._layers():
            if account in layer.persons:
                return layer.persons[account]
        raise UnreadError(person=account)

    def _layers(self) -> Iterator["Layer"]:
        layer: Layer | None = self
        while layer is not None:
            yield layer
            layer = layer.below

    def apply(self, stream: StreamId, event: Event) -> Head:
        """Fold an event on top; the new head."""
        # Decided without reading, it is a new stream, or the database refuses.
        before = self.known_head(stream) or NO_HEAD
        head = Head(before.version + 1, kind_of(stream).evolve(before.state, event))
        self.heads[stream] = head
        if head.version == 1:
            self.fresh.add(stream)
        return head

    def take(self, layer: "Layer") -> None:
        """Put what was decided in a layer on top into this one."""
        self.heads.update(layer.heads)
        self.names.update(layer.names)
        self.persons.update(layer.persons)
        self.fresh |= layer.fresh
