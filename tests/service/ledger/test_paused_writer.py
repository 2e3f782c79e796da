"""A process that stands still while it holds the log head: the others go on, and so does it."""

import asyncio
import shutil
import signal
import sys
import tempfile
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from service.context import ServiceContext
from service.ledger.command import Reply
from service.ledger.postgres.connect import Patience
from service.ledger.store import StoreUnavailableError
from tests.breaking_connection import Fault, Wire, a_wire
from tests.service.read_models.following import eventually
from tests.service.settlement.settled_family import a_context, check_sums, move_in, settled

ROOT = Path(__file__).resolve().parents[3]
SHORT = Patience(transaction_s=1.0, lock_s=0.3)
PAUSES = """
    import asyncio, os, signal, sys
    from contextlib import asynccontextmanager
    from pathlib import Path
    from service.clock import business_clock
    from service.context import furnish
    from service.ledger.postgres.connect import Patience
    from service.ledger.postgres.store import PostgresStore
    from service.ledger.store import StoreUnavailableError
    from service.regions.policy_book import load
    from service.vault import load_keys
    from tests.service.settlement.settled_family import settled

    class Pausing(PostgresStore):
        locks = 0

        async def append(self, batch):
            raise StoreUnavailableError("only under the lock")

        @asynccontextmanager
        async def locked(self):
            async with super().locked() as session:
                self.locks += 1
                if self.locks == 1 and sys.argv[3] == "before":
                    os.kill(os.getpid(), signal.SIGSTOP)
                yield session
                if self.locks == 1 and sys.argv[3] == "after":
                    os.kill(os.getpid(), signal.SIGSTOP)

    async def main(dsn, place):
        store = Pausing(dsn, patience=Patience(transaction_s=1.0, lock_s=0.3))
        await store.open()
        keys, policies = load_keys(place / "keys.json"), load(Path("service/regions"))
        house = furnish(store, keys, policies, business_clock())
        reply = await settled(house, "twin")
        print(reply.is_replayed, store.locks, flush=True)
        await house.close()

    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="wire-"))
    yield made
    shutil.rmtree(made)


async def is_stopped(pid: int) -> bool:
    """Whether the kernel has stopped a process."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return stat.rpartition(")")[2].split()[0] == "T"


@asynccontextmanager
async def paused_twin(
    dsn: str, place: Path, when: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Another process of the ledger that stands still inside its transaction."""
    words = ("-c", textwrap.dedent(PAUSES), dsn, str(place), when)
    twin = await asyncio.create_subprocess_exec(
        sys.executable, *words, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        await eventually(partial(is_stopped, twin.pid))
        yield twin
    finally:
        if twin.returncode is None:
            twin.kill()
            await twin.wait()


async def until_settled(context: ServiceContext, key: str) -> tuple[Reply, int]:
    """The answer, and how often nothing had been applied before it."""
    replies: list[Reply] = []
    refused = 0

    async def is_settled() -> bool:
        nonlocal refused
        try:
            replies.append(await settled(context, key))
        except StoreUnavailableError:
            refused += 1
            return False
        return True

    await eventually(is_settled)
    return replies[0], refused


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_paused_twin_stops_nobody(dsn: str, place: Path, when: str) -> None:
    """Paused before or after its append, inside its transaction: it loses the lock, not the bill.

    Whoever waits meanwhile is told that nothing was applied, and is settled soon after.
    """
    async with a_context(dsn, place, deadline_s=0.5, patience=SHORT) as context:
        await move_in(context)
        async with paused_twin(dsn, place, when) as twin:
            ours, refused = await until_settled(context, "bill")
            assert refused > 0
            assert not ours.is_replayed
            assert await is_stopped(twin.pid)
            twin.send_signal(signal.SIGCONT)
            said, _ = await twin.communicate()

        assert b"False 2\n" == said, "the woken twin decided again, in a second transaction"
        theirs, _ = await until_settled(context, "twin")
        assert theirs.is_replayed
        await check_sums(context, {"bill": ours, "twin": theirs})


async def has_befallen(wire: Wire) -> bool:
    """Whether everything that was to befall did."""
    return not any(wire.faults.values())


async def test_a_statement_that_stays_half_sent_stops_nobody(dsn: str, place: Path) -> None:
    """Under the lock, with its statement prepared and never run, a twin is rolled back too."""
    async with (
        a_context(dsn, place, patience=SHORT) as context,
        a_wire(dsn, place) as (wire, through),
    ):
        await move_in(context)
        async with a_context(through, place, patience=Patience(transaction_s=1.0)) as twin:
            wire.befall(Fault.CUT_BEFORE)
            wire.befall(Fault.SWALLOWED, kind="locked read")
            theirs = asyncio.create_task(settled(twin, "twin"))
            await wire.struck.wait()
            await eventually(partial(has_befallen, wire))
            ours = await settled(context, "bill")
            wire.let_go()
            replies = {"bill": ours, "twin": await theirs}
            await check_sums(context, replies)
    assert 0 == wire.cancels
