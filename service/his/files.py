"""Files of the national protocol by number: what an institution sent, and what it may fetch.

A number is the digest of what it names, so that sending a file twice gives the same number.
"""

import hashlib
from datetime import datetime, timedelta

from service.caller import Caller
from service.clock import machine_now
from service.ledger.store import StoreUnavailableError
from service.read_models.reader import ReadModels

KEPT = timedelta(days=30)
NUMBER_SIZE = 30
KEEP = "INSERT INTO fsi_files VALUES ($1, $2, $3, $4) ON CONFLICT (caller, number) DO NOTHING"
SWEEP = "DELETE FROM fsi_files WHERE kept_at < now() - make_interval(days => $1)"
FETCH = "SELECT body FROM fsi_files WHERE caller = $1 AND number = $2"


async def keep(read_models: ReadModels, caller: Caller, filename: str, body: bytes) -> str:
    """Keep a file for a caller; its number.

    Raises:
        StoreUnavailableError: there is nowhere to keep it.
    """
    if read_models.pool is None:
        raise StoreUnavailableError("no database for files")
    made = hashlib.sha256(f"{caller.name}\0{filename}\0".encode() + body).hexdigest()
    number = made[:NUMBER_SIZE].upper()
    await read_models.pool.execute(KEEP, number, caller.name, filename, body)
    await read_models.pool.execute(SWEEP, KEPT.days)
    return number


async def fetch(read_models: ReadModels, caller: Caller, number: str) -> bytes | None:
    """A file of the caller's own; None where there is none."""
    if read_models.pool is None:
        raise StoreUnavailableError("no database for files")
    body: bytes | None = await read_models.pool.fetchval(FETCH, caller.name, number)
    return body


def kept_until() -> datetime:
    """Until when a file that is kept now may be fetched."""
    return machine_now() + KEPT
