"""Every connection to PostgreSQL is made in one place and can be found dead."""

import ast
import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from service.ledger.postgres.connect import Patience, connect, make_pool
from service.ledger.postgres.store import PostgresStore
from tests.breaking_connection import SOCKET

ROOT = Path(__file__).resolve().parents[3]
MAKERS = {"connect", "create_pool", "Pool", "Connection"}
PATIENCE = Patience(silent_s=24.0)


def test_nobody_else_connects() -> None:
    """Only one module calls asyncpg for a connection or a pool."""
    found = {
        str(path.relative_to(ROOT))
        for room in ("api", "projections", "service")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in {("asyncpg", name) for name in MAKERS}
    }

    assert {"service/ledger/postgres/connect.py"} == found


@pytest.fixture
async def over_tcp(dsn: str) -> AsyncIterator[str]:
    """The DSN of an empty ledger over TCP: a plain forwarder in front of its socket."""
    upstream = parse_qs(urlsplit(dsn).query)["host"][0]

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(f"{upstream}/{SOCKET}")
        await asyncio.gather(carry(reader, server_writer), carry(server_reader, writer))

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while read := await reader.read(65536):
                writer.write(read)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    name = urlsplit(dsn).path
    yield f"postgresql://postgres@127.0.0.1:{port}{name}?sslmode=disable"
    server.close()
    await server.wait_closed()


def shown(connection: Any) -> tuple[int, int, int, int, int]:  # noqa: ANN401 -- asyncpg
    held = connection._transport.get_extra_info("socket")  # noqa: SLF001 -- as the code looks
    tcp = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    values = [held.getsockopt(socket.IPPROTO_TCP, name) for name in tcp]
    return held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), *values


async def test_every_socket_is_probed(over_tcp: str) -> None:
    """A connection alone, those of a pool, and all of a store: the kernel finds a dead peer."""
    alone = await connect(over_tcp, {}, PATIENCE)
    store = PostgresStore(over_tcp, patience=PATIENCE)
    await store.open()
    pools = (make_pool(over_tcp, {}, 1, PATIENCE), store.pool, store._access_pool)  # noqa: SLF001
    seen = [shown(alone), shown(store._writer)]  # noqa: SLF001
    for pool in pools:
        assert pool is not None
        await pool
        async with pool.acquire() as connection:
            seen.append(shown(connection._con))  # noqa: SLF001
    await alone.close()
    await pools[0].close()
    await store.close()

    assert [(1, 8, 4, 3, 24_000)] * 5 == seen


async def test_a_statement_without_an_answer_costs_its_connection(dsn: str) -> None:
    """TimeoutError, no request to cancel, and the pool's next connection is another."""
    pool = make_pool(dsn, {}, 1, PATIENCE, answer_s=0.2)
    await pool
    pid = await pool.fetchval("SELECT pg_backend_pid()")
    with pytest.raises(TimeoutError):
        await pool.execute("SELECT pg_sleep(60)")
    beside = await asyncpg.connect(dsn)
    running = await beside.fetchval("SELECT state FROM pg_stat_activity WHERE pid = $1", pid)
    await beside.execute("SELECT pg_terminate_backend($1)", pid)
    await beside.close()

    assert "active" == running, "it was dropped, and never cancelled"
    assert pid != await pool.fetchval("SELECT pg_backend_pid()")
    await pool.close()


async def test_who_does_not_answer_is_told(tmp_path: Path) -> None:
    """A server that takes a connection and says nothing: an error in time, with words."""
    gone = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    server = await asyncio.start_unix_server(silent, tmp_path / SOCKET)
    with pytest.raises(TimeoutError, match=r"no database answered in 0.2 s"):
        await connect(f"postgresql://postgres@/x?host={tmp_path}", {}, Patience(connect_s=0.2))
    gone.set()
    server.close()
    await server.wait_closed()


async def test_nobody_waits_long_for_a_free_connection(dsn: str) -> None:
    """All of a pool in use: TimeoutError in time, and the one that is freed goes to the next."""
    pool = make_pool(dsn, {}, 1, Patience(connect_s=0.2))
    await pool
    async with pool.acquire():
        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")
    assert 1 == await pool.fetchval("SELECT 1")
    await pool.close()


async def test_a_caller_that_goes_away_leaves_the_pool_whole(dsn: str) -> None:
    """A cancelled statement frees its place at once, and cancellation stays cancellation."""
    pool = make_pool(dsn, {}, 1, PATIENCE)
    await pool
    for _ in range(3):
        asking = asyncio.create_task(pool.execute("SELECT pg_sleep(60)"))
        while pool.get_idle_size() or not pool.get_size():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert 1 == await pool.fetchval("SELECT 1")
    await pool.close()
