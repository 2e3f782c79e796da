"""Seal the log: every row into the tree, every growth under a signed checkpoint.

One process at a time seals; it holds an advisory lock on a connection of its own. A seal is one
transaction: edge, nodes and checkpoint together. A checkpoint also signs the head of the access
log, and one is made when only that grew. The last checkpoint is also written to a file, the mark,
outside the database: a log or an access log that ends before it or differs from it is not sealed.
"""

import asyncio
import contextlib
import logging
from pathlib import Path

from projections.kit.table import Connection
from service.adapters.checkpoint_store import OutsideUnreachableError
from service.ledger.postgres.connect import DEFAULT, Patience, connect, holder_settings
from service.ledger.postgres.roles import WRITER
from service.proof.access_log_head import have_grown, read_accesses
from service.proof.merkle import EMPTY, Grown, TreeHead, grow, leaf_hash, root_of
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
from service.proof.signing_keys import load_signer, origin_of
from service.proof.tree import (
    ConnectionOrPool,
    LogBrokenError,
    edge_of,
    keep,
    read_leaves,
    read_root,
)

LOG = logging.getLogger("gongji.seal")
SEAL_EVERY_S = 0.25
STANDBY_EVERY_S = 1.0
RETRY_S = 2.0
ROWS_MAX = 2000
"""Rows under one checkpoint."""
SETTINGS = {"role": WRITER, "jit": "off", "application_name": "gongji-seal"}
TRY_LOCK = "SELECT pg_try_advisory_lock(hashtext('gongji.seal'), hashtext(current_schema()))"
SAVE = """
    WITH edge AS (UPDATE tree_edge SET size = $1, edge = $2),
         key AS (INSERT INTO seal_keys VALUES ($5, $1) ON CONFLICT DO NOTHING)
    INSERT INTO checkpoints (size, root, note, accesses) VALUES ($1, $3, $4, $6)
"""
NEWEST = "SELECT note FROM checkpoints ORDER BY size DESC, accesses DESC LIMIT 1"


class LogShortenedError(LogBrokenError):
    """The log ends before a checkpoint that was signed: an older backup, or rows cut off."""

    def __init__(self, size: int, signed: int) -> None:
        super().__init__(
            f"the log ends at {size}, but a checkpoint was signed over {signed} rows:"
            " an older backup was restored, or rows were deleted"
        )


