"""Seal the log: every row into the tree, every growth under a signed checkpoint.

One process at a time seals, holding an advisory lock on a connection of its own. A seal is one
transaction: edge, nodes and checkpoint, or nothing. A checkpoint signs the access log's head as
well, and comes when that alone grew. The last one is written to a file too, outside the database:
a log or an access log that ends before it, or is another one, is never sealed.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

import asyncpg

from service.adapters.checkpoint_store import OutsideUnreachableError
from service.ledger.postgres.connect import DEFAULT, Patience, connect, holder_settings
from service.ledger.postgres.roles import WRITER
from service.proof.access_log_head import AccessesBrokenError, have_grown, read_accesses
from service.proof.merkle import EMPTY, Edge, Grown, TreeHead, grow, leaf_hash, root_of
from service.proof.outside import CheckpointMismatchError, Outside
from service.proof.signed_notes import (
    Checkpoint,
    NoteInvalidError,
    Signer,
    checkpoint_text,
    note_of,
    read_checkpoint,
    split_note,
)
from service.proof.signing_keys import load_signer
from service.proof.tree import LogBrokenError, edge_of, keep, read_leaves, read_root

LOG = logging.getLogger("gongji.seal")
SEAL_EVERY_S = 0.25
STANDBY_EVERY_S = 1.0
RETRY_S = 2.0
ROWS_MAX = 2000
"""Rows under one checkpoint."""
SETTINGS = {
    "role": WRITER,
    "jit": "off",
    "application_name": "gongji-seal",
}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.seal'), hashtext(current_schema()))"
SAVE = """
    WITH edge AS (UPDATE tree_edge SET size = $1, edge = $2),
         key AS (INSERT INTO seal_keys VALUES ($5, $1) ON CONFLICT DO NOTHING)
    INSERT INTO checkpoints (size, root, note, accesses) VALUES ($1, $3, $4, $6)
