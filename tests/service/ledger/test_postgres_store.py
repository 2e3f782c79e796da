"""What the ledger in PostgreSQL promises beyond its memory twin."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import date

import asyncpg
import pytest

from aggregates.pool.events import PoolEmptied, PoolHeld, PoolOpened
from aggregates.topics import CLASSES
from aggregates.vocabulary import StreamId
from service.ledger.postgres.connect import DEFAULT, writer_settings
from service.ledger.postgres.store import WRITER_SETTINGS, PostgresStore
from service.ledger.store import AppendOutcome, Batch, OutcomeUnknownError, StoreUnavailableError
from tests.projections.recorded_families import BEGAN_US, an_id, an_opening
from tests.service.ledger.batches import (
    OTHER,
    PURSE,
    SETTLEMENT,
    Teller,
    a_key,
    aside,
    credit,
    overdrawn,
    row,
)
from tests.service.read_models.following import a_store, eventually

TABLES = (
    "log_head",
    "events",
    "heads",
    "command_keys",
    "unique_names",
    "person_keys",
)


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgresStore]:
    async with a_store(dsn) as opened:
        yield opened


@pytest.fixture
async def beside(dsn: str) -> "AsyncIterator[asyncpg.Connection]":
    """Another process's connection."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def everything(store: PostgresStore) -> list[str]:
    """Every stored byte of the ledger's tables, with the place it has on disk."""
    return [
        f"{table} {line}"
        for table in TABLES
        for (line,) in await store.pool.fetch(
            f"SELECT t.ctid::text || t::text FROM {table} t ORDER BY t.ctid"  # noqa: S608
        )
    ]


def writer_of(store: PostgresStore) -> asyncpg.Connection:
    assert store._writer is not None, "the store is open"  # noqa: SLF001 -- looked at, not used
    return store._writer  # noqa: SLF001


ON, POOL = date(2026, 3, 2), StreamId(f"fpl_{12:032x}")


def pool_opened() -> PoolOpened:
    return PoolOpened(owner=PURSE, on=ON)


def pool_emptied(fen: int) -> PoolEmptied:
    return PoolEmptied(account=PURSE, amount_fen=fen, on=ON)


def pool_aside(fen: int) -> PoolHeld:
    return PoolHeld(
        hold=StreamId(f"hld_{1:032x}"), binding=None, amount_fen=fen, on=ON, expires_at=None
    )


REFUSED: dict[str, tuple[Callable[[Teller], Batch], type[Exception]]] = {
    "overdrawn": (lambda teller: overdrawn(teller, 501), asyncpg.CheckViolationError),
    "an amount out of bounds": (
        lambda teller: teller.batch((OTHER, credit(9 * 10**15 + 1))),
        asyncpg.CheckViolationError,
    ),
    "more set aside than is there": (
        lambda teller: teller.batch((PURSE, aside(501))),
        asyncpg.CheckViolationError,
    ),
    "less than nothing set aside": (
        lambda teller: teller.batch((PURSE, aside(-1))),
        asyncpg.CheckViolationError,
    ),
    "a pool below zero": (
        lambda teller: teller.batch((POOL, pool_opened()), (POOL, pool_emptied(1))),
        asyncpg.CheckViolationError,
    ),
    "more of a pool set aside than is there": (
        lambda teller: teller.batch((POOL, pool_opened()), (POOL, pool_aside(1))),
        asyncpg.CheckViolationError,
    ),
    "a version twice": (
        lambda _: Batch(at=BEGAN_US, rows=[row(PURSE, 3, credit(1))]),
        asyncpg.UniqueViolationError,
    ),
    "a key twice": (
        lambda teller: replace(
            teller.batch((OTHER, credit(1))), keys=[a_key("twice", 1), a_key("twice", 1)]
        ),
        asyncpg.UniqueViolationError,
    ),
    "a name that cannot be stored": (
        lambda teller: replace(teller.batch((OTHER, credit(1))), keys=[a_key("nul\0", 1)]),
        asyncpg.CharacterNotInRepertoireError,
    ),
    "a number that is too large": (
        lambda teller: replace(teller.batch((OTHER, credit(1))), at=2**63),
        asyncpg.DataError,
    ),
}


@pytest.mark.parametrize("is_locked", [False, True], ids=["at once", "under the lock"])
@pytest.mark.parametrize("what", REFUSED)
async def test_what_the_database_refuses_changes_nothing(
    store: PostgresStore, what: str, *, is_locked: bool
) -> None:
    """A check or a key that is violated is a definite no: not one byte moves, and work goes on."""
    teller = Teller()
    await store.append(teller.opening())
    before = await everything(store)
    make, error = REFUSED[what]

    with pytest.raises(error):
        await put(store, make(teller), is_locked=is_locked)

    assert before == await everything(store)
    fresh = Batch(at=BEGAN_US, rows=[row(an_id("acc", 7), 1, an_opening())])
    assert 5 == (await store.append(fresh)).base


async def put(store: PostgresStore, batch: Batch, *, is_locked: bool) -> AppendOutcome:
    if not is_locked:
        return await store.append(batch)
    async with store.locked() as session:
        return await session.append(batch)


