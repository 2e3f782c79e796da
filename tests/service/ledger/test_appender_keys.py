"""Many bodies under one key, and many commands on one stream: work grows with their number.

Work is counted, not timed: callbacks that the event loop runs, decisions, and batches.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from typing_extensions import override

from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant
from service.ledger.appender import Appender
from service.ledger.command import Command, Decision, KeyReusedError, Reply
from service.ledger.head_cache import Limits
from service.ledger.memory_store import MemoryStore
from service.ledger.read_set import ReadSet
from service.ledger.store import AppendOutcome, Batch, OutcomeUnknownError, StoreUnavailableError
from tests.service.ledger.account_commands import (
    Gate,
    a_store_with,
    an_appender,
    balances,
    check_nobody_waits,
    clock,
    credited,
    opened,
    other_writer,
    slipping_in,
)

MANY = 600
CALLBACKS_EACH = 50
"""Callbacks of the event loop that one command may cost, from its task to its answer."""
NOBODY = 99
"""A purse that nobody opened: a command on it is refused and leaves its key free."""


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts what it is asked to run."""

    calls = 0

    @override
    def call_soon(self, *args: Any, **kwargs: Any) -> asyncio.Handle:  # type: ignore[override]
        """Count, and run it soon."""
        self.calls += 1
        return super().call_soon(*args, **kwargs)


class CountingStore(MemoryStore):
    """A ledger that counts the batches it is sent."""

    sent = 0

    @override
    def append_now(self, batch: Batch) -> AppendOutcome:
        """Count, and append."""
        self.sent += 1
        return super().append_now(batch)


@dataclass
class Counted:
    """What a run took: callbacks of the loop, decisions, batches; and every answer."""

    calls: int = 0
    decisions: int = 0
    batches: int = 0
    told: list[Reply | BaseException] = field(default_factory=list)

    def counting(self, command: Command) -> Command:
        """The command, its decisions counted."""

        def decide(reads: ReadSet, now: Instant) -> Decision:
            self.decisions += 1
            return command.decide(reads, now)

        return command._replace(decide=decide)


Way = Callable[[Appender, list[Command]], Awaitable[list[Reply | BaseException]]]


async def as_requests(appender: Appender, commands: list[Command]) -> list[Reply | BaseException]:
    """A task for each, as the doors do."""
    return await asyncio.gather(*map(appender.submit, commands), return_exceptions=True)


async def as_lines(appender: Appender, commands: list[Command]) -> list[Reply | BaseException]:
    """All taken at once, as an import does."""
    taken = [appender.take(command) for command in commands]
    return await asyncio.gather(*taken, return_exceptions=True)


def counted(way: Way, commands: list[Command], *before: Command) -> Counted:
    """Run commands on a ledger with one purse, after others that are not counted."""
    done = Counted()

    async def play() -> None:
        store, loop = CountingStore(), asyncio.get_running_loop()
        assert isinstance(loop, CountingLoop)
        await other_writer(store, opened("open", 1), *before)
        async with an_appender(store, Limits(deadline_s=600.0)) as appender:
            began, store.sent = loop.calls, 0
            done.told = await way(appender, [done.counting(command) for command in commands])
            done.calls, done.batches = loop.calls - began, store.sent
            check_nobody_waits(appender)

    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(play())
    return done


def bodies(count: int, purse: int = 1) -> list[Command]:
    """Commands under one key, each with a body of its own."""
    return [credited("k", purse, body=f"body {n} of {purse}") for n in range(count)]


WAYS = pytest.mark.parametrize("way", [as_requests, as_lines])


@WAYS
@pytest.mark.parametrize("is_used", [False, True])
def test_many_bodies_under_a_key_that_is_used_up_cost_one_look(way: Way, *, is_used: bool) -> None:
    """The first uses the key up, or finds that it is; that answers all the others."""
    before = [credited("k", 1, body="used before")] if is_used else []
    done = counted(way, bodies(MANY), *before)

    reused = [one for one in done.told if isinstance(one, KeyReusedError)]
    assert MANY - (not is_used) == len(reused)
    assert done.decisions <= 3
    assert done.batches <= 3
    assert done.calls <= CALLBACKS_EACH * MANY


@WAYS
def test_many_bodies_under_a_key_that_stays_free_are_decided_once_each(way: Way) -> None:
    """Each is decided by itself, for none uses the key up, and none wakes all the others."""
    done = counted(way, bodies(MANY, NOBODY))

    assert {UnknownError} == {type(one) for one in done.told}
    assert done.decisions <= 3 * MANY
    assert done.batches <= MANY
    assert done.calls <= CALLBACKS_EACH * MANY


