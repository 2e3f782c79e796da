"""Small commands on accounts, for tests of the appender: bring money in, take it out, tie names."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

from pydantic import TypeAdapter
from pydantic_core import to_json
from typing_extensions import override

from aggregates.account import fold as rules
from aggregates.account.events import Credited, Debited, OrderChanged
from aggregates.account.state import Account
from aggregates.refusals import NoFundsError
from aggregates.vocabulary import Bucket, Instant, StreamId, instant
from service.ledger.appender import Appender
from service.ledger.command import Command, Decision, Reply
from service.ledger.head_cache import Limits
from service.ledger.memory_store import MemoryStore
from service.ledger.read_set import ReadSet
from service.ledger.store import (
    AppendOutcome,
    Batch,
    OutcomeUnknownError,
    ReadResult,
    Store,
    StoreUnavailableError,
)
from tests.projections.recorded_families import BEGAN_AT, NOBODY, TODAY, an_id, an_opening

CALLER = "institution:test"
Decide = Callable[[ReadSet, Instant], Decision]


def clock() -> Instant:
    return instant(BEGAN_AT)


def purse(number: int) -> StreamId:
    return an_id("acc", number)


def told(key: str, decide: Decide, body: str = "") -> Command:
    operation = decide.__qualname__.partition(".")[0]
    digest = hashlib.sha256(f"{operation}\0{body or key}".encode()).digest()
    return Command(CALLER, key, digest, NOBODY, decide)


def opened(key: str, number: int, name: bytes | None = None) -> Command:
    """Open a purse, and take a name for it where nobody has it."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        if name is not None and reads.find(name) is not None:
            raise NoFundsError(name="taken")
        takes = {} if name is None else {name: purse(number)}
        return Decision(to_json(number), events=[(purse(number), an_opening())], takes=takes)

    return told(key, decide)


def named(key: str, number: int, takes: bytes | None, frees: bytes | None = None) -> Command:
    """Give a purse's name up and take another, with an event on the purse."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        account = reads.account(purse(number))
        if takes is not None and reads.find(takes) is not None:
            raise NoFundsError(name="taken")
        return Decision(
            to_json(account.order_version),
            events=[(purse(number), OrderChanged(bindings=()))],
            takes={} if takes is None else {takes: purse(number)},
            frees=set() if frees is None else {frees},
        )

    return told(key, decide)


def credited(key: str, number: int, fen: int = 1, body: str = "") -> Command:
    """Bring money in; the answer is the balance after it."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        account = reads.account(purse(number))
        event = Credited(bucket=Bucket.CURRENT, amount_fen=fen, reference=None)
        after = rules.evolve(account, event).balance_fen
        return Decision(to_json(after), events=[(purse(number), event)])

    return told(key, decide, body)


def moved(key: str, source: int, target: int, fen: int, body: str = "") -> Command:
    """Move money from one purse to another; refused where it is not there."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        held, other = reads.account(purse(source)), reads.account(purse(target))
        if held.balance_fen < fen:
            raise NoFundsError
        taken = Debited(
            settlement=an_id("stl", 1), binding=None, current_fen=fen, prior_fen=0, on=TODAY
        )
        given = Credited(bucket=Bucket.CURRENT, amount_fen=fen, reference=None)
        answer = to_json([held.balance_fen - fen, other.balance_fen + fen])
        return Decision(answer, events=[(purse(source), taken), (purse(target), given)])

    return told(key, decide, body)


def ordered(key: str, number: int) -> Command:
    """Change a purse's order; the answer is the order's version before."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        version = reads.account(purse(number)).order_version
        event = OrderChanged(bindings=())
        return Decision(to_json(version), events=[(purse(number), event)])

    return told(key, decide)


