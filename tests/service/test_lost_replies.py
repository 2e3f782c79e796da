"""A house whose wire to PostgreSQL breaks: what callers are told, and what became of it."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service.clock import new_trace
from service.context import ServiceContext
from service.ledger.command import Reply
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from tests.breaking_connection import Fault, Wire, a_wire
from tests.service.settlement.settled_family import a_context, check_sums, move_in, settled


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="wire-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def wired(dsn: str, place: Path) -> "AsyncIterator[tuple[Wire, str]]":
    async with a_wire(dsn, place) as (wire, through):
        yield wire, through


async def settle_all(context: ServiceContext, *keys: str) -> dict[str, Reply]:
    return dict(zip(keys, await asyncio.gather(*(settled(context, k) for k in keys)), strict=True))


UNANSWERED = (OutcomeUnknownError, StoreUnavailableError)
SIX = tuple(f"bill {n}" for n in range(6))


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
async def test_a_cut_append_settles_once(
    wired: tuple[Wire, str], place: Path, fault: Fault
) -> None:
    """Lost before or after it was done: every caller gets one answer, and the same when he asks."""
    wire, through = wired
    async with a_context(through, place) as context:
        await move_in(context)
        wire.befall(fault)
        replies = await settle_all(context, *SIX)
        again = await settle_all(context, *SIX)

        assert replies == {
            k: r._replace(is_replayed=replies[k].is_replayed) for k, r in again.items()
        }
        assert {fault is Fault.CUT_AFTER} == {reply.is_replayed for reply in replies.values()}
        assert 1 == context.appender.unknowns
        await check_sums(context, replies)
    assert 0 == wire.cancels


@pytest.mark.parametrize("fault", [Fault.CUT_BEFORE, Fault.CUT_AFTER])
@pytest.mark.parametrize("kind", ["append", "commit", "locked read"])
@pytest.mark.parametrize(
    "keys", [pytest.param(SIX, id="six", marks=pytest.mark.slow), pytest.param(SIX[:1], id="one")]
)
async def test_the_second_try_may_be_cut_too(
    wired: tuple[Wire, str], place: Path, fault: Fault, kind: str, keys: tuple[str, ...]
) -> None:
    """Cut again and again while finding out, wherever in the transaction: still once."""
    wire, through = wired
    async with a_context(through, place) as context:
        await move_in(context)
        wire.befall(Fault.CUT_BEFORE)
        wire.befall(fault, fault, fault, kind=kind)
        replies = await settle_all(context, *keys)

        assert not any(wire.faults.values()), "everything that was to befall did"
        await check_sums(context, replies)
    assert 0 == wire.cancels


@pytest.mark.parametrize("fault", [Fault.LATE, Fault.SWALLOWED])
async def test_no_answer_in_time_is_unknown(
    wired: tuple[Wire, str], place: Path, dsn: str, fault: Fault
) -> None:
    """Past the deadline the caller is told unknown; his key tells him the rest."""
    async with a_context(dsn, place) as context:
        await move_in(context)
    wire, through = wired
    async with a_context(through, place, deadline_s=4) as context:
        wire.befall(fault)
        told = await asyncio.gather(*(settled(context, k) for k in SIX), return_exceptions=True)
        assert wire.struck.is_set()
        assert OutcomeUnknownError in {type(error) for error in told}
        assert all(isinstance(error, UNANSWERED) for error in told)
        still = await asyncio.gather(settled(context, SIX[0]), return_exceptions=True)
        assert isinstance(still[0], UNANSWERED)
        wire.let_go()
        replies = await until_answered(context, *SIX)

        await check_sums(context, replies)
    assert 0 == wire.cancels


async def until_answered(context: ServiceContext, *keys: str) -> dict[str, Reply]:
    """Ask again with the same keys until each is answered."""
    replies: dict[str, Reply] = {}
    while len(replies) < len(keys):
        for key in keys:
            with contextlib.suppress(*UNANSWERED):
                replies[key] = await settled(context, key)
    return replies


async def test_a_caller_that_hangs_up_cancels_nothing(wired: tuple[Wire, str], place: Path) -> None:
    """Tasks cancelled during an append leave it to end; no request to cancel is ever sent."""
    wire, through = wired
    async with a_context(through, place) as context:
        await move_in(context)
        wire.befall(Fault.LATE)
        tasks = [asyncio.create_task(settled(context, key)) for key in SIX]
        await wire.struck.wait()
        for task in tasks:
            task.cancel()
        gone = await asyncio.gather(*tasks, return_exceptions=True)
        wire.let_go()
        replies = await settle_all(context, *SIX)

        assert {asyncio.CancelledError} == {type(error) for error in gone}
        assert {True} == {reply.is_replayed for reply in replies.values()}
        assert 0 == context.appender.unknowns
        await check_sums(context, replies)
    assert 0 == wire.cancels


async def test_closing_waits_for_an_answer_that_is_late(
    wired: tuple[Wire, str], place: Path, dsn: str
) -> None:
    """A house that closes during an append waits for it, and its callers get their answers."""
    wire, through = wired
    async with a_context(through, place) as context:
        await move_in(context)
        wire.befall(Fault.LATE)
        tasks = [asyncio.create_task(settled(context, key)) for key in SIX]
        await wire.struck.wait()
        closing = asyncio.create_task(context.appender.close())
        await asyncio.sleep(0)
        assert not closing.done()
        wire.let_go()
        await closing
        replies = dict(zip(SIX, await asyncio.gather(*tasks), strict=True))
    async with a_context(dsn, place) as later:
        await check_sums(later, replies)
    assert 0 == wire.cancels


async def test_every_nth_call_is_lost_once(wired: tuple[Wire, str], place: Path) -> None:
    """Whichever call is lost, and however: the family's money and the answers agree."""
    wire, through = wired
    replies: dict[str, Reply] = {}
    async with a_context(through, place) as context:
        await move_in(context)
        for nth in range(6):
            for fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER):
                wire.befall(*[Fault.NONE] * nth, fault)
                for _ in range(nth + 1):
                    keys = [new_trace() for _ in range(3)]
                    replies |= await settle_all(context, *keys)

        assert 12 == context.appender.unknowns
        assert 126 == len(replies)
        await check_sums(context, replies)
    assert 0 == wire.cancels
