"""Numbered SQL files, each applied once, under an advisory lock, with its checksum on record."""

import hashlib
from pathlib import Path

import asyncpg
from asyncpg import Connection

FOLDER = Path(__file__).parent / "migrations"


class MigrationChangedError(Exception):
    """A migration that was applied has another text now; the database is not touched."""


async def migrate(dsn: str, folder: Path = FOLDER) -> list[str]:
    """Bring a database to this release's schema; the names that were applied now.

    Raises:
        MigrationChangedError: an applied file's checksum differs, or a file is gone.
    """
    files = _read(folder)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('gongji.migrate'))")
        return await _apply(connection, files)
    finally:
        await connection.close()


def _read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}


async def _apply(connection: Connection, files: dict[str, str]) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS migrations"
        " (name text PRIMARY KEY, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied = dict(await connection.fetch("SELECT name, sha256 FROM migrations"))
    for name, sha256 in applied.items():
        if name not in files or _sha256(files[name]) != sha256:
            raise MigrationChangedError(name)
    new = [name for name in files if name not in applied]
    for name in new:
        async with connection.transaction():
            await connection.execute(files[name])
            await connection.execute(
                "INSERT INTO migrations (name, sha256) VALUES ($1, $2)", name, _sha256(files[name])
            )
    return new


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
