"""The end of a transaction, classified: applied, not applied, or unknown."""

import asyncio
import socket

import asyncpg
from asyncpg import Connection

from service.ledger.store import OutcomeUnknownError, StoreUnavailableError

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


KEEP_ALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),
)
"""A peer that is gone is noticed within half a minute: a COMMIT has no timeout of its own."""


def keep_alive(connection: Connection) -> None:
    """Let the kernel notice that a database's node died; asyncpg sets nothing of this."""
    held = connection._transport.get_extra_info("socket")  # noqa: SLF001 -- it has no other way
    if held is not None and held.family != socket.AF_UNIX:
        for level, name, value in KEEP_ALIVE:
            held.setsockopt(level, name, value)


async def commit(writer: Connection) -> None:
    """COMMIT, and believe only the tag: an aborted transaction answers ROLLBACK without error.

    Raises:
        StoreUnavailableError: rolled back; OutcomeUnknownError: no answer came.
    """
    try:
        tag = await writer.execute("COMMIT")
    except (*DROPPED, asyncpg.PostgresError) as error:
        writer.terminate()
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