class LogForkedError(LogBrokenError):
    """The log is long enough, but holds other rows than those that were signed."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the first {size} rows are not those that were signed")


async def check_length(connection: ConnectionOrPool, marks: Path) -> None:
    """Compare both logs with the last checkpoint, at every start.

    Raises:
        LogShortenedError, AccessesBrokenError: one of them is shorter, or another one.
    """
    position = await connection.fetchval("SELECT position FROM log_head")
    sealed = await connection.fetchval("SELECT size FROM tree_edge")
    mark = _mark(marks, await origin_of(connection))
    signed = max(sealed, mark.head.size)
    if signed > position:
        raise LogShortenedError(position, signed)
    await read_accesses(connection, mark.accesses)


async def check_accesses(connection: ConnectionOrPool, marks: Path) -> None:
    """Compare the access log with the last checkpoint. Raises AccessesBrokenError."""
    mark = _mark(marks, await origin_of(connection))
    await read_accesses(connection, mark.accesses)


def mark_path(marks: Path, origin: str) -> Path:
    """Where the last checkpoint of a ledger is written in a data directory."""
    return marks / f"checkpoint-{origin.partition('/')[2]}"


def _mark(marks: Path, origin: str) -> Checkpoint:
    """The last checkpoint that was signed here; one of an empty log before the first."""
    path = mark_path(marks, origin)
    try:
        text, _ = split_note(path.read_text(encoding="utf-8"))
        return read_checkpoint(text)
    except FileNotFoundError:
        return Checkpoint(origin, TreeHead(0, EMPTY))
    except NoteInvalidError as error:
        raise LogBrokenError(f"{path.name} is not a checkpoint") from error


class Sealer:
    """This process's sealer: it seals or stands by. `failures` counts the errors it survived."""

    def __init__(
        self,
        dsn: str,
        key_file: Path,
        marks: Path,
        outside: Outside | None = None,
        patience: Patience = DEFAULT,
    ) -> None:
        """Seal the log of a database; `marks` is the data directory.

        The log is compared with the checkpoint `outside` before a signature, which is then put
        there.
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
        """Start on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop. A seal in flight is rolled back, and the next sealer repeats it."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def seal_now(self) -> bool:
        """Seal everything once; False if another process seals.

        Raises:
            LogBrokenError, CheckpointMismatchError: the log is not what was signed;
            OutsideUnreachableError: the checkpoint outside cannot be read.
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
        """Seal for ever. Errors are logged without their text, which may hold row values."""
        while True:
            try:
                await self._seal()
            except (LogBrokenError, CheckpointMismatchError) as error:
                self.failures += 1
                LOG.error("seal.refused %s", error)  # noqa: TRY400 -- no trace is wanted
            except Exception as error:  # noqa: BLE001 -- a sealer that dies is a silent one
                if self._is_closing:
                    return  # a rollback on a lost connection replaced the cancellation
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
            while not await connection.fetchval(TRY_LOCK):  # noqa: ASYNC110 -- no notification
                await asyncio.sleep(STANDBY_EVERY_S)
            while True:
                if not await self._step(connection):
                    await asyncio.sleep(SEAL_EVERY_S)
        finally:
            with contextlib.suppress(Exception):
                await connection.close(timeout=1.0)

    async def _connected(self) -> Connection:
        settings = SETTINGS | holder_settings(self._patience)
        return await connect(self._dsn, settings, self._patience, answer_s=self._patience.silent_s)

    async def _step(self, connection: Connection) -> bool:
        """Seal the next rows, and accesses with or without them; whether there were rows."""
        origin = await origin_of(connection)
        mark = _mark(self._marks, origin)
        async with connection.transaction():
            size, edge = await connection.fetchrow("SELECT size, edge FROM tree_edge FOR UPDATE")
            accesses = await read_accesses(connection, mark.accesses)
            upto = await _upto(connection, size, mark.head)
            note = None
            if upto > size or await have_grown(connection, size, accesses):
                if self._outside is not None:
                    await self._outside.check(connection)
                leaves = await read_leaves(connection, size, upto)
                grown = grow(edge_of(size, edge), map(leaf_hash, leaves))
                head = TreeHead(upto, root_of(grown.edge.hashes))
                if mark.head.size == upto and mark.head != head:
                    raise LogForkedError(upto)
                signer = load_signer(self._key_file, origin)
                note = await _save(connection, grown, Checkpoint(origin, head, accesses), signer)
        if note is not None:
            self._is_behind = self._outside is not None
            if mark.head.size <= upto:
                _write_mark(mark_path(self._marks, origin), note)
        if self._is_behind:
            await self._put_outside(connection)
        return bool(upto > size)

    async def _put_outside(self, connection: Connection) -> None:
        """Put the newest checkpoint outside unless a newer one is there; retried at each step.

        Raises:
            CheckpointMismatchError: the one outside is not of this log.
        """
        assert self._outside is not None, "only with a place outside is a sealer behind"
        try:
            outside = await self._outside.check(connection)
            note = await connection.fetchval(NEWEST)
            if note is None:
                return
            if outside is None or _reach(read_checkpoint(note)) >= _reach(outside):
                await self._outside.keep(note)
                self._is_behind = False
        except OutsideUnreachableError as error:
            LOG.warning("seal.untold error=%s", type(error).__name__)


def _reach(checkpoint: Checkpoint) -> tuple[int, int]:
    """How many rows and accesses it signs."""
    accesses = checkpoint.accesses
    return checkpoint.head.size, accesses.size if accesses else 0


async def _upto(connection: Connection, size: int, mark: TreeHead) -> int:
    """The last position of the next seal. Stops at the mark first, to compare the roots there.

    Raises:
        LogShortenedError, LogForkedError: the log is not what was signed.
    """
    position: int = await connection.fetchval("SELECT position FROM log_head")
    if position < max(size, mark.size):
        raise LogShortenedError(position, max(size, mark.size))
    if 0 < mark.size <= size:
        sealed = "SELECT root FROM checkpoints WHERE size = $1"
        root = await connection.fetchval(sealed, mark.size)
        if (root or await read_root(connection, mark.size)) != mark.root:
            raise LogForkedError(mark.size)
    upto = min(position, size + ROWS_MAX)
    return min(upto, mark.size) if size < mark.size else upto


def _write_mark(path: Path, note: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    new.write_text(note, encoding="utf-8")
    new.replace(path)


async def _save(
    connection: Connection, grown: Grown, checkpoint: Checkpoint, signer: Signer
) -> str:
    """Store nodes, edge and the signed checkpoint; its note."""
    await keep(connection, grown)
    text = checkpoint_text(checkpoint)
    note = note_of(text, signer.sign(text))
    size, root = checkpoint.head
    accesses = checkpoint.accesses.size if checkpoint.accesses else 0
    edge, key = b"".join(grown.edge.hashes), signer.verifier.text()
    await connection.execute(SAVE, size, edge, root, note, key, accesses)
    return note