@WAYS
def test_many_twins_share_one_answer(way: Way) -> None:
    """The same body many times is one command, also behind another body under its key."""
    done = counted(way, [*bodies(1), *[credited("k", 1, body="other")] * MANY])
    free = counted(way, [*bodies(1, NOBODY), *[credited("k", 1, body="other")] * MANY])

    assert MANY == sum(isinstance(one, KeyReusedError) for one in done.told)
    replies = [one for one in free.told if isinstance(one, Reply)]
    assert (MANY, {b"1"}) == (len(replies), {one.answer for one in replies})
    assert 1 == sum(not one.is_replayed for one in replies)
    for each in (done, free):
        assert each.decisions <= 6
        assert each.calls <= CALLBACKS_EACH * MANY


@WAYS
def test_a_hot_stream_costs_each_command_once(way: Way) -> None:
    """Commands on one account under their own keys are decided once and share batches."""
    done = counted(way, [credited(f"k{n}", 1) for n in range(MANY)])

    assert [b"%d" % (n + 1) for n in range(MANY)] == [
        one.answer for one in done.told if isinstance(one, Reply)
    ]
    assert done.decisions <= MANY + Limits().chunk_max
    assert done.batches <= 2 + MANY // Limits().batch_max
    assert done.calls <= CALLBACKS_EACH * MANY


async def test_bodies_under_a_key_go_in_the_order_they_came() -> None:
    """Where the first leaves the key free the second has it; the others are told so."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        lost, used, twin, late = await as_requests(
            appender, [*bodies(1, NOBODY), *bodies(1), *bodies(1), credited("k", 1, 5, "late")]
        )

        assert isinstance(lost, UnknownError)
        assert isinstance(late, KeyReusedError)
        assert isinstance(used, Reply)
        assert used._replace(is_replayed=True) == twin
        check_nobody_waits(appender)
    assert [1] == balances(store)


async def test_who_waits_behind_another_body_waits_no_longer_than_others() -> None:
    """At the deadline a body behind one that was sent is withdrawn; its own body is unknown."""
    store = await a_store_with(0)
    async with an_appender(store, Limits(deadline_s=0.0)) as appender:
        gate = Gate(store)
        first = asyncio.create_task(appender.submit(credited("k", 1)))
        await gate.reached.wait()
        behind = await as_requests(appender, bodies(5))
        unknown = (await asyncio.gather(first, return_exceptions=True))[0]
        gate.open()
        again = await appender.submit(credited("k", 1))

        assert {StoreUnavailableError} == {type(one) for one in behind}
        assert isinstance(unknown, OutcomeUnknownError)
        assert again.is_replayed
        check_nobody_waits(appender)
    assert [1] == balances(store)


async def test_a_caller_who_goes_away_leaves_the_others_their_turn() -> None:
    """Cancelled tasks behind a key hold up nobody who waits behind them."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        gate = Gate(store)
        commands = [*bodies(1, NOBODY), *bodies(3), credited("k", 1, 5, "last")]
        tasks = [asyncio.create_task(appender.submit(command)) for command in commands]
        await gate.reached.wait()
        for task in tasks[1:-1]:
            task.cancel()
        gate.open()
        told = await asyncio.gather(*tasks, return_exceptions=True)

        assert isinstance(told[-1], KeyReusedError)
        check_nobody_waits(appender)
    assert [1] == balances(store)


async def test_lines_that_nobody_waits_for_leave_the_others_their_turn() -> None:
    """An import that is cancelled cancels no command, and the key's next body is answered."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        gate = Gate(store)
        first, second, last = [appender.take(command) for command in bodies(3)]
        await gate.reached.wait()
        first.cancel()
        second.cancel()
        gate.open()
        told = (await asyncio.gather(last, return_exceptions=True))[0]

        assert isinstance(told, KeyReusedError)
        check_nobody_waits(appender)
    assert [1] == balances(store)


async def test_a_body_that_another_process_used_answers_all_that_wait() -> None:
    """A key that was used up elsewhere meanwhile answers its body and refuses the others."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        store.before_append = slipping_in(store, credited("k", 1, body="body 3 of 1"))
        told = await as_requests(appender, bodies(6))

        replies = [one for one in told if isinstance(one, Reply)]
        assert [b"1"] == [one.answer for one in replies]
        assert told[3] == replies[0]
        assert 5 == sum(isinstance(one, KeyReusedError) for one in told)
        check_nobody_waits(appender)
    assert [1] == balances(store)


async def test_closing_answers_who_waits_behind_a_key() -> None:
    """What was taken before the end is answered, also behind another body."""
    store = await a_store_with(0)
    appender = Appender(store, clock, Limits())
    appender.start()
    gate = Gate(store)
    tasks = [
        asyncio.create_task(appender.submit(command))
        for command in (*bodies(4, NOBODY), *bodies(4))
    ]
    await gate.reached.wait()
    closing = asyncio.create_task(appender.close())
    await asyncio.sleep(0)
    gate.open()
    await closing
    told = await asyncio.gather(*tasks, return_exceptions=True)

    assert [UnknownError] * 4 == [type(one) for one in told[:4]]
    assert [Reply, *[KeyReusedError] * 3] == [type(one) for one in told[4:]]
