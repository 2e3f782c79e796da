"""Who waits at the appender, who is sent away, and how it closes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from typing_extensions import override

from aggregates.vocabulary import StreamId
from service.ledger.appender import Appender
from service.ledger.command import OverloadedError, Reply
from service.ledger.head_cache import Limits
from service.ledger.memory_store import MemoryStore
from service.ledger.store import (
    AppendOutcome,
    Batch,
    OutcomeUnknownError,
    ReadResult,
    StoreExhaustedError,
    StoreUnavailableError,
)
from service.runtime.silence import writer_hangs
from tests.service.ledger.account_commands import (
    Gate,
    Outage,
    a_store_with,
    all_of,
    an_appender,
    balances,
    clock,
    credited,
    opened,
    other_writer,
    topics_of,
)

AT_ONCE = Limits(deadline_s=0.0)


def submitted(appender: Appender, *keys: str) -> "list[asyncio.Task[Reply]]":
    return [asyncio.create_task(appender.submit(credited(key, 1))) for key in keys]


async def held(
    store: MemoryStore, appender: Appender, *keys: str
) -> "tuple[Gate, list[asyncio.Task[Reply]]]":
    """Commands whose append is on its way and does not come back until the gate is opened."""
    gate = Gate(store)
    tasks = submitted(appender, *keys)
    await gate.reached.wait()
    return gate, tasks


async def test_the_next_batch_is_decided_while_one_is_on_its_way() -> None:
    """What comes in during an append is one batch behind it, decided on what it writes."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        gate, first = await held(store, appender, "a")
        later = submitted(appender, *"bcdef")
        await asyncio.sleep(0)
        gate.open()
        told = await asyncio.gather(*first, *later)

        assert [b"%d" % n for n in range(1, 7)] == [reply.answer for reply in told]
        assert 2 == appender.batches


class Crowded(MemoryStore):
    """A ledger whose server takes no more connections, for reading or for writing."""

    def __init__(self, refuses: str) -> None:
        """Refuse nothing yet."""
        super().__init__()
        self.refuses = refuses
        self.is_full = False

    @override
    async def read(
        self,
        streams: Iterable[StreamId],
        names: Iterable[bytes],
        persons: Iterable[StreamId] = (),
    ) -> ReadResult:
        """Read, or get no connection."""
        if self.is_full and self.refuses == "readers":
            raise StoreExhaustedError("TooManyConnectionsError")
        return await super().read(streams, names, persons)

    @override
    async def append(self, batch: Batch) -> AppendOutcome:
        """Append, or get no connection."""
        if self.is_full and self.refuses == "writers":
            raise StoreExhaustedError("TooManyConnectionsError")
        return await super().append(batch)

    @override
    @asynccontextmanager
    async def locked(self) -> AsyncIterator[Any]:
        """Lock the head, or get no connection."""
        if self.is_full and self.refuses == "writers":
            raise StoreExhaustedError("TooManyConnectionsError")
        async with super().locked() as session:
            yield session


@pytest.mark.parametrize("refuses", ["readers", "writers"])
async def test_a_server_without_connections_is_told_soon(refuses: str) -> None:
    """Nobody waits for the deadline where no connection is to be had; the keys stay free."""
    store = Crowded(refuses)
    await other_writer(store, opened("open", 1))
    async with an_appender(store, Limits(deadline_s=3600.0)) as appender:
        store.is_full = True
        told = await asyncio.gather(*submitted(appender, *"abc"), return_exceptions=True)
        assert [StoreUnavailableError] * 3 == [type(error) for error in told]
        store.is_full = False
        again = await asyncio.gather(*submitted(appender, *"abc"))

    assert [False] * 3 == [reply.is_replayed for reply in again]
    assert [3] == balances(store)


async def test_who_waited_too_long_is_withdrawn() -> None:
    """A command that was never sent is told so, is never applied, and leaves its key free."""
    store = await a_store_with(0)
    async with an_appender(store, AT_ONCE) as appender:
        gate, first = await held(store, appender, "sent")
        waiting = submitted(appender, "waits", "waits too")
        told = await asyncio.gather(*waiting, return_exceptions=True)
        gate.open()
        await asyncio.wait(first)

        assert [StoreUnavailableError] * 2 == [type(error) for error in told]
    await other_writer(store, credited("waits", 1, 5))
    assert [6] == balances(store)


async def test_what_was_sent_is_unknown_and_answered_later() -> None:
    """The deadline of a sent command says unknown; asking again with its key gives its answer."""
    store = await a_store_with(0)
    async with an_appender(store, AT_ONCE) as appender:
        gate, (first,) = await held(store, appender, "k")
        with pytest.raises(OutcomeUnknownError):
            await first
        again = asyncio.create_task(appender.submit(credited("k", 1)))
        await asyncio.sleep(0)
        gate.open()
        reply = await again

        assert (b"1", True) == (reply.answer, reply.is_replayed)
        assert (await appender.submit(credited("k", 1))).is_replayed
    assert ["Credited"] == topics_of(store)[1:]


