"""Connections that fall silent, each kind of them: callers, lists, seals and records recover."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from service.audit.access_log_writer import AccessLog
from service.context import ServiceContext
from service.ledger.access_log import Access
from service.ledger.command import Reply
from service.ledger.postgres.commit import TROUBLE
from service.ledger.postgres.connect import Patience
from service.ledger.postgres.store import PostgresStore
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from service.proof.sealer import Sealer
from service.read_models.follower import Follower
from tests.breaking_connection import Trouble, Wire, a_wire
from tests.service.read_models.following import eventually
from tests.service.settlement.settled_family import a_context, check_sums, move_in, settled

SHORT = Patience(silent_s=2.0, read_s=1.0, transaction_s=2.0, lock_s=1.0, idle_s=2.5, connect_s=3.0)
"""How long the database may be silent in these tests; the service's own bound is 30 s."""
UNANSWERED = (OutcomeUnknownError, StoreUnavailableError)
NAMES = ("gongji-append", "gongji-read", "gongji-access", "gongji-follow", "gongji-seal")


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


@dataclass
class Served:
    """A process with all its connections, and what it has answered."""

    context: ServiceContext
    follower: Follower
    sealer: Sealer
    log: AccessLog
    replies: dict[str, Reply] = field(default_factory=dict)
    recorded: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def store(self) -> PostgresStore:
        """Where it keeps the ledger."""
        assert isinstance(self.context.store, PostgresStore)
        return self.context.store

    async def settle(self, key: str) -> None:
        """Ask with one key until it is answered."""
        while key not in self.replies:
            with contextlib.suppress(*UNANSWERED):
                self.replies[key] = await settled(self.context, key)

    async def work(self) -> None:
        """Settle three bills, read, and record who read; return when all of it is done."""
        keys = [f"bill {next(self._numbers)}" for _ in range(3)]
        await asyncio.gather(*(self.settle(key) for key in keys), self.read(), self.record())

    async def read(self) -> None:
        """Read until there is an answer, on more connections than the pool has at first."""
        await asyncio.gather(*(eventually(self._reads) for _ in range(12)))

    async def _reads(self) -> bool:
        with contextlib.suppress(*TROUBLE):
            return await self.store.position() > 0
        return False

    async def record(self) -> None:
        """Record one access until it is recorded; a try that failed may be recorded too."""
        access = Access(1, 200, "tester", "auditor", "GET /v1", None, None, "trace", ())
        while True:
            self.recorded += 1
            with contextlib.suppress(*UNANSWERED):
                await self.log.keep(access)
                return

    async def is_shown_and_sealed(self) -> bool:
        """Whether the read models and the tree have reached the log's head."""
        with contextlib.suppress(*TROUBLE):
            position = await self.store.position()
            size = await self.store.pool.fetchval("SELECT size FROM tree_edge")
            return bool(position == await self.follower.position() == size)
        return False

    async def is_idle(self, name: str) -> bool:
        """Whether the server waits for the next statement of every connection of a name."""
        async with self.store.pool.acquire() as connection, connection.transaction():
            await connection.execute("SET LOCAL ROLE NONE")  # a superuser sees what others do
            states = await connection.fetch(
                "SELECT state FROM pg_stat_activity WHERE application_name = $1"
                " AND datname = current_database() AND pid <> pg_backend_pid()",
                name,
            )
        return all(state == "idle" for (state,) in states)

    async def is_ready(self) -> bool:
        """Whether no check of this process has a reason against it."""
        return not await self.context.readiness.reasons()

    async def check(self) -> None:
        """Nothing is lost or doubled, and whatever runs beside has caught up."""
        await eventually(self.is_shown_and_sealed)
        await check_sums(self.context, self.replies)
        stored = await self.store.pool.fetchval("SELECT count(*) FROM accesses")
        assert 0 < stored <= self.recorded


@asynccontextmanager
async def served(through: str, place: Path) -> AsyncIterator[Served]:
    """A process of these tests with a family in its ledger, closed at the end."""
    async with a_context(through, place, deadline_s=2, patience=SHORT) as context:
        await move_in(context)
        assert isinstance(context.store, PostgresStore)
        follower = Follower(through, context.store.pool, patience=SHORT)
        sealer = Sealer(through, place / "keys.json", place, patience=SHORT)
        await follower.start()
        sealer.start()
        yield Served(context, follower, sealer, AccessLog(context.store))
        await sealer.close()
        await follower.close()


def pairs() -> Iterator[object]:
    """Every kind of connection in every trouble; in the ordinary run each kind in one of them."""
    troubles = list(Trouble)
    for number, name in enumerate(NAMES):
        for trouble in troubles:
            is_slow = trouble is not troubles[number % len(troubles)]
            marks = pytest.mark.slow if is_slow else ()
            yield pytest.param(trouble, name, id=f"{name}-{trouble}", marks=marks)


@pytest.mark.parametrize(("trouble", "name"), list(pairs()))
async def test_one_kind_of_connection_is_replaced(
    wired: tuple[Wire, str], place: Path, trouble: Trouble, name: str
) -> None:
    """While the old connections are never mended, new ones take over."""
    wire, through = wired
    async with served(through, place) as service:
        await service.work()
        await eventually(service.is_shown_and_sealed)
        assert wire.names[name], "the service has such a connection"
        await eventually(partial(service.is_idle, name))
        wire.trouble(trouble, name)
        await service.work()
        await service.check()
        wire.mend()
        await service.work()
        await service.check()
    assert 0 == wire.cancels


async def test_a_parted_network_is_told_and_drains(wired: tuple[Wire, str], place: Path) -> None:
    """Nobody is answered falsely meanwhile, readiness says so, and afterwards nothing is lost."""
    wire, through = wired
    async with served(through, place) as service:
        await service.work()
        assert [] == await service.context.readiness.reasons()
        wire.part()
        keys = [f"parted {number}" for number in range(6)]
        told = await asyncio.gather(
            *(settled(service.context, key) for key in keys), return_exceptions=True
        )
        reasons = {reason.code for reason in await service.context.readiness.reasons()}
        wire.mend()
        await asyncio.gather(*(service.settle(key) for key in keys))
        await service.work()
        await service.check()
        await eventually(service.is_ready)

    assert all(isinstance(one, UNANSWERED) for one in told)
    assert "READERS_HANG" in reasons
    assert 0 == wire.cancels


async def test_a_house_closes_while_its_network_is_parted(
    wired: tuple[Wire, str], place: Path, dsn: str
) -> None:
    """With an append on its way and every connection silent it ends; the keys tell the rest."""
    wire, through = wired
    async with served(through, place) as service:
        await service.work()
        wire.part()
        keys = [f"parted {number}" for number in range(6)]
        asking = [asyncio.create_task(settled(service.context, key)) for key in keys]
        await eventually(lambda: answered(service.context.appender.waits_s() > 0))
    told = await asyncio.gather(*asking, return_exceptions=True)
    wire.mend()

    assert all(isinstance(one, UNANSWERED) for one in told)
    async with a_context(dsn, place) as later:
        for key in keys:
            service.replies[key] = await settled(later, key)
        await check_sums(later, service.replies)
    assert 0 == wire.cancels


async def answered(is_so: bool) -> bool:  # noqa: FBT001
    """An answer that is at hand, as `eventually` asks for it."""
    return is_so
