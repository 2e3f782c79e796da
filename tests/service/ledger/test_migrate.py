"""Migrations: once each, in order, never changed."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from service.ledger.migrate import FOLDER, MigrationChangedError, migrate


def a_folder(place: Path, **files: str) -> Path:
    for name, text in files.items():
        (place / f"{name}.sql").write_text(text)
    return place


async def test_each_file_is_applied_once(dsn: str) -> None:
    """A second run has nothing to do."""
    assert await migrate(dsn) == []


async def test_two_processes_migrate_one_database(dsn: str, tmp_path: Path) -> None:
    """Who comes second waits for the first and then has nothing to do."""
    for path in FOLDER.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    folder = a_folder(tmp_path, n9001_slow="SELECT pg_sleep(0.3); CREATE TABLE slow (x int)")

    applied = await asyncio.gather(migrate(dsn, folder), migrate(dsn, folder))

    assert sorted(map(len, applied)) == [0, 1]


async def test_a_changed_file_stops_the_start(dsn: str, tmp_path: Path) -> None:
    """What was applied may not have another text."""
    for path in FOLDER.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text() + "-- changed")

    with pytest.raises(MigrationChangedError):
        await migrate(dsn, tmp_path)


async def test_a_missing_file_stops_the_start(dsn: str, tmp_path: Path) -> None:
    """An older release does not touch a newer release's database."""
    with pytest.raises(MigrationChangedError):
        await migrate(dsn, tmp_path)


async def test_a_broken_file_leaves_nothing(make_ledger: Callable[[], str], tmp_path: Path) -> None:
    """A migration is applied whole or not at all."""
    dsn = make_ledger()
    for path in FOLDER.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    folder = a_folder(tmp_path, n9001_broken="CREATE TABLE half (x int); SELECT 1/0;")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(dsn, folder)

    connection = await asyncpg.connect(dsn)
    there = await connection.fetchval("SELECT to_regclass('half')")
    await connection.close()
    assert there is None
