"""A batch from decision to answer: commands decided one after another on one layered state.

The next flight is decided on top of the one that is on its way to disk. If that one does not
land, what was decided on it is thrown away and decided again.
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


class PendingCommand:
    """A command that waits for its answer. `since` is the loop's time in seconds.

    `known` is what its key had been used up by, where that was found out.
    """

    __slots__ = ("act", "command", "future", "is_sent", "is_withdrawn", "known", "since")

    def __init__(self, command: Command, future: "asyncio.Future[Reply]", since: float) -> None:
        """Wait from now on."""
        self.command = command
        self.act = encode_act(command.act) if command.key is not None else b""
        self.future = future
        self.since = since
        self.is_sent = False
        self.is_withdrawn = False
        self.known: UsedKey | None = None

    def answer(self, reply: Reply) -> None:
        """Answer whoever still waits."""
        if not self.future.done():
            self.future.set_result(reply)

    def fail(self, error: Exception) -> None:
        """Tell whoever still waits."""
        if not self.future.done():
            self.future.set_exception(error)
            self.future.exception()  # perhaps nobody waits any more, and that is no bug

    def answer_known(self, known: UsedKey) -> None:
        """Answer from what is stored, if the body is the one that was stored."""
        fits = known.digest in (self.command.digest, ANY_BODY)
        if self.command.asks is None:
            self.known = known
        if self.command.asks is not None or fits:
            self.answer(
                Reply(known.answer, known.refusal, known.position, known.stream, is_replayed=True)
            )
        else:
            self.fail(KeyReusedError())

    def used_up(self) -> UsedKey | None:
        """What the key is used up by now that this work is answered; None where it is free."""
        future = self.future
        if self.known is not None or not future.done() or future.cancelled() or future.exception():
            return self.known
        reply = future.result()
        return UsedKey(
            reply.position, reply.subject, reply.refusal, self.command.digest, reply.answer
        )


class DecidedCommand(NamedTuple):
    """A work with its decision, or with the refusal or fault that answers it.

    `at` is the time it was decided at, in microseconds since 1970.
    """

    work: PendingCommand
    decision: Decision | None
    error: Exception | None
    read: dict[StreamId, int]
    rows: list[EventRow]
    at: int


class Unread(NamedTuple):
    """Streams and names that decisions asked for and no layer has."""

    streams: set[StreamId]
    names: set[bytes]
    persons: set[StreamId]

    def is_empty(self) -> bool:
        """Whether everything was there."""
        return not (self.streams or self.names or self.persons)


class AppendBatch:
    """Decided works, in order, over a layer below. `now` is the time of the last decision."""

    def __init__(self, below: Overlay, after: Instant | None = None) -> None:
        """Begin empty over what is known, and not before a time that was decided at already."""
        self.now = after
        self.loaded = Overlay(below)
        self.written = Overlay(self.loaded)
        self.decided: list[DecidedCommand] = []
        self.expected: dict[StreamId, int] = {}

    def load(self, found: ReadResult, missing: Unread) -> None:
        """Put what was read under the decisions; who is not found is nobody."""
        self.loaded.heads.update(found.heads)
        self.loaded.names.update({name: found.names.get(name) for name in missing.names})
        nobody = SealedPerson("", None)
        self.loaded.persons.update({p: found.persons.get(p, nobody) for p in missing.persons})

    def decide(self, works: Sequence[PendingCommand], now: Instant) -> Unread:
        """Decide works in their order; if anything is missing none of them counts.

        Time does not run back within a flight, nor from one to the next on top of it.
        """
        if self.now is not None and now.at < self.now.at:
            now = self.now
        at = micros(now)
        overlay = Overlay(self.written)
        missing = Unread(set(), set(), set())
        done: list[DecidedCommand] = []
        for work in works:
            try:
                done.append(_decide(work, overlay, now, at))
            except UnreadError as unread:
                missing.streams.update(unread.streams)
                if unread.name is not None:
                    missing.names.add(unread.name)
                if unread.person is not None:
                    missing.persons.add(unread.person)
        if missing.is_empty():
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
        found = self.loaded.names  # a name that nobody had is looked up again for who asks later
        self.loaded.names = {name: stream for name, stream in found.items() if stream is not None}
        self.decided += done

    def recorded(self) -> tuple[int | None, int]:
        """The time of its newest event, None where it has none, and how many it has."""
        newest = next((d.at for d in reversed(self.decided) if d.rows), None)
        return newest, sum(len(decided.rows) for decided in self.decided)

    def batch(self) -> Batch:
        """Everything decided, as one batch."""
        at_us = self.decided[0].at
        batch = Batch(at=at_us, expected=self.expected, heads=self.written.heads)
        for decided in self.decided:
            work, decision, _, _, rows, at = decided
            work.is_sent = True
            asks = _asks(decided)
            if asks is not None:
                batch.asked.append(asks)
            if decision is None or work.command.key is None:
                assert not rows, "nothing is stored without a key"
                continue
            batch.rows += rows
            batch.times += [at] * len(rows)
            batch.keys += key_rows(work.command, decision, len(batch.rows))
            batch.person_keys += decision.person_keys
            for name in decision.frees:
                if batch.names.pop(name, None) is None:
                    batch.freed.add(name)
            batch.names.update(decision.takes)
        return batch

    def land(self, outcome: AppendOutcome) -> None:
        """Answer everybody: the batch is in the log."""
        assert outcome.base is not None, "the batch is in the log"
        position, asked = outcome.base, 0
        for decided in self.decided:
            work, decision, error, _, rows, _ = decided
            known = None
            if _asks(decided) is not None:
                known = outcome.asked.get(asked)
                asked += 1
            if known is not None:
                work.answer_known(known)
                continue
            if decision is None:
                assert error is not None, "a work is decided or fails"
                work.fail(error)
                continue
            position += len(rows)
            work.answer(
                Reply(
                    decision.answer,
                    decision.refusal,
                    position,
                    decision.subject,
                    is_replayed=False,
                )
            )

    def answer_known(self, known: dict[int, UsedKey]) -> list[PendingCommand]:
        """Answer the works whose keys were used up before; the others, in order."""
        others: list[PendingCommand] = []
        index = 0
        for work, decision, *_ in self.decided:
            if decision is None or work.command.key is None:
                others.append(work)
                continue
            is_buried = decision.tombstone is not None
            if index in known:
                work.answer_known(known[index])
            elif is_buried and index + 1 in known:
                work.fail(KeyTakenError())
            else:
                others.append(work)
            index += 1 + is_buried
        return others

    def reads(self) -> list[StreamId]:
        """Every stream that was read, to be read again under the lock."""
        return list(self.expected)


def _decide(work: PendingCommand, overlay: Overlay, now: Instant, at: int) -> DecidedCommand:
    """Decide one work on a layer, and fold its events into the layer."""
    reads = ReadSet(overlay, now)
    command = work.command
    own = Overlay(overlay)
    try:
        decision = command.decide(reads, now)
        assert command.key is not None or not decision.events, "nothing is stored without a key"
        act = _act(work, decision)
        rows = rows_of(own, decision, act, now)
    except UnreadError:
        raise
    except RuleRefusedError as refusal:
        if command.key is None:
            return DecidedCommand(work, None, refusal, reads.read, [], at)
        return DecidedCommand(work, refused(refusal), None, reads.read, [], at)
    except RefusalError as refusal:
        return DecidedCommand(work, None, refusal, reads.read, [], at)
    except Exception as fault:  # noqa: BLE001 -- a bug in one decision must not stop its neighbours
        return DecidedCommand(work, None, fault, reads.read, [], at)
    own.names.update(dict.fromkeys(decision.frees))
    own.names.update(decision.takes)
    if decision.person_keys:
        own.persons.update(_persons(decision))
    overlay.take(own)
    return DecidedCommand(work, decision, None, reads.read, rows, at)


def _asks(decided: DecidedCommand) -> tuple[str, str] | None:
    """The key whose stored answer is wanted.

    One that was asked for; or that of a work which cannot be decided any more, and may have
    been when it was sent for the first time.
    """
    command = decided.work.command
    if command.asks is None and decided.error is not None and command.key is not None:
        return command.caller, command.key
    return command.asks


def _act(work: PendingCommand, decision: Decision) -> bytes:
    if decision.on_behalf_of is None:
        return work.act
    return encode_act(replace(work.command.act, on_behalf_of=decision.on_behalf_of))


def _persons(decision: Decision) -> dict[StreamId, SealedPerson]:
    """Who became known by a decision, for those who are decided after it."""
    sealed = {s: e.sealed for s, e in decision.events if isinstance(e, AccountOpened)}
    return {s: SealedPerson(sealed.get(s, ""), wrapped) for s, wrapped in decision.person_keys}
