"""What an error of the server says about an append: nothing was applied, or nobody knows."""

import asyncpg
import pytest

from service.ledger.postgres.commit import is_definite

NOT_APPLIED = (
    asyncpg.CheckViolationError,
    asyncpg.UniqueViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.TooManyConnectionsError,
    asyncpg.CannotConnectNowError,
    asyncpg.DataError,
)
UNKNOWN = (
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.ConnectionFailureError,
    asyncpg.ProtocolViolationError,
    asyncpg.InternalServerError,
    asyncpg.DataCorruptedError,
)


@pytest.mark.parametrize("error", NOT_APPLIED)
def test_a_refusal_of_the_server_is_definite(error: type[asyncpg.PostgresError]) -> None:
    """The server said no to the statement: its transaction is rolled back."""
    assert is_definite(error("told"))


@pytest.mark.parametrize("error", UNKNOWN)
def test_a_server_that_went_away_is_unknown(error: type[asyncpg.PostgresError]) -> None:
    """The server ended, or the connection, or its own rules broke: it may have committed."""
    assert not is_definite(error("told"))


def test_an_error_without_a_state_is_definite() -> None:
    """What the client itself refuses to send has no state, and never reached the server."""
    assert is_definite(asyncpg.PostgresError("told"))