"""
NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC, accesses DESC LIMIT 1"
NOTHING = TreeHead(0, EMPTY)


class LogShortenedError(Exception):
    """The log ends before a checkpoint that was signed: an older backup, or rows cut off."""

    def __init__(self, size: int, signed: int) -> None:
        """Say how long the log is, and how long it was."""
        super().__init__(
            f"the log ends at {size}, but a checkpoint was signed over {signed} rows:"
            " an older backup was restored, or rows were deleted"
        )


class LogForkedError(Exception):
    """The log is as long as it was, and other rows are in it than those that were signed."""

    def __init__(self, size: int) -> None:
        """Say at which size the roots differ."""
        super().__init__(f"the first {size} rows are not those that were signed")


async def origin_of(connection: Any) -> str:  # noqa: ANN401 -- a connection of asyncpg, or a pool
    """Which ledger this is, as its checkpoints name it."""
    ledger = await connection.fetchval("SELECT fingerprint FROM fingerprints WHERE name = 'ledger'")
    return f"gongji/{ledger}"


async def check_length(connection: Any, marks: Path) -> None:  # noqa: ANN401
    """Look whether both logs are at least as long as the last checkpoint says; at every start.

    Raises:
        LogShortenedError, AccessesBrokenError: one of them is not.
    """
    position = await connection.fetchval("SELECT position FROM log_head")
    sealed = await connection.fetchval("SELECT size FROM tree_edge")
    mark = _mark(marks, await origin_of(connection))
    signed = max(sealed, mark.head.size)
    if signed > position:
        raise LogShortenedError(position, signed)
    await check_accesses(connection, marks)


async def check_accesses(connection: Any, marks: Path) -> None:  # noqa: ANN401
    """Hold the access log against the last checkpoint.

    Raises:
        AccessesBrokenError: it is not the one that was signed.
    """
    mark = _mark(marks, await origin_of(connection))
    await read_accesses(connection, mark.accesses)


def mark_path(marks: Path, origin: str) -> Path:
    """Where the last checkpoint of a ledger is written, in a data directory."""
    return marks / f"checkpoint-{origin.partition('/')[2]}"


def read_mark(marks: Path, origin: str) -> TreeHead | None:
    """Size and root of the last checkpoint that was signed here; None where none was."""
    head = _mark(marks, origin).head
    return head if head.size else None


def _mark(marks: Path, origin: str) -> Checkpoint:
    """The last checkpoint that was signed here; one over nothing where none was."""
    path = mark_path(marks, origin)
    try:
        text, _ = split_note(path.read_text(encoding="utf-8"))
        return read_checkpoint(text)
    except FileNotFoundError:
        return Checkpoint(origin, NOTHING)
    except NoteInvalidError as error:
        raise LogBrokenError(f"{path.name} is not a checkpoint") from error


class Sealer:
    """This process's sealer: it seals, or it stands by. `failures` counts what it survived."""

    def __init__(
        self,
        dsn: str,
        key_file: Path,
        marks: Path,
        outside: Outside | None = None,
        patience: Patience = DEFAULT,
    ) -> None:
        """Seal a database's log with a key file; `marks` is the data directory.

        Before a signature the log is held against the checkpoint `outside`, and put there after.
        """
        self._dsn = dsn
        self._patience = patience
        self._key_file = key_file
        self._marks = marks
        self._outside = outside
        self._is_behind = outside is not None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self.failures = 0

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; a seal in flight is rolled back, and whoever seals next makes it again."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def seal_now(self) -> bool:
        """Seal what there is, once, where nobody else does; whether we did.

        Raises:
            LogShortenedError, LogForkedError, LogBrokenError, AccessesBrokenError,
            CheckpointMismatchError: the log, or the access log, is not what was signed;
            OutsideUnreachableError: nobody says what was.
        """
        connection = await self._connected()
        try:
            if not await connection.fetchval(TRY_LOCK):
                return False
            while await self._step(connection):
                pass
        finally:
            await connection.close()
        return True

    async def _run(self) -> None:
        """Seal for ever; whatever goes wrong is told without its words, and tried again."""
        while True:
            try:
                await self._seal()
            except (
                LogShortenedError,
                LogForkedError,
                LogBrokenError,
                AccessesBrokenError,
                CheckpointMismatchError,
            ) as error:
                self.failures += 1
                LOG.error("seal.refused %s", error)  # noqa: TRY400 -- no trace is wanted
            except Exception as error:  # noqa: BLE001 -- a sealer that dies is a silent one
                if self._is_closing:
                    return  # a rollback on a connection that is gone took the cancellation's place
                self.failures += 1
                LOG.error(  # noqa: TRY400
                    "seal.failed error=%s sqlstate=%s",
                    type(error).__name__,
                    getattr(error, "sqlstate", None),
                )
            await asyncio.sleep(RETRY_S)

    async def _seal(self) -> None:
        connection = await self._connected()
        try:
            while not await connection.fetchval(TRY_LOCK):  # noqa: ASYNC110 -- nobody tells us
                await asyncio.sleep(STANDBY_EVERY_S)
            while True:
                if not await self._step(connection):
                    await asyncio.sleep(SEAL_EVERY_S)
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1.0)

    async def _connected(self) -> "asyncpg.Connection[Any]":
        return await connect(
            self._dsn,
            SETTINGS | holder_settings(self._patience),
            self._patience,
            answer_s=self._patience.silent_s,
        )

    async def _step(self, connection: "asyncpg.Connection[Any]") -> bool:
        """Seal the next rows, and accesses with or without them; whether there were rows."""
        origin = await origin_of(connection)
        last = _mark(self._marks, origin)
        async with connection.transaction():
            size, stored = await connection.fetchrow("SELECT size, edge FROM tree_edge FOR UPDATE")
            accesses = await read_accesses(connection, last.accesses)
            upto = await _upto(connection, size, last.head)
            note = None
            if upto > size or await have_grown(connection, size, accesses):
                if self._outside is not None:
                    await self._outside.check(connection)
                leaves = await read_leaves(connection, size, upto)
                grown = grow(edge_of(size, stored), map(leaf_hash, leaves))
                made = Checkpoint(origin, TreeHead(upto, root_of(grown.edge.hashes)), accesses)
                note = await self._sign(connection, grown, made, last.head)
        if note is not None:
            self._is_behind = self._outside is not None
            if last.head.size <= upto:
                _write_mark(mark_path(self._marks, origin), note)
        if self._is_behind:
            await self._tell_outside(connection)
        return bool(upto > size)

    async def _sign(
        self, connection: "asyncpg.Connection[Any]", grown: Grown, made: Checkpoint, mark: TreeHead
    ) -> str:
        """Store what grew under a signed checkpoint; the note.

        Raises:
            LogForkedError: another root of this size was signed.
        """
        if mark.size == made.head.size and mark.root != made.head.root:
            raise LogForkedError(mark.size)
        await keep(connection, grown)
        signer = load_signer(self._key_file, made.origin)
        return await _save(connection, grown.edge, made, signer)

    async def _tell_outside(self, connection: "asyncpg.Connection[Any]") -> None:
        """Put the newest checkpoint outside, unless a newer one is there; else tried again.

        Raises:
            CheckpointMismatchError: what is there is not of this log.
        """
        assert self._outside is not None, "who is behind has somebody to tell"
        try:
            there = await self._outside.check(connection)
            note = await connection.fetchval(NEWEST)
            if note is not None and not _is_before(read_checkpoint(note), there):
                await self._outside.keep(note)
                self._is_behind = False
        except OutsideUnreachableError as error:
            LOG.warning("seal.untold error=%s", type(error).__name__)


