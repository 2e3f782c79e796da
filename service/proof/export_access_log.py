"""The access log as lines that anybody can check: a header, then one line for each access.

Each access is hashed over the one before it, and the checkpoint in the header signs the newest,
so the lines prove themselves from the oldest one that is kept. Checkpoints that were signed on
the way stand with their access.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

from asyncpg import Pool

from service.ledger.access_log import SealedAccess, anchor, sealed
from service.proof.proofs import NotSealedYetError, newest
from service.proof.signed_notes import Checkpoint, b64, read_checkpoint

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
    keys = await pool.fetch("SELECT verifier_key FROM seal_keys ORDER BY began_at DESC")
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        start = await anchor(connection)
        head = accesses_header(checkpoint, note, start, [str(key) for (key,) in keys])
        yield _line(head)
        async for each in sealed(connection, start[0], checkpoint.accesses.size):
            yield _line(access_row(each))


def accesses_header(
    checkpoint: Checkpoint, note: str, start: tuple[int, bytes], keys: list[str]
) -> dict[str, Any]:
    """The first line; `start` is position and hash of the newest access that was forgotten."""
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


def access_row(stored: SealedAccess) -> dict[str, Any]:
    """An access as its line has it."""
    row = {"position": stored.kept.position, **stored.kept.access._asdict()}
    row["hash"] = b64(stored.hash)
    return row if stored.note is None else row | {"checkpoint": stored.note}


def _line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n"
