"""Declare a fork: the log goes on, though a history was signed that it did not grow out of.

The older backup has to be all that is left. What differs is listed, the operator's text is
recorded with it as an event, and a new key signs from there on, so that no key ever signs two
histories. Whoever holds a checkpoint of the other history can prove with it what was lost.
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
from service.proof.sealer import Sealer, mark_path, origin_of
from service.proof.signed_notes import NoteInvalidError, is_signed, read_checkpoint, split_note
from service.proof.signing_keys import load_signer, rotate
from service.settings import Settings

DECLARER = Caller(Role.OPERATOR, "fork", None, "operator:fork")
TEXT_MAX = 500
SEAL_ATTEMPTS, SEAL_PAUSE_S = 60, 0.5


class ForkRefusedError(Exception):
    """A fork cannot be declared as it is asked for; the message says why."""


class CheckpointDifference(NamedTuple):
    """A checkpoint that was signed, and how the log differs from it."""

    note: str
    difference: str


async def begin_fork(
    connection: Connection, settings: Settings, outside: Outside | None, text: str
) -> list[CheckpointDifference]:
    """Prepare for a fork before anything is written: a new key, and nothing left to compare with.

    Where the log grew out of everything that was signed there is no fork, and nothing is done.

    Raises:
        ForkRefusedError: no text, or the key file cannot be written; OutsideUnreachableError.
    """
    if not 0 < len(text.strip()) <= TEXT_MAX:
        raise ForkRefusedError(f"--accept-fork takes a reason of 1 to {TEXT_MAX} characters")
    mark = mark_path(settings.data, await origin_of(connection))
    kept = [await outside.read() if outside else None, _read(mark)]
    found = []
    for note in dict.fromkeys(note for note in kept if note is not None):
        differs = await difference(connection, note, settings.key_file)
        if differs is not None:
            found.append(CheckpointDifference(note, differs))
    if found:
        await _renew_key(connection, settings.key_file, found)
        if outside is not None:
            outside.accept(found[0].note)
        if mark.exists():
            mark.rename(mark.with_name(f"{mark.name}.forked-{_digest(found[0].note)[:8]}"))
    return found


async def declare_fork(
    context: ServiceContext,
    sealer: Sealer,
    outside: Outside | None,
    found: list[CheckpointDifference],
    text: str,
) -> None:
    """Record the fork, and have it signed and told outside before anything else is written.

    Raises:
        OutsideUnreachableError: it is recorded, and has to be accepted again to be told outside.
    """
    first = found[0]
    signed = _head_of(first.note)
    event = ForkAccepted(
        text=text.strip(),
        difference="; ".join(each.difference for each in found),
        signed_size=signed[0],
        signed_root=signed[1],
    )

    def decide(_: ReadSet, now: Instant) -> Decision:
        return Decision(answer=b"true", events=[(new_stream("ldg", now.at), event)])

    digest = hashlib.sha256(first.note.encode()).digest()
    request = Request(DECLARER, f"fork:{_digest(first.note)[:32]}", digest, "start")
    await context.do(request, decide)
    for _ in range(SEAL_ATTEMPTS):
        is_ours = await sealer.seal_now()
        if is_ours and (outside is None or not outside.is_accepting):
            return
        await asyncio.sleep(SEAL_PAUSE_S)
    raise OutsideUnreachableError("the fork was not told outside; accept it again")


async def _renew_key(
    connection: Connection, key_file: Path, found: list[CheckpointDifference]
) -> None:
    """Sign with a key that never signed, from now on.

    Raises:
        ForkRefusedError: the key file cannot be written.
    """
    signer = load_signer(key_file, await origin_of(connection))
    keys = {key for (key,) in await connection.fetch("SELECT verifier_key FROM seal_keys")}
    has_signed = signer.verifier.text() in keys or any(
        is_signed(*parts, signer.verifier) for each in found for parts in _lines(each.note)
    )
    if not has_signed:
        return
    try:
        rotate(key_file)
    except OSError as error:
        raise ForkRefusedError(
            f"{key_file.name} cannot be written ({type(error).__name__}): run `gongji rotate` on a"
            " copy, put that in its place, and accept the fork again"
        ) from error


def _lines(note: str) -> list[tuple[str, str]]:
    """A note's text with each of its signature lines."""
    try:
        text, lines = split_note(note)
    except NoteInvalidError:
        return []
    return [(text, line) for line in lines]


def _head_of(note: str) -> tuple[int, str]:
    try:
        head = read_checkpoint(note).head
    except NoteInvalidError:
        return 0, ""
    return head.size, head.root.hex()


def _digest(note: str) -> str:
    return hashlib.sha256(note.encode()).hexdigest()


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
