"""Applies numbered SQL files once each, under an advisory lock, and records their checksums."""

import hashlib
from pathlib import Path

from asyncpg import Connection

from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import ensure_roles

SETTINGS = {
    "application_name": "gongji-migrate",
    # A process that idles with the lock loses it, and another one migrates.
    "idle_session_timeout": "30s",
    "idle_in_transaction_session_timeout": "30s",
}
FOLDER = Path(__file__).parent / "migrations"
TABLE = """
    CREATE TABLE migrations (
        name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
"""
AS_OWNER = """
    SELECT set_config('role', 'gongji_owner', true) FROM pg_class
     WHERE oid = 'migrations'::regclass AND relowner = to_regrole('gongji_owner')
"""
"""From 0026_roles.sql on gongji_owner owns the ledger's tables, also those of later files."""


class MigrationChangedError(Exception):
    """An applied migration has another text now; the database is not changed."""


async def migrate(dsn: str, folder: Path = FOLDER) -> list[str]:
    """Bring a database to this release's schema; the names of the files applied now.

    Any login may call it when nothing is to be applied.

    Raises:
        MigrationChangedError: an applied file's checksum differs, or a file is gone;
        RolesMissingError: files are to be applied, and this login may not.
    """
    files = _read(folder)
    connection = await connect(dsn, SETTINGS)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('gongji.migrate'))")
        return await _apply(connection, files)
    finally:
        await connection.close()


def _read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}


async def _apply(connection: Connection, files: dict[str, str]) -> list[str]:
    exists = await connection.fetchval("SELECT to_regclass('migrations')")
    applied = dict(await connection.fetch("SELECT name, sha256 FROM migrations") if exists else ())
    for name, sha256 in applied.items():
        if name not in files or _sha256(files[name]) != sha256:
            raise MigrationChangedError(name)
    new = [name for name in files if name not in applied]
    if new:
        await ensure_roles(connection)
    if not exists:
        await connection.execute(TABLE)
    for name in new:
        async with connection.transaction():
            await connection.execute(AS_OWNER)
            await connection.execute(files[name])
            await connection.execute(AS_OWNER)
            await connection.execute(
                "INSERT INTO migrations (name, sha256) VALUES ($1, $2)", name, _sha256(files[name])
            )
    return new


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
