"""A commit that stops waiting for its standby: PostgreSQL says done, and nobody may believe it."""

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest

from service.ledger.access_log import Access
from service.ledger.migrate import migrate
from service.ledger.postgres.connect import Patience
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from tests.ledgers import of_database
from tests.projections.recorded_families import BEGAN_US
from tests.service.ledger.batches import PURSE, Teller, credit
from tests.service.read_models.following import a_store, eventually
from tests.service.settlement.settled_family import a_context, check_sums, move_in, settled
from tests.standby import Pair, a_standby

LONG = Patience(silent_s=60.0, read_s=60.0, transaction_s=60.0, lock_s=60.0)
NUMBERS = itertools.count()
WAITING = """
    SELECT pid FROM pg_stat_activity
     WHERE wait_event = 'SyncRep' AND datname = current_database() AND application_name = $1
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    """A primary with a synchronous standby."""
    with a_standby() as pair:
        yield pair


@pytest.fixture
async def dsn(servers: Pair) -> str:
    """An empty ledger on the primary."""
    name = f"ledger_{next(NUMBERS)}"
    with psycopg.connect(servers.dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    made = of_database(servers.dsn, name)
    await migrate(made)
    return made


@contextlib.contextmanager
def paused(pair: Pair) -> Iterator[None]:
    """The standby stands still inside."""
    pair.pause()
    try:
        yield
    finally:
        pair.resume()


async def stop_waiting(dsn: str, name: str, how: str = "pg_cancel_backend") -> None:
    """Wait until a connection of this name waits for the standby, and stop its waiting."""
    beside = await asyncpg.connect(dsn)
    try:

        async def has_stopped() -> bool:
            pids = [pid for (pid,) in await beside.fetch(WAITING, name)]
            for pid in pids:
                await beside.fetchval(f"SELECT {how}($1)", pid)
            return bool(pids)

        await eventually(has_stopped)
    finally:
        beside.terminate()


async def test_without_a_look_at_warnings_it_counts_as_done(servers: Pair, dsn: str) -> None:
    """The control: PostgreSQL answers the cancelled commit as done, on the primary alone."""
    naive = await asyncpg.connect(dsn, server_settings={"application_name": "naive"})
    await naive.execute("CREATE TABLE bills (number integer)")
    warned: list[str] = []
    naive.add_log_listener(lambda _, message: warned.append(message.sqlstate))
    with paused(servers):
        paying = asyncio.create_task(naive.execute("INSERT INTO bills VALUES (1)"))
        await stop_waiting(dsn, "naive")
        told = await paying
    await naive.close()

    assert ("INSERT 0 1", ["01000"]) == (told, warned)


@pytest.mark.parametrize("how", ["pg_cancel_backend", "pg_terminate_backend"])
async def test_a_bill_on_the_primary_alone_is_unknown(
    servers: Pair, dsn: str, tmp_path: Path, how: str
) -> None:
    """However often the waiting is stopped nobody is told done; afterwards it is settled once."""
    async with a_context(dsn, tmp_path, deadline_s=3, patience=LONG) as context:
        await move_in(context)
        replies = {"before": await settled(context, "before")}
        with paused(servers):
            asking = asyncio.create_task(settled(context, "bill"))
            for _ in range(3):
                await stop_waiting(dsn, "gongji-append", how)
            with pytest.raises(OutcomeUnknownError):
                await asking
            with pytest.raises((OutcomeUnknownError, StoreUnavailableError)):
                await settled(context, "bill")
        while "bill" not in replies:
            with contextlib.suppress(OutcomeUnknownError, StoreUnavailableError):
                replies["bill"] = await settled(context, "bill")

        assert replies["bill"].is_replayed
        assert context.appender.unknowns > 0
        await check_sums(context, replies)


@pytest.mark.parametrize("is_locked", [False, True], ids=["at once", "under the lock"])
async def test_a_warned_append_is_unknown(servers: Pair, dsn: str, *, is_locked: bool) -> None:
    """Both ways of appending see the warning before they say what became of it."""
    teller = Teller()
    async with a_store(dsn) as store:
        await store.append(teller.opening())
        batch = teller.batch((PURSE, credit(1)))

        async def put() -> None:
            if is_locked:
                async with store.locked() as session:
                    await session.append(batch)
            else:
                await store.append(batch)

        with paused(servers):
            putting = asyncio.create_task(put())
            await stop_waiting(dsn, "gongji-append")
            with pytest.raises(OutcomeUnknownError, match="01000"):
                await putting
        assert 6 == await store.position()


async def test_an_access_on_the_primary_alone_is_not_recorded(servers: Pair, dsn: str) -> None:
    """An answer that waits for its record does not leave."""
    access = Access(BEGAN_US, 200, "tester", "auditor", "GET /v1", None, None, "trace", ())
    async with a_store(dsn) as store:
        await store.record([access])
        with paused(servers):
            recording = asyncio.create_task(store.record([access]))
            await stop_waiting(dsn, "gongji-access")
            with pytest.raises(OutcomeUnknownError):
                await recording
