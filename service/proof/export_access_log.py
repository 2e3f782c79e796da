"""The access log as lines that anybody can check: a header, then one line for each access.

Each access is hashed over the one before it, and the checkpoint in the header signs the newest,
so the lines prove themselves from the oldest access kept. A checkpoint that was signed on the way
stands with its access.
"""

from collections.abc import AsyncIterator
from typing import Any

from asyncpg import Pool

from service.ledger.access_log import SealedAccess, anchor, sealed
from service.proof.export import json_line
from service.proof.proofs import NotSealedYetError, newest
from service.proof.signed_notes import Checkpoint, b64, read_checkpoint
from service.proof.signing_keys import listed_keys

FORMAT = "gongji-accesses/1"
HASH_IN_WORDS = (
    "SHA-256 over 0x01, the hash before it, position (8 bytes big-endian) and the leaf; the leaf"
    " is SHA-256 over 0x00 and, each with an 8-byte big-endian length before it: at (microseconds"
    " since 1970, 8 bytes big-endian), status (8 bytes big-endian), and as UTF-8 caller, role,"
    " operation, code, purpose (nothing where null), trace id, and every stream"
)


async def export_accesses(pool: Pool) -> AsyncIterator[str]:
    """The lines of all accesses that are kept and signed, each with its line break.

    Raises:
        NotSealedYetError: no checkpoint signs the access log yet.
    """
    note = (await newest(pool)).note
    checkpoint = read_checkpoint(note)
    if checkpoint.accesses is None:
        raise NotSealedYetError
    keys = await listed_keys(pool)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        start = await anchor(connection)
        yield json_line(accesses_header(checkpoint, note, start, keys))
        async for each in sealed(connection, start[0], checkpoint.accesses.size):
            yield json_line(access_row(each))


def accesses_header(
    checkpoint: Checkpoint, note: str, start: tuple[int, bytes], keys: list[str]
) -> dict[str, Any]:
    """The first line; `start` is position and hash of the newest access that was pruned."""
    assert checkpoint.accesses is not None, "the note signs the access log"
    return {
        "format": FORMAT,
        "ledger": checkpoint.origin,
        "hash": HASH_IN_WORDS,
        "from": start[0] + 1,
        "to": checkpoint.accesses.size,
        "before": b64(start[1]),
        "keys": keys,
        "checkpoint": note,
    }


def access_row(sealed_access: SealedAccess) -> dict[str, Any]:
    """The members of an access's line."""
    (position, access), access_hash, note = sealed_access
    row = {"position": position, **access._asdict(), "hash": b64(access_hash)}
    return row if note is None else row | {"checkpoint": note}
