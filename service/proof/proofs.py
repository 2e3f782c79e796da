"""Proofs on request: the checkpoint, that a row is in the log, that the log only grew.

Everything is computed from the current rows and compared with what was signed, so no proof is
given for a row that was altered.
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
from service.proof.signing_keys import listed_keys
from service.proof.tree import LogBrokenError, read_hashes, read_leaves, read_root
from service.settlement.queries import check_whole

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
    """The row is in the log, but no checkpoint signs it yet; one soon will."""


class CosignatureInvalidError(RefusalError):
    """The line is not this key's signature of one of our checkpoints."""


class Signed(NamedTuple):
    """A signed checkpoint; its note carries the signatures of the log and of all witnesses."""

    head: TreeHead
    note: str


class Overview(NamedTuple):
    """The newest checkpoint, the newest that a witness signed, and every key of the log."""

    newest: Signed
    witnessed: Signed | None
    keys: list[str]


class Inclusion(NamedTuple):
    """That a row is in the log of a size; `proof` is None if no checkpoint has that size."""

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
    """The newest checkpoints and the keys of the log (auditor). Raises NotSealedYetError."""
    check_role(caller, Role.AUDITOR)
    signed, witnessed = await newest(pool), await _signed(pool, WITNESSED)
    return Overview(signed, witnessed, await listed_keys(pool))


async def prove_inclusion(pool: Pool, caller: Caller, position: int, size: int | None) -> Inclusion:
    """That a row is in the log of a size, by default of the newest checkpoint (auditor).

    Raises:
        UnknownError: the log has no such row or size; NotSealedYetError: it has, unsealed.
    """
    check_role(caller, Role.AUDITOR)
    await _check_sealed(pool, max(position, size or 0))
    signed = await _at(pool, size)
    head = await _head(pool, size or 0, signed)
    if position > head.size:
        raise UnknownError
    return await _included(pool, position, head, signed)


async def prove_growth(pool: Pool, caller: Caller, old: int, new: int) -> Growth:
    """That the log of one size is the beginning of the log of another (auditor).

    Raises:
        UnknownError: the log is not that long; NotSealedYetError: it is, unsealed.
    """
    check_role(caller, Role.AUDITOR)
    await _check_sealed(pool, new)
    return await _growth(pool, old, await _at(pool, new), new)


async def look_as_witness(pool: Pool, caller: Caller, old: int) -> Growth:
    """The newest checkpoint, and that it grew out of the size the witness saw before.

    Raises:
        UnknownError: the log was never that long; NotSealedYetError: nothing was sealed yet.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY, Role.INSTITUTION)
    signed = await newest(pool)
    if old > signed.head.size:
        raise UnknownError
    return await _growth(pool, old, signed, signed.head.size)


async def cosign(pool: Pool, caller: Caller, key: str, size: int, line: str) -> Signed:
    """Store a witness's signature of a checkpoint; its newest one replaces older ones.

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
            return await _with_cosignatures(pool, row)
    raise CosignatureInvalidError


async def receipt(
    context: ServiceContext, pool: Pool, caller: Caller, settlement_id: StreamId
) -> Inclusion:
    """That a settlement is in the log; waits a moment for the next checkpoint.

    For auditors, its institution, and the patient or a minor patient's parent.

    Raises:
        UnknownError: there is none, or it is another's; NotPermittedError: the caller paid for
        another's; NotSealedYetError: none came in time.
    """
    check_role(caller, Role.AUDITOR, Role.INSTITUTION, Role.PERSON)
    await check_whole(context, caller, settlement_id)
    position = (await context.store.first_events([settlement_id]))[0].position
    deadline = monotonic_s() + SEAL_WAIT_S
    while True:
        signed = await _signed(pool, NEWEST)
        if signed is not None and signed.head.size >= position:
            return await _included(pool, position, signed.head, signed)
        if monotonic_s() >= deadline:
            raise NotSealedYetError(position=position)
        await asyncio.sleep(ASK_EVERY_S)


async def newest(pool: Pool) -> Signed:
    """The newest checkpoint. Raises NotSealedYetError before the first."""
    signed = await _signed(pool, NEWEST)
    if signed is None:
        raise NotSealedYetError
    return signed


async def unsealed(pool: Pool | None) -> int:
    """How many rows of the log no checkpoint signs yet; 0 for a ledger in memory."""
    if pool is None:
        return 0
    waiting: int = await pool.fetchval(
        "SELECT l.position - t.size FROM log_head l CROSS JOIN tree_edge t"
    )
    return waiting


async def _at(pool: Pool, size: int | None) -> Signed | None:
    """The newest checkpoint, or the one of a size; None if no checkpoint has that size."""
    return await newest(pool) if size is None else await _signed(pool, AT_SIZE, size)


async def _head(pool: Pool, size: int, signed: Signed | None) -> TreeHead:
    """A size with its root: as it was signed, or computed where no checkpoint has that size."""
    return signed.head if signed else TreeHead(size, await read_root(pool, size))


async def _signed(pool: Pool | None, query: str, *values: int) -> Signed | None:
    if pool is None:  # a ledger in memory is never sealed
        return None
    row = await pool.fetchrow(query, *values)
    return None if row is None else await _with_cosignatures(pool, row)


async def _with_cosignatures(pool: Pool, row: Record) -> Signed:
    """A stored checkpoint with the signature lines of its witnesses."""
    size, root, note, accesses = row
    lines = await pool.fetch(COSIGNED, size, accesses)
    return Signed(TreeHead(size, root), note + "".join(line for (line,) in lines))


async def _check_sealed(pool: Pool, upto: int) -> None:
    if upto <= (await newest(pool)).head.size:
        return
    if upto > await pool.fetchval("SELECT position FROM log_head"):
        raise UnknownError
    raise NotSealedYetError(position=upto)


async def _included(pool: Pool, position: int, head: TreeHead, signed: Signed | None) -> Inclusion:
    """A row's proof, compared with the root. Raises LogBrokenError."""
    index = position - 1
    (row,) = await read_leaves(pool, index, position)
    leaf = leaf_hash(row)
    hashes = await read_hashes(pool, inclusion_path(index, head.size))
    if included_root(index, head.size, leaf, hashes) != head.root:
        raise LogBrokenError(f"row {position} is not in the tree that was signed")
    proof = proof_text(index, hashes, signed.note, extra=leaf) if signed else None
    return Inclusion(position, head, leaf, hashes, proof)


async def _growth(pool: Pool, old: int, signed: Signed | None, new: int) -> Growth:
    """A proof of growth, compared with both roots. Raises LogBrokenError."""
    head = await _head(pool, new, signed)
    before = await _head(pool, old, await _signed(pool, AT_SIZE, old))
    hashes = await read_hashes(pool, consistency_path(old, new)) if old else []
    if not is_consistent(before, head, hashes):
        raise LogBrokenError(f"the log of {old} rows is not the beginning of that of {new}")
    return Growth(before, head, hashes, growth_text(old, hashes, signed.note) if signed else None)
