"""Files of the national protocol: an institution's uploads, and results that it may download.

A file's number is its digest, so that sending a file twice gives the same number. It is handed out
in small letters and kept in capitals.
"""

import hashlib
from datetime import datetime, timedelta

from service.caller import Caller
from service.clock import machine_now
from service.ledger.store import StoreUnavailableError
from service.read_models.reader import ReadModels

LIFETIME = timedelta(days=30)
NUMBER_SIZE = 30
INSERT = "INSERT INTO fsi_files VALUES ($1, $2, $3, $4) ON CONFLICT (caller, number) DO NOTHING"
SWEEP = "DELETE FROM fsi_files WHERE kept_at < now() - make_interval(days => $1)"
FETCH = "SELECT body FROM fsi_files WHERE caller = $1 AND number = $2"


async def store_file(read_models: ReadModels, caller: Caller, filename: str, body: bytes) -> str:
    """Store a caller's file; returns its number.

    Raises:
        StoreUnavailableError: there is no database.
    """
    if read_models.pool is None:
        raise StoreUnavailableError("no database for files")
    digest = hashlib.sha256(f"{caller.name}\0{filename}\0".encode() + body).hexdigest()
    number = digest[:NUMBER_SIZE].upper()
    await read_models.pool.execute(INSERT, number, caller.name, filename, body)
    await read_models.pool.execute(SWEEP, LIFETIME.days)
    return number.lower()


async def fetch(read_models: ReadModels, caller: Caller, number: str) -> bytes | None:
    """A file of the caller; None if there is none.

    Raises:
        StoreUnavailableError: there is no database.
    """
    if read_models.pool is None:
        raise StoreUnavailableError("no database for files")
    body: bytes | None = await read_models.pool.fetchval(FETCH, caller.name, number.upper())
    return body


def fetchable_until() -> datetime:
    """When a file stored now expires."""
    return machine_now() + LIFETIME
