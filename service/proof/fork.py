"""Declare a fork: the log continues, although it did not grow out of what was signed.

For when an older backup is all that is left. The differences are recorded as an event with the
operator's text, and a new key signs from there on, so that no key ever signs two histories. A
checkpoint of the other history still proves what was lost.
"""

import asyncio
import hashlib
from pathlib import Path
from typing import NamedTuple

from aggregates.proof import ForkAccepted
from aggregates.vocabulary import Instant
from projections.kit.table import Connection
from service.adapters.checkpoint_store import OutsideUnreachableError
from service.caller import Caller, Request, Role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.proof.outside import Outside, difference
from service.proof.sealer import Sealer, mark_path
from service.proof.signed_notes import (
    NoteInvalidError,
    Verifier,
    is_signed,
    read_checkpoint,
    split_note,
)
from service.proof.signing_keys import listed_keys, load_signer, origin_of, rotate
from service.settings import Settings

DECLARER = Caller(Role.OPERATOR, "fork", None, "operator:fork")
TEXT_MAX = 500
SEAL_ATTEMPTS, SEAL_PAUSE_S = 60, 0.5


class ForkRefusedError(Exception):
    """The fork cannot be declared; the message says why."""


class CheckpointDifference(NamedTuple):
    """A signed checkpoint, and how the log differs from it."""

    note: str
    difference: str


async def begin_fork(
    connection: Connection, settings: Settings, outside: Outside | None, text: str
) -> list[CheckpointDifference]:
    """Prepare a fork before anything is written: a new key, and no checkpoint to compare with.

    Does nothing and returns no difference if the log grew out of everything that was signed.

    Raises:
        ForkRefusedError: no text, or the key file cannot be written; OutsideUnreachableError.
    """
    if not 0 < len(text.strip()) <= TEXT_MAX:
        raise ForkRefusedError(f"--accept-fork takes a reason of 1 to {TEXT_MAX} characters")
    mark = mark_path(settings.data, await origin_of(connection))
    signed = [
        await outside.read() if outside else None,
        mark.read_text(encoding="utf-8") if mark.exists() else None,
    ]
    differences = []
    for note in dict.fromkeys(note for note in signed if note is not None):
        differs = await difference(connection, note, settings.key_file)
        if differs is not None:
            differences.append(CheckpointDifference(note, differs))
    if differences:
        await _renew_key(connection, settings.key_file, differences)
        first = differences[0].note
        if outside is not None:
            outside.accept(first)
        if mark.exists():
            mark.rename(mark.with_name(f"{mark.name}.forked-{_digest(first).hex()[:8]}"))
    return differences


async def declare_fork(
    context: ServiceContext,
    sealer: Sealer,
    outside: Outside | None,
    differences: list[CheckpointDifference],
    text: str,
) -> None:
    """Record the fork, seal it and put it outside before anything else is written.

    Raises:
        OutsideUnreachableError: it is recorded but not outside, and has to be accepted again.
    """
    note = differences[0].note
    size, root = _signed_head(note)
    event = ForkAccepted(
        text=text.strip(),
        difference="; ".join(each.difference for each in differences),
        signed_size=size,
        signed_root=root,
    )

    def decide(_: ReadSet, now: Instant) -> Decision:
        return Decision(answer=b"true", events=[(new_stream("ldg", now.at), event)])

    digest = _digest(note)
    await context.do(Request(DECLARER, f"fork:{digest.hex()[:32]}", digest, "start"), decide)
    for _ in range(SEAL_ATTEMPTS):
        is_ours = await sealer.seal_now()
        if is_ours and (outside is None or not outside.is_accepting):
            return
        await asyncio.sleep(SEAL_PAUSE_S)
    raise OutsideUnreachableError("the fork was not put outside; accept it again")


async def _renew_key(
    connection: Connection, key_file: Path, differences: list[CheckpointDifference]
) -> None:
    """Make a new key unless the newest one never signed. Raises ForkRefusedError."""
    verifier = load_signer(key_file, await origin_of(connection)).verifier
    has_signed = verifier.text() in await listed_keys(connection)
    if not has_signed and not any(_signs(verifier, each.note) for each in differences):
        return
    try:
        rotate(key_file)
    except OSError as error:
        raise ForkRefusedError(
            f"{key_file.name} cannot be written ({type(error).__name__}): run `gongji rotate` on a"
            " copy, put that in its place, and accept the fork again"
        ) from error


def _signs(verifier: Verifier, note: str) -> bool:
    try:
        text, lines = split_note(note)
    except NoteInvalidError:
        return False
    return any(is_signed(text, line, verifier) for line in lines)


def _signed_head(note: str) -> tuple[int, str]:
    """The size and the root (hex) that a note signs; 0 and "" if it cannot be read."""
    try:
        head = read_checkpoint(note).head
    except NoteInvalidError:
        return 0, ""
    return head.size, head.root.hex()


def _digest(note: str) -> bytes:
    return hashlib.sha256(note.encode()).digest()
