"""The access log under the checkpoints: each signs the position and hash of the newest access.

An access's hash covers all accesses before it, so a signed hash fixes the access log up to there.
Accesses are pruned from the oldest on, and only once they are signed.
"""

from service.proof.merkle import TreeHead
from service.proof.tree import ConnectionOrPool, LogBrokenError

READ = """
    SELECT h.position, h.hash,
           CASE WHEN h.anchor_position = $1 THEN h.anchor_hash
                ELSE (SELECT a.hash FROM accesses a WHERE a.position = $1) END
      FROM access_head h
"""
SIGNED = "SELECT max(accesses) FROM checkpoints WHERE size = $1"


class AccessesBrokenError(LogBrokenError):
    """The access log is not the one that was signed: accesses are missing or altered."""


async def read_accesses(connection: ConnectionOrPool, signed: TreeHead | None) -> TreeHead:
    """Position and hash of the newest access, after comparing with those that were signed.

    Raises:
        AccessesBrokenError: it is not the access log that was signed.
    """
    upto = signed.size if signed else 0
    position, newest, stored = await connection.fetchrow(READ, upto)
    if signed is not None and upto and stored != signed.root:
        raise AccessesBrokenError(
            f"the access log ends at {position} and was signed up to {upto}:"
            " records are gone, or not those that were signed"
        )
    return TreeHead(position, newest)


async def have_grown(connection: ConnectionOrPool, size: int, accesses: TreeHead) -> bool:
    """Whether accesses came since the log of this size was signed; never for an empty log."""
    signed = await connection.fetchval(SIGNED, size) if size else None
    return signed is not None and accesses.size > signed
