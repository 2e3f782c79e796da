"""Processes on one ledger whose clocks differ: the log has one time, and no fen is made (D3)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from aggregates.settlement.events import Settled
from aggregates.settlement.hold import ClaimHeld
from service.context import ServiceContext, furnish, open_postgres
from service.ids import stream_of
from service.ledger.codec import Recorded
from service.ledger.memory_store import MemoryStore
from service.settings import Settings
from service.settlement.capture import capture
from service.vault import Vault
from tests.api.clients import BOOK
from tests.cases.outcome import StoppedClock
from tests.service.settlement.settled_family import HOSPITAL, OWN_FEN, asked, move_in, settled
from tests.service.settlement.test_holds import AT, held

Open = Callable[[Sequence[timedelta]], Any]
MS = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)


class Town:
    """Contexts on one ledger, each with a clock that differs by so much from the true time."""

    def __init__(self, contexts: Sequence[ServiceContext]) -> None:
        """Use contexts with stopped clocks."""
        self.contexts = contexts

    def pass_time(self, by: timedelta) -> None:
        """Advance all clocks."""
        for context in self.contexts:
            clock = context.appender.clock.source
            assert isinstance(clock, StoppedClock)
            clock.at += by


def clock_at(skew: timedelta) -> StoppedClock:
    clock = StoppedClock()
    clock.at = AT + skew
    return clock


@asynccontextmanager
async def in_memory(skews: Sequence[timedelta]) -> AsyncIterator[Town]:
    """Contexts on one ledger in memory."""
    store, keys = MemoryStore(), Vault(bytes(32), bytes(32))
    contexts = [furnish(store, keys, BOOK, clock_at(skew)) for skew in skews]
    await move_in(contexts[0], ())
    yield Town(contexts)
    for context in contexts:
        await context.close()


@asynccontextmanager
async def on_postgres(dsn: str, place: Path, skews: Sequence[timedelta]) -> AsyncIterator[Town]:
    """Contexts on one PostgreSQL."""
    settings = Settings.read({"GONGJI_DATA": str(place)})
    async with AsyncExitStack() as stack:
        contexts = []
        for skew in skews:
            contexts.append(await open_postgres(settings, dsn, clock_at(skew)))
            stack.push_async_callback(contexts[-1].close)
        await move_in(contexts[0], ())
        yield Town(contexts)


@pytest.fixture(params=["memory", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens contexts on one ledger, by the skews of their clocks."""
    if request.param == "memory":
        return in_memory
    return partial(on_postgres, request.getfixturevalue("dsn"), tmp_path)


def told(answer: bytes) -> tuple[str, str]:
    parts = json.loads(answer)
    return parts["own"], parts["cash"]


@pytest.mark.parametrize("ahead", [50 * MS, 900 * MS, 10_000 * MS, HOUR])
async def test_a_hold_that_ran_out_there_ran_out_here(town: Open, ahead: timedelta) -> None:
    """A hold that expired and was spent in the process ahead is not held in the one behind."""
    async with town((timedelta(0), ahead)) as two:
        behind, in_front = two.contexts
        hold = await held(behind, fen=OWN_FEN, ttl_s=7200)
        two.pass_time(timedelta(seconds=7200) - ahead)
        first = await settled(in_front, "first", fen=OWN_FEN)
        second = await settled(behind, "second", fen=100)
        refused = await capture(behind, asked(HOSPITAL), stream_of("hld", hold["hold_id"]), None)

        assert ("10.00", "0.00") == told(first.answer)
        assert ("0.00", "1.00") == told(second.answer)
        assert "HOLD_VOID" == refused.refusal
        await check_time(two.contexts[0])


@pytest.mark.parametrize("back", [MS, 5000 * MS, HOUR])
async def test_a_clock_that_is_set_back(town: Open, back: timedelta) -> None:
    """After one process sets its clock back an expired hold stays expired."""
    async with town((timedelta(0),)) as one:
        (context,) = one.contexts
        await held(context, fen=OWN_FEN, ttl_s=60)
        one.pass_time(timedelta(seconds=60))
        assert ("10.00", "0.00") == told((await settled(context, "first", fen=OWN_FEN)).answer)
        one.pass_time(-back)
        assert ("0.00", "1.00") == told((await settled(context, "second", fen=100)).answer)
        await check_time(context)


@pytest.mark.parametrize("skew", [-HOUR, HOUR])
async def test_a_valid_capture_an_hour_apart(town: Open, skew: timedelta) -> None:
    """A hold in force by the log's time is captured, whatever the other clock is."""
    async with town((timedelta(0), skew)) as two:
        here, there = two.contexts
        hold = await held(here, fen=OWN_FEN, ttl_s=2 * 3600)
        reply = await capture(there, asked(HOSPITAL), stream_of("hld", hold["hold_id"]), None)

        assert reply.refusal is None
        assert ("10.00", "0.00") == told(reply.answer)
        assert ("0.00", "1.00") == told((await settled(here, "second", fen=100)).answer)
        await check_time(here)


@pytest.mark.parametrize("apart", [50 * MS, 500 * MS])
async def test_two_race_at_an_expiry(town: Open, apart: timedelta) -> None:
    """Concurrent bills around an expiry that only one clock has passed: no fen is lost or made."""
    async with town((timedelta(0), apart)) as two:
        await held(two.contexts[0], fen=OWN_FEN, ttl_s=60)
        two.pass_time(timedelta(seconds=60) - apart / 2)
        racing = [
            settled(context, f"{n} {at}", fen=300)
            for n in range(8)
            for at, context in enumerate(two.contexts)
        ]
        assert all(reply.refusal is None for reply in await asyncio.gather(*racing))
        log = await two.contexts[0].store.page(0, 10_000)
        paid = [one.event.own_fen for one in log if isinstance(one.event, Settled)]
        assert min(paid) >= 0
        assert sum(paid) in {0, OWN_FEN}
        await check_time(two.contexts[0])


async def check_time(context: ServiceContext) -> None:
    """Check that decision times never decrease with the position."""
    newest = 0
    for one in await context.store.page(0, 100_000):
        assert one.recorded_at >= newest, one.position
        assert decided_at(one) in (None, one.recorded_at)
        newest = one.recorded_at


def decided_at(one: Recorded) -> int | None:
    """The decision time in an event, in microseconds since 1970."""
    if isinstance(one.event, Settled):
        at = one.event.settled_at
    elif isinstance(one.event, ClaimHeld):
        at = one.event.held_at
    else:
        return None
    return int(at.timestamp()) * 1_000_000 + at.microsecond
