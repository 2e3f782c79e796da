"""A PostgreSQL for this folder's tests, and fresh ledgers in it."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from service.embedded import EmbeddedPostgres
from service.ledger.migrate import migrate
from service.ledger.recorder import LedgerFactory, LedgerRecorder

TEMPLATE = "ledger_template"
NUMBERS = itertools.count()


def of_database(dsn: str, name: str) -> str:
    return dsn.replace("/postgres?", f"/{name}?")


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The DSN of a server with a migrated, empty ledger to copy."""
    place = Path(tempfile.mkdtemp(prefix="cluster-")).resolve()
    place.chmod(0o755)
    server = EmbeddedPostgres(place / "ledger")
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
            connection.execute(f"CREATE DATABASE {made[-1]} TEMPLATE {TEMPLATE}")
            return of_database(cluster, made[-1])

        yield make
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def dsn(make_ledger: Callable[[], str]) -> str:
    """The DSN of an empty ledger."""
    return make_ledger()


@pytest.fixture
def recorder(dsn: str) -> Iterator[LedgerRecorder]:
    """The library's recorder on an empty ledger."""
    factory = LedgerFactory({"GONGJI_DATABASE_URL": dsn})
    yield factory.process_recorder()
    factory.close()
