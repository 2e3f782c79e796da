"""Group commit: commands are decided one after another and appended as one batch.

No command waits for a timer. During an append the next batch is decided on top of it. A batch
that lost a race, or whose outcome is unknown, is decided again under the lock of the log head. So
progress is bounded, and a command is applied once: if the unknown append used its key, the stored
reply answers it.

At most one body is in progress under one key. The others queue: if the key is used they get the
stored reply, else the next one is decided.
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
from service.vault import Vault

READS_MAX = 64
"""Times that a decision may need further reads before it fails as endless."""
RETRY_FIRST_S, RETRY_MAX_S = 0.05, 1.0
EXHAUSTED_S = 1.0
"""Seconds that a command waits for a database that takes no more connections."""


class Appender:
    """The one writer of this process, with one append at a time."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], Instant],
        limits: Limits,
        vault: Vault | None = None,
    ) -> None:
        """Write to a store; `clock` is the business clock, and `self.clock` that of the ledger.

        With a vault the days are found on which areas begin their insurance years.
        """
        self._store = store
        self.clock = LedgerClock(clock)
        self._limits = limits
        self._vault = vault
        self._cache = HeadCache(limits.heads_max)
        self._waiting: deque[PendingCommand] = deque()
        self._pending: dict[tuple[str, str], PendingCommand] = {}
        self._behind: dict[tuple[str, str], dict[bytes, PendingCommand]] = {}
        self._awake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._live: dict[PendingCommand, None] = {}
        self._is_closing = False
        self._position: int | None = None
        self.on_landed: Callable[[], None] = lambda: None
        self.batches = self.commands = self.races = self.unknowns = 0

    def start(self) -> None:
        """Take commands from now on, on the running loop."""
        self._tasks = [asyncio.create_task(self._pump()), asyncio.create_task(self._watch())]

    async def close(self) -> None:
        """Finish all commands, and stop.

        An append in progress has until the deadline of commands. Then it is cancelled, and its
        callers get OutcomeUnknownError.
        """
        self._is_closing = True
        self._awake.set()
        pump, watch = self._tasks
        await asyncio.wait({pump}, timeout=self._limits.deadline_s)
        watch.cancel()
        if not pump.done():
            for pending in list(self._live):
                self._give_up(pending)
            pump.cancel()
        await asyncio.gather(pump, watch, return_exceptions=True)

    def waits_s(self) -> float:
        """Seconds since the oldest unanswered command came; 0 without any."""
        now_s = asyncio.get_running_loop().time()
        return max((now_s - pending.since for pending in self._live), default=0.0)

    async def submit(self, command: Command) -> Reply:
        """Decide and append a command; idempotent by its key.

        Raises:
            RefusalError: refused without using the key; KeyReusedError: another body;
            OverloadedError, StoreUnavailableError: nothing was applied;
            OutcomeUnknownError: it may have been applied; retry with the same key.
        """
        if (twin := self._twin(command)) is not None:
            return (await asyncio.shield(twin.future))._replace(is_replayed=True)
        return await asyncio.shield(self._enter(command))

    def take(self, command: Command) -> "asyncio.Future[Reply]":
        """As `submit`, but returns a future, so that no task is needed for each command."""
        if self._twin(command) is not None:
            return asyncio.create_task(self.submit(command))
        return self._enter(command)

    def _twin(self, command: Command) -> PendingCommand | None:
        """The command in progress or queued with the same key and body."""
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
        pending = PendingCommand(command, loop.create_future(), loop.time())
        self._live[pending] = None
        if command.key is not None:
            name = (command.caller, command.key)
            if name in self._pending:
                self._behind.setdefault(name, {})[command.digest] = pending
                return pending.future
            self._pending[name] = pending
        self._waiting.append(pending)
        self._awake.set()
        return pending.future

    async def quiet(self, caller: str, key: str) -> None:
        """Wait until this process has no command in progress with a caller's key."""
        while (pending := self._pending.get((caller, key))) is not None:
            await asyncio.wait([pending.future])

    def last_seen(self, stream: StreamId) -> int | None:
        """The cached version of a stream, if there is one."""
        return head.version if (head := self._cache.heads.get(stream)) else None

    async def _pump(self) -> None:
        batch = AppendBatch(self._cache, vault=self._vault)
        while not (self._is_closing and not self._waiting and not batch.decided):
            if not batch.decided and not self._waiting:
                self._awake.clear()
                await self._awake.wait()
                await asyncio.sleep(0)  # let every ready request come in first
            await self._fill(batch)
            if batch.decided:
                batch = await self._append(batch)

    async def _fill(self, batch: AppendBatch) -> None:
        """Decide the next chunk of waiting commands, in order."""
        chunk: list[PendingCommand] = []
        room = min(self._limits.chunk_max, self._limits.batch_max - len(batch.decided))
        while self._waiting and len(chunk) < room:
            pending = self._waiting.popleft()
            if not pending.is_withdrawn:
                chunk.append(pending)
        if not chunk:
            return
        try:
            await self._decide(batch, chunk, self._store)
        except TROUBLE as error:
            self._waiting.extendleft(reversed(chunk))
            self._turn_away(error)
            await asyncio.sleep(RETRY_FIRST_S)

    async def _decide(
        self, batch: AppendBatch, chunk: list[PendingCommand], session: Session
    ) -> None:
        """Decide a chunk, reading until nothing is missing."""
        fault: Exception = RuntimeError("a decision never stops reading")
        for _ in range(READS_MAX):
            missing: Unread = batch.decide(chunk, self.clock.decision())
            if not any(missing):
                return
            try:
                batch.load(await session.read(*missing), missing)
            except asyncpg.DataError as refused:  # a retry would be refused too
                fault = refused
                break
            except TROUBLE:
                raise
            except Exception as unreadable:  # noqa: BLE001 -- it must not end `_pump`
                fault = RuntimeError("a stored state that this release cannot read")
                fault.__cause__ = unreadable
                break
        if len(chunk) == 1:
            self._fail(chunk[0], fault)
            return
        for pending in chunk:
            await self._decide(batch, [pending], session)

    async def _append(self, batch: AppendBatch) -> AppendBatch:
        """Append a batch and decide the next one on top of it meanwhile; the next batch."""
        commands = [decided.pending for decided in batch.decided]
        if any(pending.is_withdrawn for pending in commands):
            self._waiting.extendleft(reversed([c for c in commands if not c.is_withdrawn]))
            return AppendBatch(self._cache, vault=self._vault)
        append = asyncio.create_task(self._store.append(batch.to_append()))
        following = AppendBatch(batch.written, batch.now, self._vault)
        while not append.done():
            self._awake.clear()
            if self._waiting and len(following.decided) < self._limits.batch_max:
                await self._fill(following)
                await asyncio.sleep(0)
            else:
                awake = asyncio.create_task(self._awake.wait())
                await asyncio.wait({append, awake}, return_when=asyncio.FIRST_COMPLETED)
                awake.cancel()
        if await self._completed(batch, append):
            following.loaded.below = self._cache
            return following
        self._waiting.extendleft(decided.pending for decided in reversed(following.decided))
        return AppendBatch(self._cache, vault=self._vault)

    async def _completed(self, batch: AppendBatch, append: "asyncio.Task[AppendOutcome]") -> bool:
        """Whether a batch is in the log; if not, its commands are decided and answered here."""
        commands = [decided.pending for decided in batch.decided]
        try:
            outcome = append.result()
        except OutcomeUnknownError:
            self.unknowns += 1
        except StoreUnavailableError:
            for pending in commands:
                pending.is_sent = False
        except Exception:  # noqa: BLE001 -- the database refuses one of them: retry each alone
            self._cache.forget(batch.expected)
            for pending in commands:
                await self._until_answered([pending])
            return False
        else:
            if outcome.base is not None:
                self._finish(batch, outcome)
                return True
            commands = self._lost(batch, outcome)
        self._cache.forget(batch.expected)
        await self._until_answered(commands)
        return False

    def _lost(self, batch: AppendBatch, outcome: AppendOutcome) -> list[PendingCommand]:
        """Learn why a batch was not appended; returns the commands to decide again."""
        self.races += bool(outcome.stale or outcome.taken or outcome.late is not None)
        if outcome.late is not None:
            self.clock.see(outcome.late)
            self.clock.share()
        self._cache.forget(outcome.stale)
        commands = batch.answer_known(outcome.known)
        self._forget_answered(batch)
        return commands

    async def _until_answered(self, commands: list[PendingCommand]) -> None:
        """Decide again under the lock until every command is answered."""
        pause_s = RETRY_FIRST_S
        known = Overlay()
        while commands := [pending for pending in commands if not pending.is_withdrawn]:
            try:
                commands = await self._once_locked(commands, known)
            except OutcomeUnknownError:
                self.unknowns += 1
            except (StoreUnavailableError, OSError, asyncpg.InterfaceError) as error:
                self._turn_away(error)
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_MAX_S, 2 * pause_s)
            except Exception as refused:  # noqa: BLE001 -- it must not end `_pump`
                if len(commands) == 1:
                    self._fail(commands[0], refused)
                    return
                for pending in commands:
                    await self._until_answered([pending])
                return

    async def _once_locked(
        self, commands: list[PendingCommand], known: Overlay
    ) -> list[PendingCommand]:
        """BEGIN, lock, read, decide, append, COMMIT. Returns the commands still without answer.

        `known` collects names that were taken. They may have been freed since the lock was held
        last, so they are read again under this lock.
        """
        batch = AppendBatch(known, vault=self._vault)
        outcome = AppendOutcome()
        async with self._store.locked() as session:
            self.clock.see(session.newest)
            if known.names:
                known.names = dict((await session.read((), set(known.names))).names)
            await self._decide(batch, commands, session)
            if any(pending.is_withdrawn for pending in commands):
                return commands  # withdrawn as not applied during the wait for the lock
            if batch.decided:
                outcome = await session.append(batch.to_append())
                if outcome.taken:
                    known.names.update((await session.read((), outcome.taken)).names)
        if outcome.base is not None:
            self._finish(batch, outcome)
            return []
        left = batch.answer_known(outcome.known)
        self._forget_answered(batch)
        return left

    def _finish(self, batch: AppendBatch, outcome: AppendOutcome) -> None:
        self._cache.merge(batch.loaded)
        self._cache.merge(batch.written)
        self._learn_time(batch, outcome)
        batch.complete(outcome)
        self.batches += 1
        self.commands += len(batch.decided)
        self._forget_answered(batch)
        self.on_landed()

    def _learn_time(self, batch: AppendBatch, outcome: AppendOutcome) -> None:
        """Learn the log's newest time from an appended batch, and whether others write too."""
        at, count = batch.recorded()
        if at is not None:
            self.clock.see(at)
        if self._position not in (None, outcome.base):
            self.clock.share()
        assert outcome.base is not None, "the batch is in the log"
        self._position = outcome.base + count

    def _forget_answered(self, batch: AppendBatch) -> None:
        for decided in batch.decided:
            if decided.pending.future.done():
                self._forget(decided.pending)

    def _fail(self, pending: PendingCommand, fault: Exception) -> None:
        pending.fail(fault)
        self._forget(pending)

    def _forget(self, pending: PendingCommand) -> None:
        self._live.pop(pending, None)
        if pending.command.key is None:
            return
        name = (pending.command.caller, pending.command.key)
        if self._pending.get(name) is pending:
            del self._pending[name]
            if name in self._behind:
                self._let_next(name, pending.used_up())
        elif (others := self._behind.get(name)) and others.get(pending.command.digest) is pending:
            del others[pending.command.digest]

    def _let_next(self, name: tuple[str, str], known: UsedKey | None) -> None:
        """Answer all that queue behind a used key; if it is free, let the next one be decided."""
        others = self._behind.pop(name)
        if known is not None:
            for pending in others.values():
                pending.answer_known(known)
                self._live.pop(pending, None)
            return
        if others:
            pending = others.pop(next(iter(others)))
            self._pending[name] = pending
            self._waiting.append(pending)
            self._awake.set()
        if others:
            self._behind[name] = others

    async def _watch(self) -> None:
        """Fail commands past their deadline; a sent one goes on, and its key stays in progress."""
        while True:
            await asyncio.sleep(0.25)
            now_s = asyncio.get_running_loop().time()
            self._cache.forget_persons(now_s)
            oldest = now_s - self._limits.deadline_s
            for pending in [c for c in self._live if c.since < oldest]:
                self._give_up(pending)

    def _turn_away(self, error: Exception) -> None:
        """Fail unsent commands early when the database takes no more connections."""
        if isinstance(error, StoreExhaustedError):
            oldest = asyncio.get_running_loop().time() - EXHAUSTED_S
            for pending in [c for c in self._live if c.since < oldest and not c.is_sent]:
                self._give_up(pending)

    def _give_up(self, pending: PendingCommand) -> None:
        """Fail a command; a sent one is kept until its outcome is known, or until we close."""
        loop = asyncio.get_running_loop()
        if pending.is_sent:
            pending.fail(OutcomeUnknownError("no answer in time"))
            pending.future, pending.since = loop.create_future(), loop.time()
        if not pending.is_sent or self._is_closing:
            pending.is_withdrawn = True
            pending.fail(StoreUnavailableError("no answer in time"))
            self._forget(pending)
