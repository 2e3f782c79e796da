"""What a decision reads. Reading is remembered, so that everything read is checked at the append.

A decision that meets something not loaded yet stops with `UnreadError`; the appender loads
it and lets the decision begin again. Decisions are pure, so beginning again costs nothing
but time.
"""

from collections.abc import Iterable
from typing import TypeVar

from aggregates.account.correction import Correction
from aggregates.account.events import YearClosed
from aggregates.account.state import Account
from aggregates.account.year_close import closing, turned
from aggregates.binding.binding import Binding
from aggregates.binding.kinship import Kinship
from aggregates.credential_link.link import Link
from aggregates.institution import Institution
from aggregates.policy.rulebook import Rulebook
from aggregates.premium.premium import Premium
from aggregates.refusals import UnknownError
from aggregates.settlement.hold import Hold
from aggregates.settlement.settlement import Settlement
from aggregates.topics import State
from aggregates.visit import Visit
from aggregates.vocabulary import Instant, StreamId
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.store import SealedPerson, StreamHead

S = TypeVar("S", bound=State)


class ReadSet:
    """One decision's reading.

    `read` holds every stream and the version it was seen at; `memo` what was worked out of it.
    """

    __slots__ = ("_heads", "_layer", "_now", "memo", "read")

    def __init__(self, overlay: Overlay, now: Instant) -> None:
        """Read from a layer, as things stand at a moment."""
        self._layer = overlay
        self._now = now
        self._heads: dict[StreamId, StreamHead] = {}
        self.read: dict[StreamId, int] = {}
        self.memo: dict[str, object] = {}

    def account(self, stream: StreamId) -> Account:
        """An account as it counts now: if its year is over, as the append will close it.

        Raises:
            UnknownError: there is none.
        """
        return turned(self._existing(stream, Account), self._now)

    def binding(self, stream: StreamId) -> Binding:
        """A binding.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Binding)

    def settlement(self, stream: StreamId) -> Settlement:
        """A settlement.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Settlement)

    def hold(self, stream: StreamId) -> Hold:
        """A hold.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Hold)

    def correction(self, stream: StreamId) -> Correction:
        """A correction.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Correction)

    def premium(self, stream: StreamId) -> Premium:
        """A premium.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Premium)

    def institution(self, stream: StreamId) -> Institution:
        """An institution.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Institution)

    def rulebook(self, stream: StreamId) -> Rulebook:
        """A region's rulebook.

        Raises:
            UnknownError: the region has none.
        """
        return self._existing(stream, Rulebook)

    def kinship(self, stream: StreamId) -> Kinship:
        """A person's relatives.

        Raises:
            UnknownError: the register knows none.
        """
        return self._existing(stream, Kinship)

    def link(self, stream: StreamId) -> Link:
        """A credential link.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Link)

    def visit(self, stream: StreamId) -> Visit:
        """A visit.

        Raises:
            UnknownError: there is none.
        """
        return self._existing(stream, Visit)

    def version(self, stream: StreamId) -> int:
        """A stream's version; 0 before its first event, and counting a year yet to be closed."""
        return self._head(stream).version + (self.closing(stream) is not None)

    def closing(self, stream: StreamId) -> YearClosed | None:
        """What ends an account's year before its next event; None where it is not over."""
        state = self._head(stream).state
        return closing(state, self._now) if isinstance(state, Account) else None

    def need(self, streams: Iterable[StreamId]) -> None:
        """Ask for many streams at once, so that a cold decision stops once and not for each.

        Raises:
            UnreadError: some are not loaded yet.
        """
        missing = [stream for stream in streams if self._layer.known_head(stream) is None]
        if missing:
            raise UnreadError(*missing)

    def find(self, name: bytes, of: StreamId | None = None) -> StreamId | None:
        """The stream that has a name; `of` is the stream whose id the name is made of.

        Nobody has such a name before that stream is stored, so nothing is read for it.
        The head of a named account is read too: a name that this process remembers goes stale
        with the account's version. Who was erased has no name, so the name is looked up again.
        """
        if of is not None and self._layer.is_fresh(of):
            return self.holder(name)
        stream = self._layer.name(name)
        if stream is not None and self._is_erased(stream):
            raise UnreadError(name=name)
        return stream

    def person(self, account: StreamId) -> SealedPerson:
        """A person's data, still sealed, and his key, still wrapped.

        The head of his account is read too: who is remembered here and was erased elsewhere is
        found out by the append, as every old head is.
        """
        self._head(account)
        return self._layer.person(account)

    def holder(self, name: bytes) -> StreamId | None:
        """The stream that has a name which this decision takes if nobody has.

        Who is not known here counts as nobody: the append looks again under its lock.
        """
        stream = self._layer.known_name(name)
        return None if stream is None or self._is_erased(stream) else stream

    def _is_erased(self, stream: StreamId) -> bool:
        if not stream.startswith("acc_"):
            return False
        state = self._head(stream).state
        return isinstance(state, Account) and state.is_erased

    def _existing(self, stream: StreamId, state_class: type[S]) -> S:
        state = self._head(stream).state
        if not isinstance(state, state_class):
            raise UnknownError
        return state

    def _head(self, stream: StreamId) -> StreamHead:
        head = self._heads.get(stream)
        if head is None:
            head = self._heads[stream] = self._layer.head(stream)
            self.read[stream] = head.version
        return head
