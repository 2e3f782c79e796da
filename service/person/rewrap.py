"""Replace the wrapping key: every person's key is wrapped anew, no event changes.

The key file contains the new key before anything is wrapped with it, and the old one until
nothing is wrapped with it and no running process can wrap with it. An interrupted run leaves
everything readable, and the next run continues it. Old backups of the database open with old
backups of the key file; without those, persons erased since stay erased. The digest key is not
replaced: persons are found by it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from aggregates.vocabulary import StreamId
from service.clock import new_secret
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import WRITER
from service.vault import (
    KEY_LOCK,
    KEY_SIZE,
    Vault,
    check_fingerprint,
    load_keys,
    read_key_file,
    write_key_file,
)

BATCH = 1000
PAGE = "SELECT stream, wrapped FROM person_keys WHERE stream > $1 ORDER BY stream LIMIT $2"
REPLACE = """
    UPDATE person_keys p SET wrapped = n.wrapped
      FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) AS n(stream, before, wrapped)
     WHERE p.stream = n.stream AND p.wrapped = n.before
"""
REMEMBER = """
    INSERT INTO fingerprints VALUES ('keys', $1), ('keys.previous', $2)
        ON CONFLICT (name) DO UPDATE SET fingerprint = EXCLUDED.fingerprint
"""
LOCK = "SELECT pg_advisory_lock(hashtext('gongji.rewrap'), hashtext(current_schema()))"
SETTINGS = {"role": WRITER, "application_name": "gongji-rewrap"}
FIRST = "00000000-0000-0000-0000-000000000000"


class Rewrapped(NamedTuple):
    """How many keys were wrapped anew, and whether the old wrapping key was dropped."""

    wrapped: int
    is_done: bool


async def rewrap(
    dsn: str, key_file: Path, progress: Callable[[int], None] = lambda _: None, batch: int = BATCH
) -> Rewrapped:
    """Wrap every person's key under a new wrapping key; drop the old one if no process uses it.

    Raises:
        KeyFileError: the key file is not this ledger's, or a key does not open under it.
    """
    connection = await connect(dsn, SETTINGS)
    try:
        await connection.execute(LOCK)
        await check_fingerprint(connection, load_keys(key_file))
        vault = _renewed(key_file)
        await connection.execute(REMEMBER, vault.fingerprint, vault.previous_fingerprint)
        count = await _wrap_all(connection, vault, progress, batch)
        if not await connection.fetchval(
            f"SELECT pg_try_advisory_lock({KEY_LOCK})", vault.previous_fingerprint
        ):
            return Rewrapped(count, is_done=False)
        count += await _wrap_all(connection, vault, progress, batch)  # of accounts opened meanwhile
        await connection.execute("DELETE FROM fingerprints WHERE name = 'keys.previous'")
        keys = read_key_file(key_file)
        write_key_file(key_file, {n: key for n, key in keys.items() if n != "previous"})
        return Rewrapped(count, is_done=True)
    finally:
        await connection.close()


def _renewed(key_file: Path) -> Vault:
    """The keys with a new wrapping key, durable in the file beside the old one."""
    keys = read_key_file(key_file)
    if "previous" not in keys:
        keys |= {"previous": keys["wrapping"], "wrapping": new_secret(KEY_SIZE).hex()}
        write_key_file(key_file, keys)
    return load_keys(key_file)


async def _wrap_all(
    connection: Any,  # noqa: ANN401 -- asyncpg has no types
    vault: Vault,
    progress: Callable[[int], None],
    batch: int,
) -> int:
    """Rewrap all keys in batches, and count them; a person erased meanwhile stays erased."""
    after, count = FIRST, 0
    while rows := await connection.fetch(PAGE, after, batch):
        after = rows[-1]["stream"]
        rewrapped = [
            (stream, before, vault.rewrap(before, StreamId(f"acc_{stream.hex}")))
            for stream, before in rows
        ]
        due = [row for row in rewrapped if row[2] is not None]
        if due:
            await connection.execute(REPLACE, *(list(column) for column in zip(*due, strict=True)))
        count += len(due)
        progress(count)
    return count
