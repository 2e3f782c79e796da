"""Proofs for whoever asks: the checkpoint, that a row is in the log, that the log only grew.

Everything is worked out of the rows as they are now and held against what was signed, so a
proof is never handed out over a row that was altered.
"""

import asyncio
from typing import NamedTuple

from asyncpg import Pool, Record

from aggregates.refusals import RefusalError, UnknownError
from aggregates.vocabulary import StreamId
from service.caller import Caller, Role, check_role
from service.clock import monotonic_s
from service.context import ServiceContext
from service.proof.merkle import (
    EMPTY,
    TreeHead,
    consistency_path,
    included_root,
    inclusion_path,
    is_consistent,
    leaf_hash,
)
from service.proof.signed_notes import (
    WITNESS_KEY,
    NoteInvalidError,
    growth_text,
    is_signed,
    proof_text,
    read_verifier,
    split_note,
)
from service.proof.tree import LogBrokenError, read_hashes, read_leaves, read_root
from service.settlement.queries import check_readable

SEAL_WAIT_S = 2.0
"""How long a receipt waits for its row to be sealed."""
ASK_EVERY_S = 0.05
NEWEST = """
    SELECT size, root, note, accesses FROM checkpoints ORDER BY size DESC, accesses DESC LIMIT 1
"""
AT_SIZE = """
    SELECT size, root, note, accesses FROM checkpoints
     WHERE size = $1 ORDER BY accesses DESC LIMIT 240
"""
"""A log that does not grow is signed up to four times a second: a witness has a minute."""
WITNESSED = """
    SELECT size, root, c.note, accesses FROM checkpoints c JOIN cosignatures USING (size, accesses)
     ORDER BY size DESC, accesses DESC LIMIT 1
"""
COSIGN = """
    INSERT INTO cosignatures AS c (witness, verifier_key, size, line, accesses)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (witness) DO UPDATE
       SET verifier_key = EXCLUDED.verifier_key, size = EXCLUDED.size, line = EXCLUDED.line,
           accesses = EXCLUDED.accesses
     WHERE (c.size, c.accesses) <= (EXCLUDED.size, EXCLUDED.accesses)
        OR c.verifier_key <> EXCLUDED.verifier_key
"""
COSIGNED = """
    SELECT line FROM cosignatures WHERE (size, accesses) = ($1, $2) ORDER BY witness
"""


class NotSealedYetError(RefusalError):
    """The row is in the log and not yet under a signed checkpoint; soon it will be."""


class CosignatureInvalidError(RefusalError):
    """The line is not this key's signature of a checkpoint of ours."""


class Signed(NamedTuple):
    """A signed checkpoint; its note carries the signatures of the log and of all witnesses."""

    head: TreeHead
    note: str


class Overview(NamedTuple):
    """Where the log stands: the newest checkpoint, the newest that a witness saw, and all keys."""

    newest: Signed
    witnessed: Signed | None
    keys: list[str]


class Inclusion(NamedTuple):
    """That a row is in the log of a size; `proof` needs a checkpoint of that very size."""

    position: int
    head: TreeHead
    leaf: bytes
    hashes: list[bytes]
    proof: str | None


class Growth(NamedTuple):
    """That the log of one size is the beginning of the log of another."""

    old: TreeHead
    new: TreeHead
    hashes: list[bytes]
    proof: str | None


async def look_at_checkpoint(pool: Pool, caller: Caller) -> Overview:
    """The newest checkpoint, and the keys that ever signed here.

    Raises:
        NotSealedYetError: nothing was sealed yet.
    """
    check_role(caller, Role.AUDITOR)
    signed, witnessed = await newest(pool), await _signed(pool, WITNESSED)
    keys = await pool.fetch("SELECT verifier_key FROM seal_keys ORDER BY began_at DESC")
    return Overview(signed, witnessed, [str(key) for (key,) in keys])


async def prove_inclusion(pool: Pool, caller: Caller, position: int, size: int | None) -> Inclusion:
    """That a row is in the log of a size, or of the newest checkpoint.

    Raises:
        UnknownError: the log has no such row or size; NotSealedYetError: it has, unsealed.
    """
    check_role(caller, Role.AUDITOR)
    await _check_sealed(pool, max(position, size or 0))
    signed = await _at(pool, size)
    head = signed.head if signed else TreeHead(size or 0, await read_root(pool, size or 0))
    if position > head.size:
        raise UnknownError
    return await _included(pool, position, head, signed)


async def prove_growth(pool: Pool, caller: Caller, old: int, new: int) -> Growth:
    """That the log of one size is the beginning of the log of another.

    Raises:
        UnknownError: the log is not that long; NotSealedYetError: it is, unsealed.
    """
    check_role(caller, Role.AUDITOR)
    await _check_sealed(pool, new)
    return await _growth(pool, old, await _at(pool, new), new)


