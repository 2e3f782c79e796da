"""Heads, names and persons in overlays: decided state over cached state."""

from collections.abc import Iterator

from aggregates.topics import Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import kind_of
from service.ledger.store import NO_HEAD, SealedPerson, StreamHead


class UnreadError(Exception):
    """Streams, a name or a person (by account) that are not loaded."""

    def __init__(
        self, *streams: StreamId, name: bytes | None = None, person: StreamId | None = None
    ) -> None:
        super().__init__()
        self.streams = streams
        self.name = name
        self.person = person


class Overlay:
    """Heads, names and persons over those of a lower overlay.

    A free name maps to None. `fresh` are the streams that begin here and are not stored yet.
    """

    __slots__ = ("below", "fresh", "heads", "names", "persons")

    def __init__(self, below: "Overlay | None" = None) -> None:
        self.below = below
        self.heads: dict[StreamId, StreamHead] = {}
        self.names: dict[bytes, StreamId | None] = {}
        self.persons: dict[StreamId, SealedPerson] = {}
        self.fresh: set[StreamId] = set()

    def head(self, stream: StreamId) -> StreamHead:
        """The newest head of a stream.

        Raises:
            UnreadError: no overlay has it.
        """
        overlay: Overlay | None = self
        while overlay is not None:  # as `known_head`, without its call
            head = overlay.heads.get(stream)
            if head is not None:
                return head
            overlay = overlay.below
        raise UnreadError(stream)

    def known_head(self, stream: StreamId) -> StreamHead | None:
        """The newest head of a stream; None where no overlay has it."""
        overlay: Overlay | None = self
        while overlay is not None:
            head = overlay.heads.get(stream)
            if head is not None:
                return head
            overlay = overlay.below
        return None

    def name(self, name: bytes) -> StreamId | None:
        """The stream that owns a name; None where it is free.

        Raises:
            UnreadError: no overlay has it.
        """
        overlay = self._naming(name)
        if overlay is None:
            raise UnreadError(name=name)
        return overlay.names[name]

    def known_name(self, name: bytes) -> StreamId | None:
        """The stream that owns a name; None where it is free or no overlay has it."""
        overlay = self._naming(name)
        return None if overlay is None else overlay.names[name]

    def _naming(self, name: bytes) -> "Overlay | None":
        overlay: Overlay | None = self
        while overlay is not None and name not in overlay.names:
            overlay = overlay.below
        return overlay

    def is_fresh(self, stream: StreamId) -> bool:
        """Whether a stream's first event is decided and not stored yet."""
        return any(stream in overlay.fresh for overlay in self._overlays())

    def person(self, account: StreamId) -> SealedPerson:
        """A person's sealed data and wrapped key.

        Raises:
            UnreadError: no overlay has them.
        """
        for overlay in self._overlays():
            if account in overlay.persons:
                return overlay.persons[account]
        raise UnreadError(person=account)

    def _overlays(self) -> Iterator["Overlay"]:
        overlay: Overlay | None = self
        while overlay is not None:
            yield overlay
            overlay = overlay.below

    def apply(self, stream: StreamId, event: Event) -> StreamHead:
        """Fold an event into its stream; the new head."""
        # A stream that was not read is a new one; if it is not, the database refuses version 1.
        before = self.known_head(stream) or NO_HEAD
        head = StreamHead(before.version + 1, kind_of(stream).evolve(before.state, event))
        self.heads[stream] = head
        if head.version == 1:
            self.fresh.add(stream)
        return head

    def take(self, overlay: "Overlay") -> None:
        """Take over everything of an overlay on top of this one."""
        self.heads.update(overlay.heads)
        self.names.update(overlay.names)
        self.persons.update(overlay.persons)
        self.fresh |= overlay.fresh
