"""What a decision reads, with the versions that it read; the append checks those versions.

A decision that needs a stream, name or person that is not loaded stops with `UnreadError`. The
appender loads it and calls the decision again. Decisions are pure, so a second call costs only
time.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from aggregates.account.correction import Correction
from aggregates.account.state import Account
from aggregates.account.year_close import YearDay, YearEvent, turned, turning
from aggregates.binding.binding import Binding
from aggregates.binding.kinship import Kinship
from aggregates.credential_link.link import Link
from aggregates.institution import Institution
from aggregates.policy.rulebook import Rulebook
from aggregates.pool.pool import Pool
from aggregates.premium.premium import Premium
from aggregates.refusals import UnknownError
from aggregates.settlement.hold import Hold
from aggregates.settlement.settlement import Settlement
from aggregates.topics import State
from aggregates.visit import Visit
from aggregates.vocabulary import Instant, StreamId
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.store import SealedPerson, StreamHead
from service.regions.year_days import year_days
from service.vault import Vault

S = TypeVar("S", bound=State)


def _of_kind(state_class: type[S]) -> "Callable[[ReadSet, StreamId], S]":
    """A method of `ReadSet` that reads the state of a stream of one kind.

    Raises UnknownError where no such stream exists.
    """

    def read(self: "ReadSet", stream: StreamId) -> S:
        head = self._heads.get(stream)
        state = (self._head(stream) if head is None else head).state
        if not isinstance(state, state_class):
            raise UnknownError
        return state

    return read


class ReadSet:
    """The reads of one decision.

    `read` maps each stream to the version that was read. `memo` caches what is computed from them.
    Without a vault no area's editions are found, and every account keeps its own day of the year.
    """

    __slots__ = ("_days", "_heads", "_now", "_overlay", "_vault", "memo", "read")

    def __init__(self, overlay: Overlay, now: Instant, vault: Vault | None = None) -> None:
        """Read from an overlay at the instant `now`."""
        self._overlay = overlay
        self._now = now
        self._vault = vault
        self._days: dict[str, tuple[YearDay, ...]] = {}
        self._heads: dict[StreamId, StreamHead] = {}
        self.read: dict[StreamId, int] = {}
        self.memo: dict[str, object] = {}

    def account(self, stream: StreamId) -> Account:
        """An account as of now; if its year is over, with that year closed as the append does.

        Raises:
            UnknownError: there is no such account.
        """
        account = self._stored_account(stream)
        return turned(account, self._now, self.year_days(account.region))

    binding = _of_kind(Binding)
    settlement = _of_kind(Settlement)
    hold = _of_kind(Hold)
    correction = _of_kind(Correction)
    premium = _of_kind(Premium)
    institution = _of_kind(Institution)
    rulebook = _of_kind(Rulebook)
    kinship = _of_kind(Kinship)
    link = _of_kind(Link)
    visit = _of_kind(Visit)
    pool = _of_kind(Pool)
    _stored_account = _of_kind(Account)

    def version(self, stream: StreamId) -> int:
        """A stream's version: 0 before its first event; a year that the append turns counts."""
        return self._head(stream).version + len(self.turning(stream))

    def turning(self, stream: StreamId) -> list[YearEvent]:
        """The events that bring an account into this insurance year before its next event."""
        state = self._head(stream).state
        if not isinstance(state, Account):
            return []
        return turning(state, self._now, self.year_days(state.region))

    def year_days(self, region: str) -> tuple[YearDay, ...]:
        """On which days an area's insurance year begins.

        This is no read that the append checks: who spends under an edition reads it anyhow.
        """
        if self._vault is None:
            return ()
        days = self._days.get(region)
        if days is None:
            stream = self._overlay.name(self._vault.name("region", region))
            rulebook = None if stream is None else self._overlay.head(stream).state
            days = year_days(rulebook.editions) if isinstance(rulebook, Rulebook) else ()
            self._days[region] = days
        return days

    def need(self, streams: Iterable[StreamId]) -> None:
        """Require many streams at once, so that a decision on a cold cache stops only once.

        Raises:
            UnreadError: some are not loaded.
        """
        missing = [stream for stream in streams if self._overlay.known_head(stream) is None]
        if missing:
            raise UnreadError(*missing)

    def find(self, name: bytes, of: StreamId | None = None) -> StreamId | None:
        """The stream that owns a unique name; None where the name is free.

        `of` is the stream whose id is part of the name. A stream that begins in this batch cannot
        have such a name in the database, so nothing is loaded for it. The head of a named account
        is read too, because a cached name is stale once the account's version has changed. An
        erased person has no name, so the name is loaded again.
        """
        if of is not None and self._overlay.is_fresh(of):
            return self.holder(name)
        stream = self._overlay.name(name)
        if stream is not None and self._is_erased(stream):
            raise UnreadError(name=name)
        return stream

    def person(self, account: StreamId) -> SealedPerson:
        """A person's sealed data and wrapped key.

        The head of the account is read too. If another process erased the person, this cached
        head is stale and the append rejects it.
        """
        self._head(account)
        return self._overlay.person(account)

    def holder(self, name: bytes) -> StreamId | None:
        """The owner of a name that this decision wants to take; None where the name seems free.

        A name that is not cached counts as free: the append checks it again under its lock.
        """
        stream = self._overlay.known_name(name)
        return None if stream is None or self._is_erased(stream) else stream

    def _is_erased(self, stream: StreamId) -> bool:
        if not stream.startswith("acc_"):
            return False
        state = self._head(stream).state
        return isinstance(state, Account) and state.is_erased

    def _head(self, stream: StreamId) -> StreamHead:
        head = self._heads.get(stream)
        if head is None:
            head = self._heads[stream] = self._overlay.head(stream)
            self.read[stream] = head.version
        return head