async def test_how_long_the_oldest_has_waited_is_told() -> None:
    """Nobody waits, then somebody does: a reason for readiness once it is too long."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        assert (0.0, []) == (appender.waits_s(), writer_hangs(appender, 0.0))
        gate, (first,) = await held(store, appender, "k")
        await asyncio.sleep(0.01)
        assert [] == writer_hangs(appender, 3600.0)
        assert ["WRITER_HANGS"] == [reason.code for reason in writer_hangs(appender, 0.0)]
        gate.open()
        await first
        assert [] == writer_hangs(appender, 0.0)


async def test_closing_gives_up_an_append_without_an_answer() -> None:
    """Past the deadline the appender ends, and who waits is told that nobody knows."""
    store = await a_store_with(0)
    appender = Appender(store, clock, AT_ONCE)
    appender.start()
    _, (first,) = await held(store, appender, "k")
    await appender.close()

    with pytest.raises(OutcomeUnknownError):
        await first


async def test_a_cancelled_caller_cancels_nothing() -> None:
    """A caller that goes away leaves his command under way, and his key answers later."""
    store = await a_store_with(0)
    async with an_appender(store) as appender:
        gate, (caller,) = await held(store, appender, "k")
        caller.cancel()
        await asyncio.wait([caller])
        gate.open()

        assert b"1" == (await appender.submit(credited("k", 1))).answer
    assert ["Credited"] == topics_of(store)[1:]


async def test_more_than_fits_is_refused() -> None:
    """Above the limit a command is refused at once; those inside it are all answered."""
    store = await a_store_with(0)
    async with an_appender(store, Limits(waiting_max=3)) as appender:
        gate, first = await held(store, appender, "a")
        told_task = asyncio.gather(*submitted(appender, *"bcde"), return_exceptions=True)
        await asyncio.sleep(0)
        gate.open()
        told = await told_task
        await asyncio.wait(first)

        assert [Reply, Reply, OverloadedError, OverloadedError] == [type(one) for one in told]
        assert 0 == len(appender._live)  # noqa: SLF001 -- nothing is kept of who was answered
        assert {} == appender._pending  # noqa: SLF001
    assert [3] == balances(store)


async def test_closing_waits_for_what_is_under_way() -> None:
    """What was taken before the end is answered; what comes after is refused."""
    store = await a_store_with(0)
    appender = Appender(store, clock, Limits())
    appender.start()
    gate, first = await held(store, appender, "a")
    behind = submitted(appender, "b", "c")
    await asyncio.sleep(0)
    closing = asyncio.create_task(appender.close())
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await appender.submit(credited("late", 1))
    gate.open()
    await closing

    assert [b"1", b"2", b"3"] == [task.result().answer for task in (*first, *behind)]


async def test_closing_ends_though_the_store_is_gone() -> None:
    """With the database gone for good, what was sent is told unknown and the appender ends."""
    store = Outage()
    await other_writer(store, opened("open", 1))
    appender = Appender(store, clock, AT_ONCE)
    appender.start()
    await appender.submit(credited("before", 1))
    store.is_away = True
    sent = submitted(appender, "k", "l")
    told = await asyncio.gather(*sent, return_exceptions=True)
    await appender.close()

    assert [OutcomeUnknownError] * 2 == [type(error) for error in told]
    store.is_away = False
    await other_writer(store, credited("k", 1))
    assert [2] == balances(store)


async def test_an_outage_is_sat_out() -> None:
    """Commands that were under way in an outage are applied once when it is over."""
    store = Outage()
    await other_writer(store, opened("open", 1))
    async with an_appender(store) as appender:
        await appender.submit(credited("before", 1))
        store.is_away = True
        tasks = submitted(appender, *"abcde")
        while appender.unknowns == 0:  # noqa: ASYNC110 -- until the append was lost
            await asyncio.sleep(0)
        store.is_away = False
        told = await asyncio.gather(*tasks)
        again = await all_of(appender, *[credited(key, 1) for key in "abcde"])

        assert [b"%d" % n for n in range(2, 7)] == [reply.answer for reply in told]
        assert [r.answer for r in told] == [r.answer for r in again if isinstance(r, Reply)]


async def test_who_was_told_not_applied_is_not_applied() -> None:
    """A command withdrawn while it waits for the log's lock is not appended afterwards."""
    store = await a_store_with(0)
    async with an_appender(store, AT_ONCE) as appender:
        async with store.locked():
            store.before_append = cut_off
            (told,) = await all_of(appender, credited("k", 1))
        assert isinstance(told, StoreUnavailableError)
        assert b"5" == (await appender.submit(credited("l", 1, 5))).answer
    assert [5] == balances(store)


async def cut_off() -> None:
    raise StoreUnavailableError("away")