async def look_as_witness(pool: Pool, caller: Caller, old: int) -> Growth:
    """The newest checkpoint, and that it grew out of what the witness saw before.

    Raises:
        UnknownError: the log was never that long; NotSealedYetError: nothing was sealed yet.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY, Role.INSTITUTION)
    signed = await newest(pool)
    if old > signed.head.size:
        raise UnknownError
    return await _growth(pool, old, signed, signed.head.size)


async def cosign(pool: Pool, caller: Caller, key: str, size: int, line: str) -> Signed:
    """Keep a witness's signature of a checkpoint; his newest one counts.

    Raises:
        UnknownError: there is no such checkpoint; CosignatureInvalidError: it does not hold.
    """
    check_role(caller, Role.AGENCY, Role.INSTITUTION)
    rows = await pool.fetch(AT_SIZE, size)
    if not rows:
        raise UnknownError
    try:
        verifier = read_verifier(key)
    except NoteInvalidError as error:
        raise CosignatureInvalidError from error
    line = f"{line.strip()}\n"
    for row in rows if verifier.kind == WITNESS_KEY else ():
        if is_signed(split_note(row["note"])[0], line, verifier):
            await pool.execute(COSIGN, caller.name, verifier.text(), size, line, row["accesses"])
            return await _with_lines(pool, row)
    raise CosignatureInvalidError


async def receipt(
    context: ServiceContext, pool: Pool, caller: Caller, settlement_id: StreamId
) -> Inclusion:
    """That a settlement is in the log; waits a moment for the next checkpoint.

    Raises:
        UnknownError: there is none, or it is another's; NotSealedYetError: none came in time.
    """
    check_role(caller, Role.AUDITOR, Role.INSTITUTION)
    await check_readable(context, caller, settlement_id)
    first = await context.store.first_events([settlement_id])
    position = first[0].position
    deadline = monotonic_s() + SEAL_WAIT_S
    while True:
        signed = await _signed(pool, NEWEST)
        if signed is not None and signed.head.size >= position:
            return await _included(pool, position, signed.head, signed)
        if monotonic_s() >= deadline:
            raise NotSealedYetError(position=position)
        await asyncio.sleep(ASK_EVERY_S)


async def newest(pool: Pool) -> Signed:
    """The newest checkpoint.

    Raises:
        NotSealedYetError: nothing was sealed yet.
    """
    signed = await _signed(pool, NEWEST)
    if signed is None:
        raise NotSealedYetError
    return signed


async def unsealed(pool: Pool | None) -> int:
    """How many rows are in the log and under no checkpoint yet; 0 for a ledger in memory."""
    if pool is None:
        return 0
    waiting: int = await pool.fetchval(
        "SELECT l.position - t.size FROM log_head l CROSS JOIN tree_edge t"
    )
    return waiting


async def _at(pool: Pool, size: int | None) -> Signed | None:
    """The newest checkpoint, or the one of a size; None where no checkpoint has that size."""
    return await newest(pool) if size is None else await _signed(pool, AT_SIZE, size)


async def _signed(pool: Pool | None, query: str, *values: int) -> Signed | None:
    if pool is None:  # a ledger in memory is never sealed
        return None
    found = await pool.fetchrow(query, *values)
    return None if found is None else await _with_lines(pool, found)


async def _with_lines(pool: Pool, found: Record) -> Signed:
    """A stored checkpoint with the lines of those who witnessed it."""
    size, root, note, accesses = found
    lines = await pool.fetch(COSIGNED, size, accesses)
    return Signed(TreeHead(size, root), note + "".join(line for (line,) in lines))


async def _check_sealed(pool: Pool, upto: int) -> None:
    """Let only what is under a checkpoint be asked for.

    Raises:
        UnknownError: the log is not that long; NotSealedYetError: it is, unsealed.
    """
    if upto <= (await newest(pool)).head.size:
        return
    if upto > await pool.fetchval("SELECT position FROM log_head"):
        raise UnknownError
    raise NotSealedYetError(position=upto)


async def _included(pool: Pool, position: int, head: TreeHead, signed: Signed | None) -> Inclusion:
    """A row's proof, held against the root.

    Raises:
        LogBrokenError: a row is not what was signed.
    """
    index = position - 1
    (row,) = await read_leaves(pool, index, position)
    leaf = leaf_hash(row)
    hashes = await read_hashes(pool, inclusion_path(index, head.size))
    if included_root(index, head.size, leaf, hashes) != head.root:
        raise LogBrokenError(f"row {position} is not in the tree that was signed")
    proof = proof_text(index, hashes, signed.note, extra=leaf) if signed else None
    return Inclusion(position, head, leaf, hashes, proof)


async def _growth(pool: Pool, old: int, signed: Signed | None, new: int) -> Growth:
    """A proof of growth, held against both roots.

    Raises:
        LogBrokenError: the rows are not what was signed.
    """
    head = signed.head if signed else TreeHead(new, await read_root(pool, new))
    past = await _signed(pool, AT_SIZE, old)
    before = past.head if past else TreeHead(old, await read_root(pool, old) if old else EMPTY)
    hashes = await read_hashes(pool, consistency_path(old, new)) if old else []
    if not is_consistent(before, head, hashes):
        raise LogBrokenError(f"the log of {old} rows is not the beginning of that of {new}")
    return Growth(before, head, hashes, growth_text(old, hashes, signed.note) if signed else None)
