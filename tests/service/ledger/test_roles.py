"""Who may do what in the database: asked of PostgreSQL itself, for every role, table and right."""

from typing import Any

import asyncpg
import pytest

from service.ledger.postgres.roles import AUDITOR, OWNER, PROJECTOR, READER, WRITER
from service.ledger.postgres.store import PostgresStore
from service.read_models.projector import LIVE, prepare
from tests.ledgers import tamper

RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
MATRIX = """
    SELECT c.relname, role, coalesce(string_agg(lower(left(r.name, 1)), '' ORDER BY r.ix)
             FILTER (WHERE has_table_privilege(role, c.oid, r.name)), '')
      FROM pg_class c CROSS JOIN unnest($1::name[]) AS role
     CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS r (name, ix)
     WHERE c.relnamespace = current_schema()::text::regnamespace
       AND c.relkind IN ('r', 'p', 'v', 'm')
     GROUP BY c.relname, role
"""
OWNERS = """
    SELECT c.relname, c.relowner::regrole::text FROM pg_class c
     WHERE c.relnamespace = current_schema()::text::regnamespace
       AND c.relkind IN ('r', 'p', 'v', 'm')
"""
APPENDED, KEPT, ONE = "si", "siu", "su"
WRITERS = {
    "access_head": ONE,
    "accesses": APPENDED,
    "balances": "s",
    "checkpoints": APPENDED,
    "command_keys": APPENDED,
    "cosignatures": KEPT,
    "events": APPENDED,
    "fingerprints": "siud",
    "follower_positions": "siud",
    "parked": "siud",
    "fsi_files": "sid",
    "fsi_findings": "siud",
    "fsi_nonces": "sid",
    "heads": KEPT,
    "log_head": ONE,
    "migrations": "s",
    "person_keys": "siud",
    "rehearsals": "siud",
    "replays": "siud",
    "seal_keys": APPENDED,
    "snapshots": APPENDED,
    "stored_events": "s",
    "topics": APPENDED,
    "tracking": KEPT,
    "tree_edge": ONE,
    "tree_nodes": APPENDED,
    "unique_names": "sid",
}
"""What the service may do with each of the ledger's tables: the first letters of the rights."""
AUDITORS = {
    *("access_head", "accesses", "checkpoints", "cosignatures", "events", "fingerprints"),
    *("log_head", "migrations", "seal_keys", "stored_events", "topics", "tree_edge", "tree_nodes"),
}
READ_MODELS = {target.name + part for target in LIVE for part in target.projection.table.parts}
REWRITES = (
    "UPDATE events SET state = state",
    "DELETE FROM events",
    "TRUNCATE events",
    "UPDATE accesses SET status = 1",
    "DELETE FROM accesses",
    "TRUNCATE accesses",
    "UPDATE command_keys SET answer = ''",
    "DELETE FROM command_keys",
    "DELETE FROM checkpoints",
    "DELETE FROM heads",
    "DROP TABLE events",
    "ALTER TABLE accesses DISABLE TRIGGER ALL",
    "CREATE TABLE mine (x int)",
    "SET session_replication_role = replica",
)


async def asked(dsn: str, query: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    await prepare(connection)
    found = await connection.fetch(query, *arguments)
    await connection.close()
    return list(found)


async def test_every_right_of_every_role_is_meant(dsn: str) -> None:
    """A right that nobody listed, or a table without a line here, is a mistake."""
    roles = [WRITER, READER, AUDITOR, PROJECTOR]
    found = {(t, r): rights for t, r, rights in await asked(dsn, MATRIX, roles, list(RIGHTS))}
    meant = {(table, WRITER): rights for table, rights in WRITERS.items()}
    meant |= {(table, WRITER): "siud" for table in READ_MODELS}
    meant |= {(table, READER): "s" for table in (*WRITERS, *READ_MODELS)}
    meant |= {(t, AUDITOR): "s" if t in AUDITORS else "" for t in (*WRITERS, *READ_MODELS)}
    meant |= {(table, PROJECTOR): "siudtrt" for table in READ_MODELS}
    meant |= {(table, PROJECTOR): "s" if table == "migrations" else "" for table in WRITERS}

    assert meant == found


async def test_no_role_of_the_service_owns_anything(dsn: str) -> None:
    """Ledger and read models have owners that nobody logs in as; no role is a superuser."""
    owners = dict(await asked(dsn, OWNERS))
    roles = await asked(
        dsn,
        "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'gongji%'"
        " AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)",
    )

    assert dict.fromkeys(WRITERS, OWNER) | dict.fromkeys(READ_MODELS, PROJECTOR) == owners
    assert {OWNER: False, PROJECTOR: False, WRITER: True, READER: True, AUDITOR: True} == dict(
        roles
    )


@pytest.mark.parametrize("statement", REWRITES)
async def test_the_service_cannot_rewrite_what_it_recorded(dsn: str, statement: str) -> None:
    """Neither by its reading connections nor by the one that appends, whatever it logs in as."""
    store = PostgresStore(dsn)
    await store.open()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await store.pool.execute(statement)
    writer = await store._connected()  # noqa: SLF001 -- the connection that appends
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await writer.execute(statement)
    await store.close()


@pytest.mark.parametrize("statement", [*REWRITES[:3], "TRUNCATE accesses"])
@pytest.mark.parametrize("role", ["postgres", OWNER])
async def test_a_trigger_keeps_the_log_from_its_owner(dsn: str, role: str, statement: str) -> None:
    """Also a superuser is refused, until it says that triggers do not matter."""
    connection = await asyncpg.connect(dsn, server_settings={"role": role})
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="is not rewritten"):
        await connection.execute(statement)
    await connection.close()


async def test_young_accesses_stay(dsn: str) -> None:
    """The function that forgets old accesses takes none from before 180 days are over."""
    store = PostgresStore(dsn)
    await store.open()
    day = "(extract(epoch FROM now()) * 1000000)::bigint - {} * 86400000000"
    for position, days in ((1, 181), (2, 179)):
        await tamper(
            store.pool,
            "INSERT INTO accesses SELECT $1, "
            f"{day.format(days)}, 200, 'a', 'agency', 'GET /', NULL, NULL, '', '{{}}', ''",
            position,
        )

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="180 days"):
        await store.pool.fetchval("SELECT prune_accesses(2)")
    assert 1 == await store.pool.fetchval("SELECT prune_accesses(1)")
    await store.close()
