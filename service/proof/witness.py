"""A witness: somebody outside who checks that a log only grew, and signs its checkpoint.

Its file holds its own key and the last checkpoint it signed. A checkpoint is stored there before
its signature leaves, so that a witness never signs two histories.
"""

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
from service.vault import KEY_SIZE, read_key_file, write_key_file


class HistoryForkedError(Exception):
    """The log did not grow out of the one seen before: keep the witness's file as evidence."""


class Witness(NamedTuple):
    """A witness's name, key and last note; no note before its first checkpoint."""

    name: str
    seed: bytes
    note: str | None

    @property
    def signer(self) -> Signer:
        """The witness's private key."""
        return Signer(self.name, self.seed, WITNESS_KEY)

    @property
    def seen(self) -> TreeHead:
        """The size and root of the last checkpoint it signed."""
        return read_checkpoint(self.note).head if self.note else TreeHead(0, EMPTY)


class Cosigned(NamedTuple):
    """A witness after it signed, with the checkpoint's size and the signature line."""

    witness: Witness
    size: int
    line: str


def load_witness(path: Path, name: str) -> Witness:
    """A witness from its file, which is made with a new key if it is missing.

    Raises:
        NoteInvalidError: it is not a witness's file, or another witness's.
    """
    if not path.exists():
        witness = Witness(name, new_secret(KEY_SIZE), None)
        save_witness(path, witness)
        return witness
    try:
        stored = read_key_file(path)
        witness = Witness(stored["name"], bytes.fromhex(stored["seed"]), stored["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise NoteInvalidError(f"not a witness's file: {path.name}") from error
    if witness.name != name:
        raise NoteInvalidError(f"the file is that of {witness.name}")
    return witness


def save_witness(path: Path, witness: Witness) -> None:
    """Store a witness, readable by its owner alone, whole or not at all."""
    write_key_file(path, {"name": witness.name, "seed": witness.seed.hex(), "note": witness.note})


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
        before = read_checkpoint(witness.note)
        if before.origin != checkpoint.origin:
            raise NoteInvalidError(f"another log than {before.origin}")
        _check_accesses(before.accesses, checkpoint.accesses)
    if not is_consistent(witness.seen, checkpoint.head, hashes):
        raise HistoryForkedError(
            f"the log of {checkpoint.head.size} rows did not grow out of the {old} seen before"
        )
    text, lines = split_note(note)
    line = witness.signer.cosign(text, int(machine_now().timestamp()))
    signed = [each for each in lines if each.split()[1] == checkpoint.origin]
    after = witness._replace(note=note_of(text, *signed, line))
    return Cosigned(after, checkpoint.head.size, line)


def _check_accesses(seen: TreeHead | None, now: TreeHead | None) -> None:
    """An access log never gets shorter; that it only grew is checked on its export.

    Raises:
        HistoryForkedError: it got shorter.
    """
    if seen is None or (now is not None and (now.size > seen.size or now == seen)):
        return
    raise HistoryForkedError(f"the access log is not the one of {seen.size} records seen before")