def _is_before(one: Checkpoint, other: Checkpoint | None) -> bool:
    """Whether a checkpoint is older than another of the same log."""
    return other is not None and _reach(one) < _reach(other)


def _reach(checkpoint: Checkpoint) -> tuple[int, int]:
    accesses = checkpoint.accesses
    return checkpoint.head.size, accesses.size if accesses else 0


async def _upto(connection: "asyncpg.Connection[Any]", size: int, mark: TreeHead) -> int:
    """Up to where the next seal goes; first to the last checkpoint outside, to be compared.

    Raises:
        LogShortenedError, LogForkedError: the log is not what was signed.
    """
    position: int = await connection.fetchval("SELECT position FROM log_head")
    if position < max(size, mark.size):
        raise LogShortenedError(position, max(size, mark.size))
    if 0 < mark.size <= size:
        await _check_root(connection, mark)
    upto = min(position, size + ROWS_MAX)
    return min(upto, mark.size) if size < mark.size else upto


def _write_mark(path: Path, note: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.new")
    made.write_text(note, encoding="utf-8")
    made.replace(path)


async def _check_root(connection: "asyncpg.Connection[Any]", mark: TreeHead) -> None:
    """Compare what was sealed with the last checkpoint outside.

    Raises:
        LogForkedError: they are two different logs.
    """
    root = await connection.fetchval("SELECT root FROM checkpoints WHERE size = $1", mark.size)
    if (root or await read_root(connection, mark.size)) != mark.root:
        raise LogForkedError(mark.size)


async def _save(
    connection: "asyncpg.Connection[Any]", edge: Edge, checkpoint: Checkpoint, signer: Signer
) -> str:
    """Store the edge and the signed checkpoint; the note."""
    text = checkpoint_text(checkpoint)
    note = note_of(text, signer.sign(text))
    await connection.execute(
        SAVE,
        edge.size,
        b"".join(edge.hashes),
        checkpoint.head.root,
        note,
        signer.verifier.text(),
        checkpoint.accesses.size if checkpoint.accesses else 0,
    )
    return note
