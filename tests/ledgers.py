"""One PostgreSQL for all tests of a process, and fresh ledgers in it."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psycopg
import pytest

from service.embedded_postgres.server import EmbeddedPostgres
from service.ledger.migrate import migrate

TEMPLATE = "ledger_template"
NUMBERS = itertools.count()


def of_database(dsn: str, name: str) -> str:
    return dsn.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The DSN of a server with a migrated, empty ledger to copy."""
    place = Path(tempfile.mkdtemp(prefix="cluster-")).resolve()
    place.chmod(0o755)
    server = EmbeddedPostgres(place / "ledger", fsync="off")  # it dies with the tests
    dsn = server.start()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    asyncio.run(migrate(of_database(dsn, TEMPLATE)))
    yield dsn
    server.stop()
    shutil.rmtree(place)


@pytest.fixture
def make_ledger(cluster: str) -> Iterator[Callable[[], str]]:
    """Make empty ledgers, each with a DSN of its own, that are dropped after the test."""
    made: list[str] = []
    with psycopg.connect(cluster, autocommit=True) as connection:

        def make() -> str:
            made.append(f"ledger_{next(NUMBERS)}")
            connection.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
            return of_database(cluster, made[-1])

        yield make
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def dsn(make_ledger: Callable[[], str]) -> str:
    """The DSN of an empty ledger."""
    return make_ledger()


async def tamper(pool: "asyncpg.Pool[Any]", statement: str, *arguments: object) -> str:
    """Do what the service may not, as a superuser past every trigger; the command's tag."""
    async with pool.acquire() as connection:
        await connection.execute("SET ROLE NONE; SET session_replication_role = replica")
        try:
            tag: str = await connection.execute(statement, *arguments)
        finally:
            await connection.execute("RESET session_replication_role; RESET ROLE")
    return tag


BOUNDS_OFF = """
    ALTER TABLE events DROP CONSTRAINT IF EXISTS events_amount_bounds;
    ALTER TABLE heads DROP CONSTRAINT IF EXISTS heads_held_bounds
"""
"""Lets a log hold what an older release, or nobody, wrote."""
