"""The database's roles, each with the least rights. migrations/0026_roles.sql grants them.

    gongji_owner      owns the ledger's tables and functions; no login
    gongji_projector  owns the read models' tables; a session takes it to create or replace them
    gongji_writer     the service: appends to the log, updates heads and read models, rewrites none
    gongji_reader     reads everything
    gongji_auditor    reads the log, the access log and their proofs; no keys, answers or files

A session of the service acts as the writer or the reader whatever its login: its setting `role`
takes effect when it connects. The login that migrates is a member of gongji_owner,
gongji_projector and gongji_writer; the service's login needs gongji_writer only. Roles belong to
the whole server, so several ledgers share them.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from projections.kit.table import Connection

OWNER = "gongji_owner"
PROJECTOR = "gongji_projector"
WRITER = "gongji_writer"
READER = "gongji_reader"
AUDITOR = "gongji_auditor"

CREATE = {
    OWNER: f"CREATE ROLE {OWNER} NOLOGIN",
    PROJECTOR: f"CREATE ROLE {PROJECTOR} NOLOGIN",
    READER: f"CREATE ROLE {READER} LOGIN",
    AUDITOR: f"CREATE ROLE {AUDITOR} LOGIN",
    WRITER: f"CREATE ROLE {WRITER} LOGIN NOINHERIT",
}
"""A role with LOGIN has no password until an operator sets one."""
MEMBER = f"GRANT {PROJECTOR}, {READER} TO {WRITER}"
MIGRATES = f"GRANT {OWNER}, {PROJECTOR}, {WRITER} TO "
MAY_BECOME = """
    SELECT bool_and(pg_has_role($1::name, role, $2)) FROM unnest($3::name[]) AS role
"""
MAY_REWRITE = "SELECT pg_has_role(session_user, $1::name, 'MEMBER')"
SET_OPTION_SINCE = 16
"""From this release of PostgreSQL on a member may lack the right to SET ROLE."""


class RolesMissingError(Exception):
    """This login may not migrate the database; the message says how to allow it."""

    def __init__(self, login: str, statements: list[str]) -> None:
        what = f"{login} may not bring the database to this release's schema; "
        if login in (WRITER, READER, AUDITOR):
            super().__init__(f"{what}run `migrate` with GONGJI_MIGRATE_URL, a login that may")
            return
        lines = "".join(f"\n  {statement};" for statement in statements)
        super().__init__(
            f"{what}let a superuser of the database run, once:{lines}\n"
            "or name another login in GONGJI_MIGRATE_URL"
        )


async def ensure_roles(connection: Connection) -> None:
    """Create missing roles, and make this login a member of the owners.

    Raises:
        RolesMissingError: this login may not.
    """
    login, quoted = await connection.fetchrow("SELECT session_user, quote_ident(session_user)")
    missing, migrates = await _missing(connection), MIGRATES + quoted
    try:
        for statement in missing:
            await _once(connection, statement)
        if not await _may_become(connection, login, OWNER, PROJECTOR, WRITER):
            await _once(connection, migrates)
    except asyncpg.InsufficientPrivilegeError as error:
        raise RolesMissingError(login, [*missing, migrates]) from error


async def may_rewrite(connection: Connection) -> bool:
    """Whether a session's login has more rights than the service needs: superuser, or owner."""
    return bool(await connection.fetchval(MAY_REWRITE, OWNER))


async def _missing(connection: Connection) -> list[str]:
    """The statements that create missing roles and memberships."""
    present = {name for (name,) in await connection.fetch("SELECT rolname FROM pg_roles")}
    missing = [statement for name, statement in CREATE.items() if name not in present]
    if missing or not await _may_become(connection, WRITER, PROJECTOR, READER):
        missing.append(MEMBER)
    return missing


async def _may_become(connection: Connection, who: str, *roles: str) -> bool:
    how = "SET" if connection.get_server_version().major >= SET_OPTION_SINCE else "MEMBER"
    return bool(await connection.fetchval(MAY_BECOME, who, how, list(roles)))


async def _once(connection: Connection, statement: str) -> None:
    """Run a statement that another ledger of the same server may run at the same time."""
    await connection.execute(
        f"DO $$ BEGIN {statement};"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )


@asynccontextmanager
async def as_projector(connection: Connection) -> AsyncIterator[None]:
    """Act as the owner of the read models' tables, within a transaction."""
    await connection.execute(f"SET LOCAL ROLE {PROJECTOR}")
    yield
    await connection.execute("RESET ROLE")
