"""The end of a transaction, classified: applied, not applied, or unknown."""

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
"""What a lost connection raises, in all its disguises."""
TROUBLE = (StoreUnavailableError, asyncpg.PostgresError, *DROPPED)
"""What reading raises while the database is away: wait and try again."""
NOT_APPLIED = ("57P03", "53300", "25006")
"""Refused before any work: cannot connect now, too many connections, read only."""


LEFT_ALONE = ("55P03", "25P03")
"""No lock in time; a transaction that idled too long, as after a pause of the process: rolled
back, and worth another try."""


@contextlib.contextmanager
def unwarned(writer: Connection) -> Iterator[None]:
    """Take what the server answers inside as done only if it warns of nothing.

    A commit that is told to stop waiting for its synchronous standby is answered as done, with a
    warning before the answer: it stands on the primary alone, and may be lost with it.

    Raises:
        OutcomeUnknownError: there was a warning.
    """
    warnings: list[str | None] = []

    def hear(_: Connection, message: PostgresLogMessage) -> None:
        if isinstance(message, asyncpg.PostgresWarning) or message.severity_en == "WARNING":
            warnings.append(message.sqlstate)

    writer.add_log_listener(hear)
    try:
        yield
    finally:
        with contextlib.suppress(asyncpg.InterfaceError):  # it was dropped, listeners and all
            writer.remove_log_listener(hear)
    if warnings:
        LOG.error("commit.warned sqlstate=%s", warnings[0])
        raise OutcomeUnknownError(f"warned {warnings[0]}")


async def commit(writer: Connection) -> None:
    """COMMIT, and believe only the tag: an aborted transaction answers ROLLBACK without error.

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
    """Give a transaction up; a connection that cannot even do that is let go."""
    try:
        await asyncio.shield(writer.execute("ROLLBACK"))
    except (*DROPPED, asyncpg.PostgresError, asyncio.CancelledError):
        writer.terminate()


def is_definite(error: asyncpg.PostgresError) -> bool:
    """Whether an error of the server says that nothing was applied.

    A server that goes down (57P01, 57P02) may do so after it committed locally.
    """
    state = error.sqlstate or ""
    return state in NOT_APPLIED or not state.startswith(("57P", "08", "XX"))
