"""The log compared with the newest checkpoint that is kept outside the database and the pod.

Restoring an older backup also restores all that the database remembers. So a process compares
before it writes and before it signs: a log that ends before the checkpoint outside, or has other
rows under it, is neither written nor signed. The checkpoint outside is then not overwritten until
an operator declares a fork (fork.py).

A comparison computes the root from the tree's stored nodes and the rows after the last of them,
so its cost does not grow with the log. It detects another history; a single row that was altered
under a stored node is detected by verifying an export or a proof of that row.

If the place outside does not answer, a process that has compared before continues with what it
read last, and one that has not does not start.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from service.adapters.checkpoint_store import (
    AddressInvalidError,
    CheckpointStore,
    OutsideUnreachableError,
    store_of,
)
from service.clock import monotonic_s
from service.context import OutsideCheckpoint
from service.ledger.store import StoreUnavailableError
from service.proof.access_log_head import read_accesses
from service.proof.merkle import TreeHead, grow, leaf_hash, root_of
from service.proof.signed_notes import (
    Checkpoint,
    NoteInvalidError,
    open_note,
    read_checkpoint,
    read_verifier,
    split_note,
)
from service.proof.signing_keys import listed_keys, load_verifiers, origin_of
from service.proof.tree import ConnectionOrPool, LogBrokenError, edge_of, read_leaves, read_root
from service.runtime.readiness import ReadinessReason
from service.settings import Settings

LOG = logging.getLogger("gongji.outside")
FIRST_ATTEMPTS = 5
FIRST_PAUSE_S = 1.0
BACK_OFF_S = 5.0
"""Seconds without a request after one that got no answer: a sealer must not wait each time."""
LOOK_EVERY_S = 5.0
"""Seconds between comparisons of a running process: as often as a probe asks for readiness."""
PAGE = 2000
UNANSWERED = (
    "CHECKPOINT_UNREACHABLE: GONGJI_CHECKPOINT_URL, {}, gives no answer ({}). Nothing was written."
    " Check that the address is right, that it is up, and that this machine may read it (a file's"
    " directory must exist); then start again"
)
STATES = ("matching", "mismatch", "none", "unreachable")
NO_OUTSIDE = ReadinessReason(
    "NO_OUTSIDE_CHECKPOINT",
    "without GONGJI_CHECKPOINT_URL a restored older backup is not detected",
)


class CheckpointMismatchError(StoreUnavailableError):
    """The log is not the one whose checkpoint is kept outside; nothing was written."""

    def __init__(self, name: str, difference: str) -> None:
        super().__init__(
            f"CHECKPOINT_MISMATCH: {difference} (kept at {name}). Nothing is written until"
            " `gongji run --accept-fork TEXT` declares a fork"
        )
        self.difference = difference


UNSAFE = (AddressInvalidError, CheckpointMismatchError, OutsideUnreachableError)
"""Errors that keep a process from writing."""


class Outside:
    """The checkpoint outside, as one process sees it."""

    def __init__(self, store: CheckpointStore, key_file: Path) -> None:
        """Compare with the checkpoint in a store; `key_file` has the ledger's keys."""
        self._store = store
        self._key_file = key_file
        self._note: str | None = None
        self._has_read = False
        self._accepted: str | None = None
        self._retry_after_s = 0.0
        self.is_reachable = False
        self.mismatch: CheckpointMismatchError | None = None

    @property
    def name(self) -> str:
        """The name of the place for operators."""
        return self._store.name

    async def close(self) -> None:
        """Close the store's connections."""
        await self._store.close()

    async def read(self) -> str | None:
        """The note kept outside; the one read last if there is no answer.

        Raises:
            OutsideUnreachableError: no answer, and this process has read nothing yet.
        """
        if self._has_read and monotonic_s() < self._retry_after_s:
            return self._note
        for left in reversed(range(1 if self._has_read else FIRST_ATTEMPTS)):
            try:
                self._answered(await self._store.get())
                break
            except OutsideUnreachableError as error:
                self._failed()
                if not (left or self._has_read):
                    raise OutsideUnreachableError(UNANSWERED.format(self.name, error)) from error
                await asyncio.sleep(FIRST_PAUSE_S if left else 0)
        return self._note

    def _answered(self, note: str | None) -> None:
        self._note = note
        self.is_reachable = self._has_read = True

    def _failed(self) -> None:
        self.is_reachable = False
        self._retry_after_s = monotonic_s() + BACK_OFF_S

    async def check(self, connection: ConnectionOrPool) -> Checkpoint | None:
        """Compare the log; the checkpoint outside, or None if there is none yet.

        Raises:
            CheckpointMismatchError: it is another log, or ends before; OutsideUnreachableError.
        """
        note = await self.read()
        if note is None or note == self._accepted:
            self.mismatch = None
            return None
        differs = await difference(connection, note, self._key_file)
        self.mismatch = None if differs is None else CheckpointMismatchError(self.name, differs)
        if self.mismatch is not None:
            raise self.mismatch
        return read_checkpoint(note)

    async def keep(self, note: str) -> None:
        """Put a newer checkpoint there, after `check`. Raises OutsideUnreachableError."""
        try:
            await self._store.put(note)
        except OutsideUnreachableError:
            self._failed()
            raise
        self._answered(note)
        self._accepted = None

    @property
    def is_accepting(self) -> bool:
        """Whether a note that differs may still be overwritten."""
        return self._accepted is not None

    def accept(self, note: str) -> None:
        """Let this note be overwritten: an operator accepted that the log differs from it."""
        self._accepted = note

    async def watch(self, pool: ConnectionOrPool) -> None:
        """Compare for ever: a backup may be restored under a running process."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.check(pool)
            except CheckpointMismatchError as error:
                LOG.error("outside.mismatch %s", error)  # noqa: TRY400 -- no trace is wanted
            except Exception as error:  # noqa: BLE001 -- a watch that dies is a silent one
                LOG.warning("outside.unread error=%s", type(error).__name__)

    def reasons(self) -> list[ReadinessReason]:
        """Why this process is not ready, by its last comparison."""
        if self.mismatch is not None:
            return [ReadinessReason("CHECKPOINT_MISMATCH", str(self.mismatch), stops=True)]
        if not self.is_reachable:
            return [ReadinessReason("CHECKPOINT_UNREACHABLE", f"{self.name} does not answer")]
        return []


def outside_of(settings: Settings) -> Outside | None:
    """The checkpoint outside that the settings name, if any. Raises AddressInvalidError."""
    if settings.checkpoint_url is None:
        return None
    return Outside(store_of(settings.checkpoint_url), settings.key_file)


def reasons_of(outside: Outside | None) -> list[ReadinessReason]:
    """Why a process is not ready, by its checkpoint outside or for lack of one."""
    return [NO_OUTSIDE] if outside is None else outside.reasons()


def state_of(outside: OutsideCheckpoint | None) -> str:
    """The state of the checkpoint outside, one of `STATES`, for the metrics."""
    if outside is None:
        return "none"
    if outside.mismatch is not None:
        return "mismatch"
    return "matching" if outside.is_reachable else "unreachable"


async def difference(connection: ConnectionOrPool, note: str, key_file: Path) -> str | None:
    """How the log differs from a signed checkpoint; None if it grew out of that."""
    try:
        name = split_note(note)[0].partition("\n")[0]
        listed = map(read_verifier, await listed_keys(connection))  # of pods with newer key files
        signed = open_note(note, [*load_verifiers(key_file, name), *listed])
    except NoteInvalidError:
        return "the checkpoint outside is signed by no key of this ledger"
    if signed.origin != await origin_of(connection):
        return f"the checkpoint outside is of another ledger, {signed.origin}"
    position = await connection.fetchval("SELECT position FROM log_head")
    size = signed.head.size
    if size > position:
        return f"a checkpoint was signed over {size} rows, and the log ends at {position}"
    try:
        if await _root_at(connection, size) != signed.head.root:
            return f"the first {size} rows are not those that were signed"
        await _check_accesses(connection, signed.accesses)
    except LogBrokenError as error:
        return str(error)
    return None


async def _root_at(connection: ConnectionOrPool, size: int) -> bytes:
    """The root over the first rows, sealed or not. Raises LogBrokenError."""
    sealed, stored = await connection.fetchrow("SELECT size, edge FROM tree_edge")
    if size <= sealed:
        return await read_root(connection, size)
    edge = edge_of(sealed, stored)
    for after in range(sealed, size, PAGE):
        leaves = await read_leaves(connection, after, min(size, after + PAGE))
        edge = grow(edge, map(leaf_hash, leaves)).edge
    return root_of(edge.hashes)


async def _check_accesses(connection: ConnectionOrPool, signed: TreeHead | None) -> None:
    """Compare the access log, unless the signed access was pruned. Raises AccessesBrokenError."""
    pruned = await connection.fetchval("SELECT anchor_position FROM access_head")
    if signed is not None and pruned <= signed.size:
        await read_accesses(connection, signed)


@contextlib.asynccontextmanager
async def watched(outside: Outside | None, pool: ConnectionOrPool) -> AsyncIterator[None]:
    """Compare in the background while something runs."""
    task = None if outside is None else asyncio.create_task(outside.watch(pool))
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