def noted(key: str, number: int, watched: int) -> Command:
    """Open a purse and answer with the version of an order that is only read."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        seen = reads.account(purse(watched)).order_version
        return Decision(to_json(seen), events=[(purse(number), an_opening())])

    return told(key, decide)


def looked_up(key: str, name: bytes) -> Command:
    """Answer with the purse that has a name, or null."""

    def decide(reads: ReadSet, _: Instant) -> Decision:
        return Decision(to_json(reads.find(name)))

    return told(key, decide)


def failing(key: str, error: Exception) -> Command:
    """Break down while deciding."""

    def decide(_: ReadSet, __: Instant) -> Decision:
        raise error

    return told(key, decide)


def impossible(key: str, number: int, beside: int) -> Command:
    """Decide on events of which the second cannot be folded: money for a purse nobody opened."""

    def decide(_: ReadSet, __: Instant) -> Decision:
        event = Credited(bucket=Bucket.CURRENT, amount_fen=1, reference=None)
        return Decision(b"1", events=[(purse(beside), event), (purse(number), event)])

    return told(key, decide)


def endless(key: str, first: int) -> Command:
    """Ask for one stream more each time."""
    asked: list[int] = []

    def decide(reads: ReadSet, _: Instant) -> Decision:
        asked.append(first + len(asked))
        for number in asked:
            reads.version(purse(number))
        raise AssertionError("it never comes to an end")

    return told(key, decide)


@asynccontextmanager
async def an_appender(store: Store, limits: Limits | None = None) -> AsyncIterator[Appender]:
    """An appender at work, closed at the end."""
    appender = Appender(store, clock, limits or Limits())
    appender.start()
    try:
        yield appender
    finally:
        await appender.close()


def check_nobody_waits(appender: Appender) -> None:
    """Nothing is kept of who was answered."""
    assert not appender._live  # noqa: SLF001
    assert not appender._pending  # noqa: SLF001
    assert not appender._behind  # noqa: SLF001


async def all_of(appender: Appender, *commands: Command) -> list[Reply | BaseException]:
    """Submit commands together, in their order; replies or errors."""
    return await asyncio.gather(*map(appender.submit, commands), return_exceptions=True)


async def other_writer(store: MemoryStore, *commands: Command) -> None:
    """Another process's writes."""
    async with an_appender(store) as other:
        for command in commands:
            await other.submit(command)


def slipping_in(store: MemoryStore, *commands: Command) -> Callable[[], Awaitable[None]]:
    """Another process's writes, for `before_append`."""

    async def slip_in() -> None:
        await other_writer(store, *commands)

    return slip_in


class Gate:
    """Holds the next append until it is opened."""

    def __init__(self, store: MemoryStore) -> None:
        """Stand in the way of the next append."""
        self.reached, self._open = asyncio.Event(), asyncio.Event()
        store.before_append = self._hold

    async def _hold(self) -> None:
        self.reached.set()
        await self._open.wait()

    def open(self) -> None:
        """Let it go on."""
        self._open.set()


def topics_of(store: MemoryStore) -> list[str]:
    """What happened, in the log's order."""
    return [type(recorded.event).__name__ for recorded in store.log]


def balances(store: MemoryStore) -> list[int]:
    """Every purse's money, in fen."""
    states = [head.state for _, head in sorted(store.heads.items())]
    return [state.balance_fen for state in states if isinstance(state, Account)]


async def a_store_with(*fen: int) -> MemoryStore:
    """A ledger with purses 1, 2, … that hold this much."""
    store = MemoryStore()
    for number, amount in enumerate(fen, 1):
        await other_writer(store, opened(f"open {number}", number))
        if amount:
            await other_writer(store, credited(f"fill {number}", number, amount))
    return store


class Outage(MemoryStore):
    """A ledger whose server can be away: what is sent then is neither answered nor applied."""

    is_away = False

    @override
    async def append(self, batch: Batch) -> AppendOutcome:
        """Append, or lose the connection."""
        if self.is_away:
            raise OutcomeUnknownError("cut")
        return await super().append(batch)

    @override
    async def read(
        self,
        streams: Iterable[StreamId],
        names: Iterable[bytes],
        persons: Iterable[StreamId] = (),
    ) -> ReadResult:
        """Read, or find nobody there."""
        if self.is_away:
            raise StoreUnavailableError("away")
        return await super().read(streams, names, persons)


class Unreadable(MemoryStore):
    """A ledger with one head that this release cannot read."""

    broken: StreamId | None = None

    @override
    async def read(
        self,
        streams: Iterable[StreamId],
        names: Iterable[bytes],
        persons: Iterable[StreamId] = (),
    ) -> ReadResult:
        """Read, or stumble over stored bytes."""
        wanted = list(streams)
        if self.broken in wanted:
            TypeAdapter(int).validate_json(b"not a head")
        return await super().read(wanted, names, persons)
