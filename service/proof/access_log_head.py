"""The access log under the checkpoints: each signs the newest access's position and hash.

An access's hash is over all before it, so what was signed once fixes every record up to there.
Records leave as an old beginning alone, and none before it was signed.
"""

from typing import Any

from service.proof.merkle import TreeHead

READ = """
    SELECT h.position, h.hash,
           CASE WHEN h.anchor_position = $1 THEN h.anchor_hash
                ELSE (SELECT a.hash FROM accesses a WHERE a.position = $1) END
      FROM access_head h
"""
SIGNED = "SELECT max(accesses) FROM checkpoints WHERE size = $1"


class AccessesBrokenError(Exception):
    """The access log is not the one that was signed: records are gone, or others stand there."""

    def __init__(self, position: int, signed: int) -> None:
        """Say where it ends, and up to where it was signed."""
        super().__init__(
            f"the access log ends at {position} and was signed up to {signed}:"
            " records are gone, or not those that were signed"
        )


async def read_accesses(connection: Any, signed: TreeHead | None) -> TreeHead:  # noqa: ANN401 -- asyncpg
    """Position and hash of the newest access; held against those that were signed, where any.

    Raises:
        AccessesBrokenError: it is not the access log that was signed.
    """
    upto = signed.size if signed else 0
    position, newest, there = await connection.fetchrow(READ, upto)
    if signed is not None and upto and there != signed.root:
        raise AccessesBrokenError(position, upto)
    return TreeHead(position, newest)


async def have_grown(connection: Any, size: int, accesses: TreeHead) -> bool:  # noqa: ANN401 -- asyncpg
    """Whether accesses came since the log of this size was signed; before its first row, never."""
    signed = await connection.fetchval(SIGNED, size) if size else None
    return signed is not None and accesses.size > signed
