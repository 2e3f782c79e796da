"""A batch of commands, from decision to answer: decided one after another on overlaid state.

The next batch is decided on top of the one that is being appended. If that append fails, the
decisions on top of it are discarded and the commands are decided again.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from aggregates.account.events import AccountOpened
from aggregates.refusals import RefusalError, RuleRefusedError
from aggregates.vocabulary import Instant, StreamId
from service.clock import micros
from service.ledger.codec import EventRow, encode_act
from service.ledger.command import ANY_BODY, Command, Decision, KeyReusedError, KeyTakenError, Reply
from service.ledger.decision_rows import key_rows, refused, rows_of
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.read_set import ReadSet
from service.ledger.store import AppendOutcome, Batch, ReadResult, SealedPerson, UsedKey
from service.vault import Vault


class PendingCommand:
    """A command that waits for its answer. `since` is the loop's time in seconds.

    `known` is the stored use of its key, where the database returned one.
    """

    __slots__ = ("act", "command", "future", "is_sent", "is_withdrawn", "known", "since")

    def __init__(self, command: Command, future: "asyncio.Future[Reply]", since: float) -> None:
        self.command = command
        self.act = encode_act(command.act) if command.key is not None else b""
        self.future = future
        self.since = since
        self.is_sent = False
        self.is_withdrawn = False
        self.known: UsedKey | None = None

    def answer(self, reply: Reply) -> None:
        """Answer the caller if it still waits."""
        if not self.future.done():
            self.future.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Raise an error in the caller if it still waits."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # marks it as retrieved: asyncio would log it if nobody waits

    def answer_known(self, known: UsedKey) -> None:
        """Answer from the stored reply; with another body than the stored one, fail."""
        asks = self.command.asks is not None
        if not asks:
            self.known = known
        if asks or known.digest in (self.command.digest, ANY_BODY):
            self.answer(
                Reply(known.answer, known.refusal, known.position, known.stream, is_replayed=True)
            )
        else:
            self.fail(KeyReusedError())

    def used_up(self) -> UsedKey | None:
        """The use of its key by this answered command; None where the key is free."""
        future = self.future
        if self.known is not None or not future.done() or future.cancelled() or future.exception():
            return self.known
        reply = future.result()
        return UsedKey(
            reply.position, reply.subject, reply.refusal, self.command.digest, reply.answer
        )


class DecidedCommand(NamedTuple):
    """A command with its decision, or with the error that answers it.

    `at` is the time of the decision, in microseconds since 1970.
    """

    pending: PendingCommand
    decision: Decision | None
    error: Exception | None
    read: dict[StreamId, int]
    rows: list[EventRow]
    at: int


class Unread(NamedTuple):
    """Streams, names and persons that decisions need and no overlay has."""

    streams: set[StreamId]
    names: set[bytes]
    persons: set[StreamId]


class AppendBatch:
    """Decided commands, in order, over a lower overlay.

    `now` is the time of the last decision; `expected` maps every stream read to its version.
    """

    def __init__(
        self, below: Overlay, after: Instant | None = None, vault: Vault | None = None
    ) -> None:
        """Begin empty over known state; no decision is made before the instant `after`."""
        self.now = after
        self._vault = vault
        self.loaded = Overlay(below)
        self.written = Overlay(self.loaded)
        self.decided: list[DecidedCommand] = []
        self.expected: dict[StreamId, int] = {}

    def load(self, result: ReadResult, missing: Unread) -> None:
        """Put what was read under the decisions; a missing name is free, a person is erased."""
        self.loaded.heads.update(result.heads)
        self.loaded.names.update({name: result.names.get(name) for name in missing.names})
        erased = SealedPerson("", None)
        self.loaded.persons.update({p: result.persons.get(p, erased) for p in missing.persons})

    def decide(self, commands: Sequence[PendingCommand], now: Instant) -> Unread:
        """Decide commands in their order; if anything is missing, no decision is kept.

        Time does not run back within a batch, nor from one batch to the next on top of it.
        """
        if self.now is not None and now.at < self.now.at:
            now = self.now
        at = micros(now)
        overlay = Overlay(self.written)
        missing = Unread(set(), set(), set())
        done: list[DecidedCommand] = []
        for pending in commands:
            try:
                done.append(_decide(pending, overlay, now, at, self._vault))
            except UnreadError as unread:
                missing.streams.update(unread.streams)
                if unread.name is not None:
                    missing.names.add(unread.name)
                if unread.person is not None:
                    missing.persons.add(unread.person)
        if not any(missing):
            self.now = now
            self._take(done, overlay)
        return missing

    def _take(self, done: list[DecidedCommand], overlay: Overlay) -> None:
        for decided in done:
            for stream, version in decided.read.items():
                if stream not in self.expected and stream not in self.written.heads:
                    self.expected[stream] = version
            for row in decided.rows:
                self.written.heads[row.stream] = overlay.heads[row.stream]
        self.written.take(overlay)
        names = self.loaded.names  # free names are read again for the next decision that asks
        self.loaded.names = {name: stream for name, stream in names.items() if stream is not None}
        self.decided += done

    def recorded(self) -> tuple[int | None, int]:
        """The time of its newest event, None without events, and the number of its events."""
        newest = next((d.at for d in reversed(self.decided) if d.rows), None)
        return newest, sum(len(decided.rows) for decided in self.decided)

    def to_append(self) -> Batch:
        """Everything that was decided, as the store takes it."""
        at_us = self.decided[0].at
        batch = Batch(at=at_us, expected=self.expected, heads=self.written.heads)
        for decided in self.decided:
            pending, decision, _, _, rows, at = decided
            pending.is_sent = True
            asks = _asks(decided)
            if asks is not None:
                batch.asked.append(asks)
            if decision is None or pending.command.key is None:
                assert not rows, "nothing is stored without a key"
                continue
            batch.rows += rows
            batch.times += [at] * len(rows)
            batch.keys += key_rows(pending.command, decision, len(batch.rows))
            batch.person_keys += decision.person_keys
            for name in decision.frees:
                if batch.names.pop(name, None) is None:
                    batch.freed.add(name)
            batch.names.update(decision.takes)
        return batch

    def complete(self, outcome: AppendOutcome) -> None:
        """Answer every command: the batch is in the log."""
        assert outcome.base is not None, "the batch is in the log"
        position, asked = outcome.base, 0
        for decided in self.decided:
            pending, decision, error, _, rows, _ = decided
            known = None
            if _asks(decided) is not None:
                known = outcome.asked.get(asked)
                asked += 1
            if known is not None:
                pending.answer_known(known)
                continue
            if decision is None:
                assert error is not None, "a command is decided or fails"
                pending.fail(error)
                continue
            position += len(rows)
            answer, refusal, subject = decision.answer, decision.refusal, decision.subject
            pending.answer(Reply(answer, refusal, position, subject, is_replayed=False))

    def answer_known(self, known: dict[int, UsedKey]) -> list[PendingCommand]:
        """Answer the commands whose keys were used before; the other commands, in order."""
        others: list[PendingCommand] = []
        index = 0
        for pending, decision, *_ in self.decided:
            if decision is None or pending.command.key is None:
                others.append(pending)
                continue
            is_buried = decision.tombstone is not None
            if index in known:
                pending.answer_known(known[index])
            elif is_buried and index + 1 in known:
                pending.fail(KeyTakenError())
            else:
                others.append(pending)
            index += 1 + is_buried
        return others


def _decide(
    pending: PendingCommand, overlay: Overlay, now: Instant, at: int, vault: Vault | None
) -> DecidedCommand:
    """Decide one command on an overlay, and fold its events into it."""
    reads = ReadSet(overlay, now, vault)
    command = pending.command
    own = Overlay(overlay)
    try:
        decision = command.decide(reads, now)
        assert command.key is not None or not decision.events, "nothing is stored without a key"
        act = _act(pending, decision)
        rows = rows_of(own, decision, act, now, reads.year_days)
    except UnreadError:
        raise
    except RuleRefusedError as refusal:
        if command.key is None:
            return DecidedCommand(pending, None, refusal, reads.read, [], at)
        return DecidedCommand(pending, refused(refusal), None, reads.read, [], at)
    except RefusalError as refusal:
        return DecidedCommand(pending, None, refusal, reads.read, [], at)
    except Exception as fault:  # noqa: BLE001 -- a bug in one decision must not stop its neighbours
        return DecidedCommand(pending, None, fault, reads.read, [], at)
    own.names.update(dict.fromkeys(decision.frees))
    own.names.update(decision.takes)
    if decision.person_keys:
        own.persons.update(_persons(decision))
    overlay.take(own)
    return DecidedCommand(pending, decision, None, reads.read, rows, at)


def _asks(decided: DecidedCommand) -> tuple[str, str] | None:
    """The caller and key whose stored answer is wanted.

    Also those of a command that fails now: it may be the resend of one that succeeded.
    """
    command = decided.pending.command
    if command.asks is None and decided.error is not None and command.key is not None:
        return command.caller, command.key
    return command.asks


def _act(pending: PendingCommand, decision: Decision) -> bytes:
    if decision.on_behalf_of is None:
        return pending.act
    return encode_act(replace(pending.command.act, on_behalf_of=decision.on_behalf_of))


def _persons(decision: Decision) -> dict[StreamId, SealedPerson]:
    """The persons that a decision adds, for the decisions after it."""
    sealed = {s: e.sealed for s, e in decision.events if isinstance(e, AccountOpened)}
    return {s: SealedPerson(sealed.get(s, ""), wrapped) for s, wrapped in decision.person_keys}
