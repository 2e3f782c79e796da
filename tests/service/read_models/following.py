"""What the tests of following share: a log to follow, and what became of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg

from aggregates.settlement.events import Settled, SettlementRefused
from aggregates.visit import VisitRegistered
from aggregates.vocabulary import Setting
from projections.account.statement_entries import READS as MOVES_MONEY
from service.clock import monotonic_s
from service.ledger.codec import EventRow, encode, encode_act
from service.ledger.postgres.store import PostgresStore
from service.ledger.store import Batch
from service.read_models.follower import NEWER_TRIES, Follower
from service.read_models.projector import EVENTS_MAX
from tests.ledgers import tamper
from tests.projections.recorded_families import (
    BEGAN_AT,
    BEGAN_US,
    INSTITUTION,
    NOBODY,
    Story,
    an_id,
)

PATIENCE_S = 30.0
PATIENT = an_id("acc", 1)


@asynccontextmanager
async def a_store(dsn: str) -> AsyncIterator[PostgresStore]:
    """A ledger's store, closed at the end."""
    store = PostgresStore(dsn)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def a_follower(
    dsn: str,
    pool: "asyncpg.Pool[Any]",
    events_max: int = EVENTS_MAX,
    newer_tries: int = NEWER_TRIES,
) -> AsyncIterator[Follower]:
    """A follower at work, stopped at the end."""
    follower = Follower(dsn, pool, events_max=events_max, newer_tries=newer_tries)
    await follower.start()
    try:
        yield follower
    finally:
        await follower.close()


async def append(store: PostgresStore, rows: Sequence[EventRow], size: int = 200) -> int:
    """Append rows in batches; the log's position after them."""
    at = max(BEGAN_US, await store.recorded_at())
    for first in range(0, len(rows), size):
        outcome = await store.append(Batch(at=at, rows=list(rows[first : first + size])))
        assert outcome.base is not None
    return await store.position()


async def append_foreign(dsn: str, topic: str, state: bytes = b"state") -> None:
    """Append an event as another program would: a topic that this release does not know."""
    connection = await asyncpg.connect(dsn)
    async with connection.transaction():
        await connection.execute("UPDATE log_head SET position = position + 1")
        await connection.execute(
            "INSERT INTO topics SELECT max(id) + 1, $1 FROM topics ON CONFLICT DO NOTHING", topic
        )
        await connection.execute(
            "INSERT INTO events (position, recorded_at, stream, version, topic, state)"
            " SELECT l.position, 0, gen_random_uuid(), 1, t.id, $2 FROM log_head l, topics t"
            " WHERE t.topic = $1",
            topic,
            state,
        )
    await connection.close()


async def figures(pool: "asyncpg.Pool[Any]") -> tuple[int, int, int]:
    """How many entries, what they sum up to, and how many settlements the read models show."""
    entries, fen = await pool.fetchrow(
        "SELECT count(*), coalesce(sum(current_fen + prior_fen), 0)::bigint FROM statements"
    )
    settlements = await pool.fetchval("SELECT count(*) FROM settlements")
    return entries, fen, settlements


def figures_of(story: Story, rows: Sequence[EventRow]) -> tuple[int, int, int]:
    """The same figures, counted from what was told."""
    told = [event for _, event in story.told]
    return (
        sum(isinstance(event, MOVES_MONEY) for event in told),
        sum(row.amount_fen or 0 for row in rows),
        sum(isinstance(event, Settled | SettlementRefused) for event in told),
    )


async def eventually(question: Callable[[], Awaitable[bool]]) -> None:
    deadline = monotonic_s() + PATIENCE_S
    while not await question():
        assert monotonic_s() < deadline, "it did not come about"
        await asyncio.sleep(0.01)


async def cut_follower(pool: "asyncpg.Pool[Any]") -> int:
    """Cut the connection on which somebody follows, wherever in a batch it is; how many."""
    tag = await tamper(
        pool,
        "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a"
        " JOIN pg_locks l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted"
        " WHERE a.application_name = 'gongji-follow' AND a.datname = current_database()",
    )
    return int(tag.split()[-1])


def a_visit(number: int, began_at: datetime = BEGAN_AT) -> EventRow:
    """A patient who comes; the first event of a stream."""
    came = VisitRegistered(
        institution=INSTITUTION,
        beneficiary=PATIENT,
        setting=Setting.OUTPATIENT,
        number=f"OP{number}",
        department="1",
        med_type="11",
        began_at=began_at,
    )
    return encode(an_id("vis", number), 1, came, encode_act(NOBODY))


def the_first_day() -> datetime:
    """What a common runtime says for no date, as the national interface sends it from Beijing."""
    return datetime.fromisoformat("0001-01-01T00:00:00+08:00")