async def test_the_tag_of_a_commit_is_believed(store: PostgresStore) -> None:
    """An aborted transaction answers COMMIT with ROLLBACK and no error; that is not applied."""
    teller = Teller()
    await store.append(teller.opening())
    before = await everything(store)

    async def swallow_an_error() -> None:
        async with store.locked() as session:
            outcome = await session.append(teller.batch((PURSE, credit(1))))
            assert 5 == outcome.base
            with pytest.raises(asyncpg.DivisionByZeroError):
                await writer_of(store).execute("SELECT 1 / 0")

    with pytest.raises(StoreUnavailableError, match="ROLLBACK"):
        await swallow_an_error()
    assert before == await everything(store)
    assert not writer_of(store).is_in_transaction()


async def test_a_commit_that_is_lost_is_unknown(
    store: PostgresStore, beside: asyncpg.Connection
) -> None:
    """A backend that ends before COMMIT was answered leaves an unknown outcome, and is replaced."""
    teller = Teller()
    await store.append(teller.opening())
    batch = teller.batch((PURSE, credit(1)))

    async def lose_the_backend() -> None:
        async with store.locked() as session:
            await session.append(batch)
            pid = await writer_of(store).fetchval("SELECT pg_backend_pid()")
            await beside.execute("SELECT pg_terminate_backend($1, 5000)", pid)

    with pytest.raises(OutcomeUnknownError):
        await lose_the_backend()

    assert 5 == (await store.append(batch)).base


async def test_an_append_waits_for_the_log_and_sees_what_came(
    dsn: str, store: PostgresStore, beside: asyncpg.Connection
) -> None:
    """Behind another writer's lock an append waits, then judges by what that writer left."""
    teller, ahead = Teller(), Teller()
    await store.append(teller.opening())
    ahead.heads, ahead.keys = dict(teller.heads), 100
    async with a_store(dsn) as other, other.locked() as session:
        waiting = asyncio.create_task(store.append(teller.batch((PURSE, credit(1)))))
        await eventually(lambda: is_waiting(beside))
        assert 5 == (await session.append(ahead.batch((PURSE, credit(9))))).base
        assert not waiting.done()
    stale = await waiting

    assert AppendOutcome(stale={PURSE: ahead.heads[PURSE]}) == stale
    assert 6 == await store.position()


async def is_waiting(connection: asyncpg.Connection) -> bool:
    """Whether a writer waits for the log head."""
    found: bool = await connection.fetchval(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'gongji-append'"
        " AND wait_event_type = 'Lock' AND datname = current_database()"
    )
    return found


async def test_writers_share_one_gapless_log(dsn: str) -> None:
    """Three writers at once: positions and versions from 1 without a gap, and no deadlock."""
    async with a_store(dsn) as first, a_store(dsn) as second, a_store(dsn) as third:
        writers = [append_all(s, n) for n, s in enumerate((first, second, third))]
        await asyncio.gather(*writers)
        pool = first.pool
        assert 120 == await first.position()
        assert list(range(1, 121)) == [r.position for r in await first.page(0, 1000)]
        assert not await pool.fetch(
            "SELECT stream FROM events GROUP BY stream"
            " HAVING min(version) <> 1 OR max(version) <> count(*)"
        )
        assert 0 == await pool.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )


async def append_all(store: PostgresStore, number: int) -> None:
    """Forty batches on one purse, with some that must be refused between them."""
    purse, last = an_id("acc", 10 + number), 0
    for last in range(1, 41):
        event = credit(1) if last > 1 else an_opening()
        rows = [row(purse, last, event)]
        stale = Batch(at=BEGAN_US, rows=rows, expected={SETTLEMENT: 9})
        assert (await store.append(stale)).base is None
        assert (await store.append(Batch(at=BEGAN_US, rows=rows))).base is not None
    assert 40 == last


async def test_the_writer_is_set_up_as_promised(store: PostgresStore) -> None:
    """Durable commits, fresh snapshots and look-ups by key, on the connection that appends."""
    await store.append(Teller().opening())
    writer = writer_of(store)
    shown = {name: await writer.fetchval(f"SHOW {name}") for name in WRITER_SETTINGS}
    bounds = {name: await writer.fetchval(f"SHOW {name}") for name in writer_settings(DEFAULT)}

    assert WRITER_SETTINGS == shown
    assert "read committed" == await writer.fetchval("SHOW transaction_isolation")
    assert "0" == await writer.fetchval("SHOW statement_timeout")
    assert {
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "10s",
        "client_min_messages": "warning",
    } == bounds
    assert writer._config.command_timeout is None  # noqa: SLF001 -- a COMMIT has no deadline


async def test_processes_agree_on_topics(dsn: str) -> None:
    """However many open an empty ledger at once, each topic has one code, the same for all."""
    stores = [PostgresStore(dsn) for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    codes = [store._topic_ids for store in stores]  # noqa: SLF001
    stored = dict(await stores[0].pool.fetch("SELECT topic, id FROM topics"))
    for store in stores:
        await store.close()

    assert [stored] * 5 == codes
    assert set(CLASSES) <= set(stored)
