"""Settlements a second in one process: in groups, and one command per transaction."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg

from service.clock import business_clock, monotonic_s
from service.context import ServiceContext, furnish, open_postgres
from service.ledger.head_cache import Limits
from service.ledger.migrate import migrate
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.settings import Settings
from service.settlement.settle import settle
from tests.bench.families import HOSPITAL, Family, bill, families, move_in, settling

CLIENTS, CONNECTIONS = 512, 32


class Measured(NamedTuple):
    """How many settlements in how many seconds."""

    settled: int
    seconds: float

    @property
    def rate(self) -> float:
        """Settlements a second."""
        return self.settled / self.seconds


async def make_database(dsn: str, name: str, data: Path, count: int) -> tuple[str, int]:
    """A ledger with families in it: its DSN, and the fen brought in."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    mine = dsn.replace("/postgres?", f"/{name}?")
    await migrate(mine)
    context = await open_postgres(_settings(data), mine, business_clock())
    await publish(context)
    fen = await move_in(context, families(count))
    await context.close()
    return mine, fen


async def grouped(dsn: str, data: Path, count: int, seconds: float, first: int) -> Measured:
    """Group commit: one appender, many clients."""
    context = await open_postgres(_settings(data), dsn, business_clock())
    living = families(count)
    per_client = -(-count // CLIENTS)
    shares = [(context, living[n : n + per_client]) for n in range(0, count, per_client)]
    measured = await _clients(shares, seconds, first)
    await context.close()
    return measured


async def one_by_one(dsn: str, data: Path, count: int, seconds: float, first: int) -> Measured:
    """One command per transaction on 32 connections; families keep to one connection each.

    So nobody ever meets another's newer state: the kindest case for this way.
    """
    context = await open_postgres(_settings(data), dsn, business_clock())
    living = families(count)
    per_context = -(-count // CONNECTIONS)
    async with contextlib.AsyncExitStack() as stack:
        shares: list[tuple[ServiceContext, list[Family]]] = []
        for n in range(0, count, per_context):
            single = await stack.enter_async_context(_single(context, dsn))
            shares.append((single, living[n : n + per_context]))
        measured = await _clients(shares, seconds, first)
    await context.close()
    return measured


@contextlib.asynccontextmanager
async def _single(context: ServiceContext, dsn: str) -> AsyncIterator[ServiceContext]:
    store = PostgresStore(dsn)
    await store.open()
    limits = Limits(batch_max=1, chunk_max=1)
    single = furnish(store, context.vault, context.policies, business_clock(), limits)
    try:
        yield single
    finally:
        await single.close()


async def _clients(
    shares: Sequence[tuple[ServiceContext, list[Family]]], seconds: float, first: int
) -> Measured:
    """Each client settles for its families in turn, one bill at a time.

    Everybody is settled for once before the clock runs: what is measured is a process that
    knows its families, in both ways alike.
    """
    await asyncio.gather(*(_once(context, mine, first - 1) for context, mine in shares))
    began = monotonic_s()
    end = began + seconds
    counts = await asyncio.gather(*(_client(h, mine, end, first) for h, mine in shares))
    return Measured(sum(counts), monotonic_s() - began)


async def _once(context: ServiceContext, living: list[Family], number: int) -> None:
    for family in living:
        request = settling(HOSPITAL, f"{family.patient}-{number}")
        assert (await settle(context, request, bill(family, number))).refusal is None


async def _client(context: ServiceContext, living: list[Family], end: float, first: int) -> int:
    count, number = 0, first
    while living:
        for family in living:
            request = settling(HOSPITAL, f"{family.patient}-{number}")
            reply = await settle(context, request, bill(family, number))
            assert reply.refusal is None, reply
            count += 1
            if monotonic_s() > end:
                return count
        number += 1
    return count


async def audit(dsn: str, fen: int) -> int:
    """Hold the ledger against its own events; how many settlements it has.

    Raises:
        AssertionError: a sum, a balance, a version or a position is wrong.
    """
    connection = await asyncpg.connect(dsn)
    wrong = await connection.fetchval(
        "SELECT count(*) FROM balances b LEFT JOIN (SELECT stream, sum(amount_fen) AS fen,"
        " max(version) AS version, count(*) AS events FROM events GROUP BY stream) e"
        " USING (stream) WHERE coalesce(e.fen, 0) <> b.current_fen + b.prior_fen"
        " OR e.version <> b.version OR e.events <> b.version"
    )
    assert wrong == 0, f"{wrong} accounts differ from their events"
    gaps = await connection.fetchval("SELECT max(position) - count(*) FROM events")
    assert gaps == 0, "positions have gaps"
    held, debited = await connection.fetchrow(
        "SELECT (SELECT sum(current_fen + prior_fen) FROM balances),"
        " (SELECT -sum(amount_fen) FROM events WHERE amount_fen < 0)"
    )
    assert held + debited == fen, "fen were made or lost"
    dry = await connection.fetchval(
        "SELECT count(*) FROM balances WHERE current_fen + prior_fen = 0"
    )
    count: int = await connection.fetchval(
        "SELECT count(*) FROM command_keys WHERE caller LIKE 'institution:%'"
    )
    await connection.close()
    print(f"  audited: {count} settlements, every sum exact, {dry} accounts ran dry")
    return count


def _settings(data: Path) -> Settings:
    return Settings.read({"GONGJI_DATA": str(data), "GONGJI_DEADLINE_S": "120"})
