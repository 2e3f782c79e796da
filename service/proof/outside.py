"""The log against the newest checkpoint that is kept outside the database and the pod.

An older backup that is put back takes every memory inside the database along. Before a process
writes, and before it signs, it compares: a log that ends before the checkpoint outside, or has
other rows under it, is not written to and not signed. What stands outside is never overwritten
then, until an operator declares a fork (fork.py).

A comparison works out the root from the tree's stored nodes and the rows behind the last of them.
So it costs the same in a long log, and notices another history; a single row that was altered
under a stored node is noticed by whoever verifies an export or a proof of it.

Where nobody answers, a process that has compared before goes on with what it saw last; one that
never did does not begin.
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
from service.proof.access_log_head import AccessesBrokenError, read_accesses
from service.proof.merkle import TreeHead, grow, leaf_hash, root_of
from service.proof.signed_notes import (
    Checkpoint,
    NoteInvalidError,
    open_note,
    read_checkpoint,
    read_verifier,
    split_note,
)
from service.proof.signing_keys import load_verifiers
from service.proof.tree import ConnectionOrPool, LogBrokenError, edge_of, read_leaves, read_root
from service.runtime.readiness import ReadinessReason
from service.settings import Settings

LOG = logging.getLogger("gongji.outside")
FIRST_ATTEMPTS = 5
FIRST_PAUSE_S = 1.0
AGAIN_S = 5.0
"""How long nobody is asked after no answer came, in seconds: a sealer must not wait each time."""
LOOK_EVERY_S = 5.0
"""How often a running process compares: as often as a probe asks whether it is ready."""
PAGE = 2000
UNANSWERED = (
    "CHECKPOINT_UNREACHABLE: GONGJI_CHECKPOINT_URL, {}, gives no answer ({}). Nothing was written."
    " See that the address is right, that it is up, and that this machine may read it (a file's"
    " directory must be there); then start again"
)
STATES = ("matching", "mismatch", "none", "unreachable")
NO_OUTSIDE = ReadinessReason(
    "NO_OUTSIDE_CHECKPOINT",
    "without GONGJI_CHECKPOINT_URL nobody notices that an older backup was put back",
)


class CheckpointMismatchError(StoreUnavailableError):
    """The log is not the one whose checkpoint is kept outside; nothing was written."""

    def __init__(self, name: str, difference: str) -> None:
        """Name the place and the difference."""
        super().__init__(
            f"CHECKPOINT_MISMATCH: {difference} (kept at {name}). Nothing is written until"
            " `gongji run --accept-fork TEXT` declares a fork"
        )
        self.difference = difference


UNSAFE = (AddressInvalidError, CheckpointMismatchError, OutsideUnreachableError)
"""Why a process does not begin to write."""


class Outside:
    """The checkpoint outside, as one process sees it."""

    def __init__(self, store: CheckpointStore, key_file: Path) -> None:
        """Compare with what is in this store; a ledger's keys are in `key_file`."""
        self._store = store
        self._key_file = key_file
        self._seen: str | None = None
        self._has_seen = False
        self._accepted: str | None = None
        self._ask_after_s = 0.0
        self.is_reachable = False
        self.mismatch: CheckpointMismatchError | None = None

    @property
    def name(self) -> str:
        """How the place is told to operators."""
        return self._store.name

    async def close(self) -> None:
        """Let the connections go."""
        await self._store.close()

    async def read(self) -> str | None:
        """What is kept outside now; what was seen last where nobody answers.

        Raises:
            OutsideUnreachableError: nobody answers, and this process has seen nothing yet.
        """
        if self._has_seen and monotonic_s() < self._ask_after_s:
            return self._seen
        for left in reversed(range(1 if self._has_seen else FIRST_ATTEMPTS)):
            try:
                self._seen = await self._store.get()
            except OutsideUnreachableError as error:
                self._failed()
                if not (left or self._has_seen):
                    raise OutsideUnreachableError(UNANSWERED.format(self.name, error)) from error
                await asyncio.sleep(FIRST_PAUSE_S if left else 0)
            else:
                self.is_reachable = self._has_seen = True
                break
        return self._seen

    def _failed(self) -> None:
        self.is_reachable = False
        self._ask_after_s = monotonic_s() + AGAIN_S

    async def check(self, connection: ConnectionOrPool) -> Checkpoint | None:
        """Compare the log; the checkpoint outside, or None where nothing is kept yet.

        Raises:
            CheckpointMismatchError: it is another log, or ends before; OutsideUnreachableError.
        """
        text = await self.read()
        if text is None or text == self._accepted:
            self.mismatch = None
            return None
        found = await difference(connection, text, self._key_file)
        self.mismatch = None if found is None else CheckpointMismatchError(self.name, found)
        if self.mismatch is not None:
            raise self.mismatch
        return read_checkpoint(text)

    async def keep(self, note: str) -> None:
        """Put a newer checkpoint there; `check` came before.

        Raises:
            OutsideUnreachableError: it was not taken.
        """
        try:
            await self._store.put(note)
        except OutsideUnreachableError:
            self._failed()
            raise
        self._seen, self._accepted = note, None
        self.is_reachable = self._has_seen = True

    @property
    def is_accepting(self) -> bool:
        """Whether a text may still be overwritten."""
        return self._accepted is not None

    def accept(self, text: str) -> None:
        """Let this very text be overwritten: an operator accepted that the log differs from it."""
        self._accepted = text

    async def watch(self, pool: ConnectionOrPool) -> None:
        """Compare for ever: a database may be put back under a process that runs."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.check(pool)
            except CheckpointMismatchError as error:
                LOG.error("outside.mismatch %s", error)  # noqa: TRY400 -- no trace is wanted
            except Exception as error:  # noqa: BLE001 -- a watch that dies is a silent one
                LOG.warning("outside.unread error=%s", type(error).__name__)

    def reasons(self) -> list[ReadinessReason]:
        """Why this process is not wholly ready, as it compared last."""
        if self.mismatch is not None:
            return [ReadinessReason("CHECKPOINT_MISMATCH", str(self.mismatch), stops=True)]
        if not self.is_reachable:
            return [ReadinessReason("CHECKPOINT_UNREACHABLE", f"{self.name} does not answer")]
        return []


def outside_of(settings: Settings) -> Outside | None:
    """The checkpoint outside that a deployment names; None where it names none.

    Raises:
        AddressInvalidError: the address is of no kind that is known.
    """
    if settings.checkpoint_url is None:
        return None
    return Outside(store_of(settings.checkpoint_url), settings.key_file)


def reasons_of(outside: Outside | None) -> list[ReadinessReason]:
    """What the checkpoint outside, or that there is none, says about readiness."""
    return [NO_OUTSIDE] if outside is None else outside.reasons()


def state_of(outside: OutsideCheckpoint | None) -> str:
    """How it stands with the checkpoint outside, one of `STATES`, for the metrics."""
    if outside is None:
        return "none"
    if outside.mismatch is not None:
        return "mismatch"
    return "matching" if outside.is_reachable else "unreachable"


async def difference(connection: ConnectionOrPool, text: str, key_file: Path) -> str | None:
    """How the log differs from a checkpoint's note; None where it grew out of that."""
    ledger = await connection.fetchval("SELECT fingerprint FROM fingerprints WHERE name = 'ledger'")
    origin = f"gongji/{ledger}"
    keys = await connection.fetch("SELECT verifier_key FROM seal_keys")  # of pods ahead of ours
    try:
        name = split_note(text)[0].partition("\n")[0]
        known = open_note(
            text, [*load_verifiers(key_file, name), *(read_verifier(key) for (key,) in keys)]
        )
    except NoteInvalidError:
        return "the checkpoint outside is signed by no key of this ledger"
    if known.origin != origin:
        return f"the checkpoint outside is of another ledger, {known.origin}"
    position = await connection.fetchval("SELECT position FROM log_head")
    if known.head.size > position:
        size = known.head.size
        return f"a checkpoint was signed over {size} rows, and the log ends at {position}"
    try:
        root = await _root_at(connection, known.head.size)
        if root != known.head.root:
            return f"the first {known.head.size} rows are not those that were signed"
        await _check_accesses(connection, known.accesses)
    except (LogBrokenError, AccessesBrokenError) as error:
        return str(error)
    return None


async def _root_at(connection: ConnectionOrPool, size: int) -> bytes:
    """The root over the first rows, whether the tree has come so far or not.

    Raises:
        LogBrokenError: a row or a node is gone.
    """
    sealed, stored = await connection.fetchrow("SELECT size, edge FROM tree_edge")
    if size <= sealed:
        return await read_root(connection, size)
    edge = edge_of(sealed, stored)
    for after in range(sealed, size, PAGE):
        leaves = await read_leaves(connection, after, min(size, after + PAGE))
        edge = grow(edge, map(leaf_hash, leaves)).edge
    return root_of(edge.hashes)


async def _check_accesses(connection: ConnectionOrPool, signed: TreeHead | None) -> None:
    """Hold the access log against those that were signed, unless they were forgotten since.

    Raises:
        AccessesBrokenError: it is not the one that was signed.
    """
    forgotten = await connection.fetchval("SELECT anchor_position FROM access_head")
    if signed is not None and forgotten <= signed.size:
        await read_accesses(connection, signed)


@contextlib.asynccontextmanager
async def watched(outside: Outside | None, pool: ConnectionOrPool) -> AsyncIterator[None]:
    """Compare while something runs."""
    task = None if outside is None else asyncio.create_task(outside.watch(pool))
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
