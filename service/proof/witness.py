"""A witness: somebody outside who looks at a log's checkpoint, and signs that it only grew.

He keeps a file with his own key and the last checkpoint he signed. What he signed he has stored
before he tells anybody, so he never signs two histories.
"""

import json
import os
from pathlib import Path
from typing import NamedTuple

from service.clock import machine_now, new_secret
from service.proof.merkle import EMPTY, TreeHead, is_consistent
from service.proof.signed_notes import (
    WITNESS_KEY,
    NoteInvalidError,
    Signer,
    Verifier,
    note_of,
    open_note,
    read_checkpoint,
    read_growth,
    split_note,
)
from service.vault import KEY_SIZE


class HistoryForkedError(Exception):
    """The log is not the one that was seen before, with rows behind it: keep what you have."""


class Witness(NamedTuple):
    """A witness's name, key and last note; no note before he saw one."""

    name: str
    seed: bytes
    note: str | None

    @property
    def signer(self) -> Signer:
        """What he signs with."""
        return Signer(self.name, self.seed, WITNESS_KEY)

    @property
    def seen(self) -> TreeHead:
        """The size and root he saw last."""
        return read_checkpoint(self.note).head if self.note else TreeHead(0, EMPTY)


class Cosigned(NamedTuple):
    """A witness after he signed, and the line he wrote under the checkpoint."""

    witness: Witness
    size: int
    line: str


def load_witness(path: Path, name: str) -> Witness:
    """A witness from his file, or a new one with a key of his own.

    Raises:
        NoteInvalidError: it is no such file, or another's.
    """
    if not path.exists():
        witness = Witness(name, new_secret(KEY_SIZE), None)
        save_witness(path, witness)
        return witness
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        witness = Witness(held["name"], bytes.fromhex(held["seed"]), held["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise NoteInvalidError(f"not a witness's file: {path.name}") from error
    if witness.name != name:
        raise NoteInvalidError(f"the file is that of {witness.name}")
    return witness


def save_witness(path: Path, witness: Witness) -> None:
    """Store a witness, readable by its owner alone, whole or not at all."""
    held = {"name": witness.name, "seed": witness.seed.hex(), "note": witness.note}
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(held, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)


def look(witness: Witness, growth: str, keys: list[Verifier]) -> Cosigned:
    """Check a checkpoint with its proof from the size seen before, and sign it.

    Raises:
        NoteInvalidError: none of the keys signed it; HistoryForkedError: the log did not grow
        out of what was seen.
    """
    old, hashes, note = read_growth(growth)
    checkpoint = open_note(note, keys)
    if old != witness.seen.size:
        raise NoteInvalidError("the proof is from another size than the one seen before")
    if witness.note is not None:
        known = read_checkpoint(witness.note).origin
        if known != checkpoint.origin:
            raise NoteInvalidError(f"another log than {known}")
        _check_accesses(read_checkpoint(witness.note).accesses, checkpoint.accesses)
    if not is_consistent(witness.seen, checkpoint.head, hashes):
        raise HistoryForkedError(
            f"the log of {checkpoint.head.size} rows did not grow out of the {old} seen before"
        )
    text, _ = split_note(note)
    line = witness.signer.cosign(text, int(machine_now().timestamp()))
    signed = [each for each in split_note(note)[1] if each.split()[1] == checkpoint.origin]
    after = witness._replace(note=note_of(text, *signed, line))
    return Cosigned(after, checkpoint.head.size, line)


def _check_accesses(seen: TreeHead | None, now: TreeHead | None) -> None:
    """The access log never gets shorter; whether it only grew, its export shows.

    Raises:
        HistoryForkedError: it did.
    """
    if seen is None or (now is not None and (now.size > seen.size or now == seen)):
        return
    raise HistoryForkedError(f"the access log is not the one of {seen.size} records seen before")
