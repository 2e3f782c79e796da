"""What is known and what was just decided, one layer over another."""

from collections.abc import Iterator

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import kind_of
from service.ledger.store import NO_HEAD, SealedPerson, StreamHead


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


class Overlay:
    """Heads and names over those of a layer below: decided here, not yet stored.

    A name maps to None where nobody has it. `fresh` are streams that begin here.
    """

    __slots__ = ("below", "fresh", "heads", "names", "persons")

    def __init__(self, below: "Overlay | None" = None) -> None:
        """Begin with nothing of its own."""
        self.below = below
        self.heads: dict[StreamId, StreamHead] = {}
        self.names: dict[bytes, StreamId | None] = {}
        self.persons: dict[StreamId, SealedPerson] = {}
        self.fresh: set[StreamId] = set()

    def head(self, stream: StreamId) -> StreamHead:
        """The newest head of a stream.

        Raises:
            UnreadError: no layer has it.
        """
        head = self.known_head(stream)
        if head is None:
            raise UnreadError(stream)
        return head

    def known_head(self, stream: StreamId) -> StreamHead | None:
        """The newest head of a stream, or None where no layer has it."""
        overlay: Overlay | None = self
        while overlay is not None:
            head = overlay.heads.get(stream)
            if head is not None:
                return head
            overlay = overlay.below
        return None

    def name(self, name: bytes) -> StreamId | None:
        """The stream that has a name, or None where nobody has.

        Raises:
            UnreadError: no layer knows.
        """
        overlay = self._naming(name)
        if overlay is None:
            raise UnreadError(name=name)
        return overlay.names[name]

    def known_name(self, name: bytes) -> StreamId | None:
        """The stream that has a name, or None where nobody has or no layer knows."""
        overlay = self._naming(name)
        return None if overlay is None else overlay.names[name]

    def _naming(self, name: bytes) -> "Overlay | None":
        overlay: Overlay | None = self
        while overlay is not None and name not in overlay.names:
            overlay = overlay.below
        return overlay

    def is_fresh(self, stream: StreamId) -> bool:
        """Whether a stream's first event is decided and not stored yet."""
        return any(stream in overlay.fresh for overlay in self._layers())

    def person(self, account: StreamId) -> SealedPerson:
        """A person's sealed data and wrapped key.

        Raises:
            UnreadError: no layer has them.
        """
        for overlay in self._layers():
            if account in overlay.persons:
                return overlay.persons[account]
        raise UnreadError(person=account)

    def _layers(self) -> Iterator["Overlay"]:
        overlay: Overlay | None = self
        while overlay is not None:
            yield overlay
            overlay = overlay.below

    def apply(self, stream: StreamId, event: Event) -> StreamHead:
        """Fold an event on top; the new head."""
        # Decided without reading, it is a new stream, or the database refuses.
        before = self.known_head(stream) or NO_HEAD
        head = StreamHead(before.version + 1, kind_of(stream).evolve(before.state, event))
        self.heads[stream] = head
        if head.version == 1:
            self.fresh.add(stream)
        return head

    def take(self, overlay: "Overlay") -> None:
        """Put what was decided in a layer on top into this one."""
        self.heads.update(overlay.heads)
        self.names.update(overlay.names)
        self.persons.update(overlay.persons)
        self.fresh |= overlay.fresh
