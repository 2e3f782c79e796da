"""Group commit: commands are decided one after another and appended as one batch.

Nothing waits for a timer. While one append is on its way to disk the next batch is decided
on top of it. A batch that lost a race, or whose outcome is unknown, is decided again under
the lock of the log head, so progress is bounded and a command is applied once: a key that
the unknown append used up answers it.

Under one key one body is on its way at a time. The others wait in their order: what uses the
key up answers them all, and if it stays free the next one goes.
"""

import asyncio
from collections import deque
from collections.abc import Callable

import asyncpg

from aggregates.vocabulary import Instant, StreamId
from service.clock import LedgerClock
from service.ledger.append_batch import AppendBatch, PendingCommand, Unread
from service.ledger.command import Command, OverloadedError, Reply
from service.ledger.head_cache import HeadCache, Limits
from service.ledger.overlay import Overlay
from service.ledger.postgres.commit import TROUBLE
from service.ledger.store import (
    AppendOutcome,
    OutcomeUnknownError,
    Session,
    Store,
    StoreExhaustedError,
    StoreUnavailableError,
    UsedKey,
)

READS_MAX = 64
"""Times a decision may ask for something more before it counts as endless."""
RETRY_FIRST_S, RETRY_MAX_S = 0.05, 1.0
EXHAUSTED_S = 1.0
"""How long a command waits for a database that takes no more connections: it may take long."""


