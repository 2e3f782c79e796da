"""Classifies the end of a transaction: applied, not applied, or unknown."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator

import asyncpg
from asyncpg import Connection, PostgresLogMessage

from service.ledger.store import OutcomeUnknownError, StoreUnavailableError

LOG = logging.getLogger("gongji.append")
DROPPED = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ConnectionDoesNotExistError,
)
"""Errors of a lost connection."""
TROUBLE = (StoreUnavailableError, asyncpg.PostgresError, *DROPPED)
"""Errors of a read while the database is unavailable; a retry may succeed."""
NOT_APPLIED = ("57P03", "53300", "25006")
"""SQLSTATEs before any work: cannot connect now, too many connections, read only."""
LEFT_ALONE = ("55P03", "25P03")
"""SQLSTATEs of a rollback that a retry may avoid: no lock in time, or a transaction that idled too
long, as after a pause of the process."""


@contextlib.contextmanager
def unwarned(writer: Connection) -> Iterator[None]:
    """Treat statements inside as done only if the server sends no warning.

    If the server stops waiting for its synchronous standby it reports a COMMIT as done, after a
    warning: the commit is on the primary only, and may be lost with it.

    Raises:
        OutcomeUnknownError: there was a warning.
    """
    warnings: list[str | None] = []

    def listen(_: Connection, message: PostgresLogMessage) -> None:
        if isinstance(message, asyncpg.PostgresWarning) or message.severity_en == "WARNING":
            warnings.append(message.sqlstate)

    writer.add_log_listener(listen)
    try:
        yield
    finally:
        with contextlib.suppress(asyncpg.InterfaceError):  # it was dropped, listeners and all
            writer.remove_log_listener(listen)
    if warnings:
        LOG.error("commit.warned sqlstate=%s", warnings[0])
        raise OutcomeUnknownError(f"warned {warnings[0]}")


async def commit(writer: Connection) -> None:
    """COMMIT, and check the tag: an aborted transaction answers ROLLBACK without an error.

    Raises:
        StoreUnavailableError: rolled back; OutcomeUnknownError: no answer came, or a warning.
    """
    try:
        with unwarned(writer):
            tag = await writer.execute("COMMIT")
    except (*DROPPED, asyncpg.PostgresError) as error:
        writer.terminate()
        if isinstance(error, asyncpg.PostgresError) and error.sqlstate in LEFT_ALONE:
            raise StoreUnavailableError(error.sqlstate) from error
        raise OutcomeUnknownError(type(error).__name__) from error
    if tag != "COMMIT":
        raise StoreUnavailableError(tag)


async def roll_back(writer: Connection) -> None:
    """Roll a transaction back, or drop its connection."""
    try:
        await asyncio.shield(writer.execute("ROLLBACK"))
    except (*DROPPED, asyncpg.PostgresError, asyncio.CancelledError):
        writer.terminate()


def is_definite(error: asyncpg.PostgresError) -> bool:
    """Whether a server error means that nothing was applied.

    A server that shuts down (57P01, 57P02) may have committed locally before.
    """
    state = error.sqlstate or ""
    return state in NOT_APPLIED or not state.startswith(("57P", "08", "XX"))