class Appender:
    """The one writer of this process. One append is in flight at a time."""

    def __init__(self, store: Store, clock: Callable[[], Instant], limits: Limits) -> None:
        """Write to a store; `clock` is the business clock, `self.clock` the ledger's."""
        self._store = store
        self.clock = LedgerClock(clock)
        self._limits = limits
        self._memory = HeadCache(limits.heads_max)
        self._waiting: deque[PendingCommand] = deque()
        self._pending: dict[tuple[str, str], PendingCommand] = {}
        self._behind: dict[tuple[str, str], dict[bytes, PendingCommand]] = {}
        self._awake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._live: dict[PendingCommand, None] = {}
        self._is_closing = False
        self._position: int | None = None
        self.on_landed: Callable[[], None] = _nobody
        self.batches = self.commands = self.races = self.unknowns = 0

    def start(self) -> None:
        """Begin to take commands, on the running loop."""
        self._tasks = [asyncio.create_task(self._pump()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """Finish what was taken, and stop.

        An append in flight is waited for as long as its callers would wait; then its connection
        is given up, and they are told that its outcome is unknown.
        """
        self._is_closing = True
        self._awake.set()
        pump, watch = self._tasks
        await asyncio.wait({pump}, timeout=self._limits.deadline_s)
        watch.cancel()
        if not pump.done():
            for work in list(self._live):
                self._give_up(work)
            pump.cancel()
        await asyncio.gather(pump, watch, return_exceptions=True)

    def waits_s(self) -> float:
        """For how many seconds the oldest command here has had no answer; 0 without any."""
        now_s = asyncio.get_running_loop().time()
        return max((now_s - work.since for work in self._live), default=0.0)

    async def submit(self, command: Command) -> Reply:
        """Decide and append a command, once however often it is asked.

        Raises:
            RefusalError: refused without using up the key; KeyReusedError: another body;
            OverloadedError, StoreUnavailableError: nothing was applied;
            OutcomeUnknownError: it may have been; ask again with the same key.
        """
        if (twin := self._twin(command)) is not None:
            return (await asyncio.shield(twin.future))._replace(is_replayed=True)
        return await asyncio.shield(self._enter(command))

    def take(self, command: Command) -> "asyncio.Future[Reply]":
        """A command's answer to come, as of `submit`; many are taken without a task for each."""
        if self._twin(command) is not None:
            return asyncio.create_task(self.submit(command))
        return self._enter(command)

    def _twin(self, command: Command) -> PendingCommand | None:
        """The work with the same key and body that is on its way or waits for its turn."""
        if command.key is None:
            return None
        name = (command.caller, command.key)
        first = self._pending.get(name)
        if first is None or first.command.digest == command.digest:
            return first
        return self._behind.get(name, {}).get(command.digest)

    def _enter(self, command: Command) -> "asyncio.Future[Reply]":
        if self._is_closing or len(self._live) >= self._limits.waiting_max:
            raise OverloadedError
        loop = asyncio.get_running_loop()
        work = PendingCommand(command, loop.create_future(), loop.time())
        self._live[work] = None
        if command.key is not None:
            name = (command.caller, command.key)
            if name in self._pending:
                self._behind.setdefault(name, {})[command.digest] = work
                return work.future
            self._pending[name] = work
        self._waiting.append(work)
        self._awake.set()
        return work.future

    async def quiet(self, caller: str, key: str) -> None:
        """Wait until no command of this process is on its way with a caller's key."""
        while (work := self._pending.get((caller, key))) is not None:
            await asyncio.wait([work.future])

    def last_seen(self, stream: StreamId) -> int | None:
        """The version of a stream that this process saw last, if it remembers one."""
        return head.version if (head := self._memory.heads.get(stream)) else None

    async def _pump(self) -> None:
        flight = AppendBatch(self._memory)
        while not (self._is_closing and not self._waiting and not flight.decided):
            if not flight.decided and not self._waiting:
                self._awake.clear()
                await self._awake.wait()
                await asyncio.sleep(0)  # let every ready request come in first
            await self._fill(flight)
            if flight.decided:
                flight = await self._fly(flight)

    async def _fill(self, flight: AppendBatch) -> None:
        """Decide one chunk of what waits, in order."""
        chunk: list[PendingCommand] = []
        room = min(self._limits.chunk_max, self._limits.batch_max - len(flight.decided))
        while self._waiting and len(chunk) < room:
            work = self._waiting.popleft()
            if not work.is_withdrawn:
                chunk.append(work)
        if not chunk:
            return
        try:
            await self._decide(flight, chunk, self._store)
        except TROUBLE as error:
            self._waiting.extendleft(reversed(chunk))
            self._turn_away(error)
            await asyncio.sleep(RETRY_FIRST_S)

    async def _decide(
        self, flight: AppendBatch, chunk: list[PendingCommand], session: Session | Store
    ) -> None:
        """Decide a chunk, reading what is missing until nothing is."""
        fault: Exception = RuntimeError("a decision never stops reading")
        for _ in range(READS_MAX):
            missing: Unread = flight.decide(chunk, self.clock.decision())
            if missing.is_empty():
                return
            try:
                flight.load(await session.read(*missing), missing)
            except asyncpg.DataError as refused:  # asked again it would be refused again
                fault = refused
                break
            except TROUBLE:
                raise
            except Exception as unreadable:  # noqa: BLE001 -- it must not end the pump
                fault = RuntimeError("a stored state that this release cannot read")
                fault.__cause__ = unreadable
                break
        if len(chunk) == 1:
            self._fail(chunk[0], fault)
            return
        for work in chunk:
            await self._decide(flight, [work], session)

    async def _fly(self, flight: AppendBatch) -> AppendBatch:
        """Append a flight while the next one is decided on top of it; the next flight."""
        works = [decided.work for decided in flight.decided]
        if any(work.is_withdrawn for work in works):
            self._waiting.extendleft(reversed([w for w in works if not w.is_withdrawn]))
            return AppendBatch(self._memory)
        append = asyncio.create_task(self._store.append(flight.batch()))
        following = AppendBatch(flight.written, flight.now)
        while not append.done():
            self._awake.clear()
            if self._waiting and len(following.decided) < self._limits.batch_max:
                await self._fill(following)
                await asyncio.sleep(0)
            else:
                awake = asyncio.create_task(self._awake.wait())
                await asyncio.wait({append, awake}, return_when=asyncio.FIRST_COMPLETED)
                awake.cancel()
        if await self._landed(flight, append):
            following.loaded.below = self._memory
            return following
        self._waiting.extendleft(decided.work for decided in reversed(following.decided))
        return AppendBatch(self._memory)

    async def _landed(self, flight: AppendBatch, append: "asyncio.Task[AppendOutcome]") -> bool:
        """Whether a flight is in the log as decided; if not, its works are answered here."""
        works = [decided.work for decided in flight.decided]
        try:
            outcome = append.result()
        except OutcomeUnknownError:
            self.unknowns += 1
        except StoreUnavailableError:
            for work in works:
                work.is_sent = False
        except Exception:  # noqa: BLE001 -- the database refuses one of them: each on its own
            self._memory.forget(flight.reads())
            for work in works:
                await self._until_answered([work])
            return False
        else:
            if outcome.base is not None:
                self._finish(flight, outcome)
                return True
            works = self._lost(flight, outcome)
        self._memory.forget(flight.reads())
        await self._until_answered(works)
        return False

    def _lost(self, flight: AppendBatch, outcome: AppendOutcome) -> list[PendingCommand]:
        """Learn why a flight was not appended; the works that are to be decided again."""
        self.races += bool(outcome.stale or outcome.taken or outcome.late is not None)
        if outcome.late is not None:
            self.clock.see(outcome.late)
            self.clock.share()
        self._memory.forget(list(outcome.stale))
        works = flight.answer_known(outcome.known)
        self._settle(flight)
        return works

    async def _until_answered(self, works: list[PendingCommand]) -> None:
        """Decide again under the lock until every work has its answer."""
        pause_s = RETRY_FIRST_S
        known = Overlay()
        while works := [work for work in works if not work.is_withdrawn]:
            try:
                works = await self._once_locked(works, known)
            except OutcomeUnknownError:
                self.unknowns += 1
            except (StoreUnavailableError, OSError, asyncpg.InterfaceError) as error:
                self._turn_away(error)
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_MAX_S, 2 * pause_s)
            except Exception as refused:  # noqa: BLE001 -- the pump goes on for everybody else
                if len(works) == 1:
                    self._fail(works[0], refused)
                    return
                for work in works:
                    await self._until_answered([work])
                return

    async def _once_locked(
        self, works: list[PendingCommand], known: Overlay
    ) -> list[PendingCommand]:
        """BEGIN, lock, read, decide, append, COMMIT. Returns the works still without answer.

        `known` collects names that turned out to be taken. Who had one when the lock was held last
        may have given it up since, so they are read again under this lock.
        """
        flight = AppendBatch(known)
        outcome = AppendOutcome()
        async with self._store.locked() as session:
            self.clock.see(session.newest)
            if known.names:
                known.names = dict((await session.read((), set(known.names))).names)
            await self._decide(flight, works, session)
            if any(work.is_withdrawn for work in works):
                return works  # told that nothing was applied while we waited for the lock
            if flight.decided:
                outcome = await session.append(flight.batch())
                if outcome.taken:
                    known.names.update((await session.read((), outcome.taken)).names)
        if outcome.base is not None:
            self._finish(flight, outcome)
            return []
        left = flight.answer_known(outcome.known)
        self._settle(flight)
        return left

    def _finish(self, flight: AppendBatch, outcome: AppendOutcome) -> None:
        self._memory.merge(flight.loaded)
        self._memory.merge(flight.written)
        self._learn_time(flight, outcome)
        flight.land(outcome)
        self.batches += 1
        self.commands += len(flight.decided)
        self._settle(flight)
        self.on_landed()

    def _learn_time(self, flight: AppendBatch, outcome: AppendOutcome) -> None:
        """What a landed flight says of the log: its newest time, and whether others write too."""
        at, count = flight.recorded()
        if at is not None:
            self.clock.see(at)
        if self._position not in (None, outcome.base):
            self.clock.share()
        assert outcome.base is not None, "the batch is in the log"
        self._position = outcome.base + count

    def _settle(self, flight: AppendBatch) -> None:
        """Forget the works that have their answer."""
        for decided in flight.decided:
            if decided.work.future.done():
                self._forget(decided.work)

    def _fail(self, work: PendingCommand, fault: Exception) -> None:
        work.fail(fault)
        self._forget(work)

    def _forget(self, work: PendingCommand) -> None:
        self._live.pop(work, None)
        if work.command.key is None:
            return
        name = (work.command.caller, work.command.key)
        if self._pending.get(name) is work:
            del self._pending[name]
            if name in self._behind:
                self._let_next(name, work.used_up())
        elif (others := self._behind.get(name)) and others.get(work.command.digest) is work:
            del others[work.command.digest]

    def _let_next(self, name: tuple[str, str], known: UsedKey | None) -> None:
        """Answer all that wait behind a key from what used it up; if it is free, let one go on."""
        others = self._behind.pop(name)
        if known is not None:
            for work in others.values():
                work.answer_known(known)
                self._live.pop(work, None)
            return
        if others:
            work = others.pop(next(iter(others)))
            self._pending[name] = work
            self._waiting.append(work)
            self._awake.set()
        if others:
            self._behind[name] = others

    async def _watch(self) -> None:
        """Answer works that waited too long; what was sent goes on and keeps its key."""
        while True:
            await asyncio.sleep(0.25)
            now_s = asyncio.get_running_loop().time()
            self._memory.forget_persons(now_s)
            oldest = now_s - self._limits.deadline_s
            for work in [w for w in self._live if w.since < oldest]:
                self._give_up(work)

    def _turn_away(self, error: Exception) -> None:
        """Answer soon what was not sent when the database takes no more connections."""
        if isinstance(error, StoreExhaustedError):
            oldest = asyncio.get_running_loop().time() - EXHAUSTED_S
            for work in [w for w in self._live if w.since < oldest and not w.is_sent]:
                self._give_up(work)

    def _give_up(self, work: PendingCommand) -> None:
        """Sent work is kept until its outcome is known, or until we close without knowing."""
        loop = asyncio.get_running_loop()
        if work.is_sent:
            work.fail(OutcomeUnknownError("no answer in time"))
            work.future, work.since = loop.create_future(), loop.time()
        if not work.is_sent or self._is_closing:
            work.is_withdrawn = True
            work.fail(StoreUnavailableError("no answer in time"))
            self._forget(work)


def _nobody() -> None:
    """Tell nobody."""
