"""Checkpoints, keys and proofs as text, in the forms of C2SP.

These are signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof and the request of
tlog-witness. A key is `name+hash+base64(kind, public key)`, a signature line
`— name base64(hash, bytes)`.
"""

import base64
import binascii
import re
import struct
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.proof.merkle import TreeHead

LOG_KEY, WITNESS_KEY = b"\x01", b"\x04"
"""Kinds of keys: a log's signs checkpoints, a witness's a moment and the checkpoint it saw."""
DASH = "\N{EM DASH} "
PROOF = "c2sp.org/tlog-proof@v1"
ACCESSES = re.compile(r"^accesses (0|[1-9][0-9]{0,18}) ([A-Za-z0-9+/]{43}=)$", re.MULTILINE)
NAME = re.compile(r"[!-*,-~]{1,120}")
"""Names of keys: no space, no plus."""


class NoteInvalidError(ValueError):
    """A text does not have its form, or a signature does not hold."""


class Checkpoint(NamedTuple):
    """The name of a log, its size and root, and the head of its access log.

    `accesses` is position and hash of the newest access, on an extension line of the text:
    `accesses POSITION BASE64`; None without such a line.
    """

    origin: str
    head: TreeHead
    accesses: TreeHead | None = None


class Verifier(NamedTuple):
    """A public key with its name and kind."""

    name: str
    kind: bytes
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The 4 bytes that name the key in a signature line."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:4]

    def text(self) -> str:
        """The key as text, for those who check."""
        return f"{self.name}+{self.key_id.hex()}+{b64(self.kind + self.public)}"


class Signer:
    """A private key with its name and kind."""

    def __init__(self, name: str, seed: bytes, kind: bytes = LOG_KEY) -> None:
        """Sign with an Ed25519 key of this seed, 32 bytes."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        self.verifier = Verifier(name, kind, public)

    def sign(self, text: str) -> str:
        """A log's signature line for a checkpoint's text."""
        return _line(self.verifier, self._private.sign(text.encode()))

    def cosign(self, text: str, at_s: int) -> str:
        """A witness's signature line for a checkpoint's text, seen at a moment (seconds, 1970)."""
        signed = self._private.sign(_cosigned(text, at_s))
        return _line(self.verifier, struct.pack(">Q", at_s) + signed)


def b64(raw: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(raw).decode()


def from_b64(text: str) -> bytes:
    """Bytes from base64. Raises NoteInvalidError."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteInvalidError("not base64") from error


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """A checkpoint as it is signed."""
    text = f"{checkpoint.origin}\n{checkpoint.head.size}\n{b64(checkpoint.head.root)}\n"
    if checkpoint.accesses is None:
        return text
    return f"{text}accesses {checkpoint.accesses.size} {b64(checkpoint.accesses.root)}\n"


def note_of(text: str, *lines: str) -> str:
    """A signed note: the text, an empty line, the signatures."""
    return f"{text}\n" + "".join(lines)


def split_note(note: str) -> tuple[str, list[str]]:
    """A note's text and its signature lines, each with its line break. Raises NoteInvalidError."""
    text, empty, rest = note.partition("\n\n")
    lines = rest.splitlines(keepends=True)
    if not (empty and lines and all(line.startswith(DASH) for line in lines)):
        raise NoteInvalidError("not a signed note")
    return f"{text}\n", lines


def read_checkpoint(text: str) -> Checkpoint:
    """A checkpoint from its text. Raises NoteInvalidError."""
    lines = re.match(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n", text)
    if lines is None:
        raise NoteInvalidError("not a checkpoint")
    head = TreeHead(int(lines[2]), from_b64(lines[3]))
    line = ACCESSES.search(text, lines.end())
    accesses = TreeHead(int(line[1]), from_b64(line[2])) if line else None
    return Checkpoint(lines[1], head, accesses)


def read_verifier(text: str) -> Verifier:
    """A public key of a kind known here, from its text. Raises NoteInvalidError."""
    name, _, rest = text.strip().partition("+")
    key_id, _, key = rest.partition("+")
    raw = from_b64(key)
    verifier = Verifier(name, raw[:1], raw[1:])
    is_known = raw[:1] in (LOG_KEY, WITNESS_KEY)
    is_sound = NAME.fullmatch(name) and is_known and len(raw) == 1 + 32
    if not is_sound or verifier.key_id.hex() != key_id:
        raise NoteInvalidError("not a verifier key")
    return verifier


def is_signed(text: str, line: str, verifier: Verifier) -> bool:
    """Whether a signature line is this key's and holds for a text."""
    name, _, signed = line.strip().removeprefix(DASH).partition(" ")
    try:
        raw = from_b64(signed)
    except NoteInvalidError:
        return False
    if name != verifier.name or raw[:4] != verifier.key_id:
        return False
    message, signature = text.encode(), raw[4:]
    if verifier.kind == WITNESS_KEY:
        if len(signature) != 8 + 64:
            return False
        message, signature = _cosigned(text, struct.unpack(">Q", signature[:8])[0]), signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def open_note(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint of a note that one of the keys signed. Raises NoteInvalidError."""
    text, lines = split_note(note)
    if not any(is_signed(text, line, key) for line in lines for key in verifiers):
        raise NoteInvalidError("no signature of a known key holds")
    return read_checkpoint(text)


def proof_text(index: int, hashes: Sequence[bytes], note: str, extra: bytes | None = None) -> str:
    """An inclusion proof that can be checked with the log's key alone."""
    head = PROOF if extra is None else f"{PROOF}\nextra {b64(extra)}"
    return f"{head}\nindex {index}\n{_hashes(hashes)}\n{note}"


def growth_text(old_size: int, hashes: Sequence[bytes], note: str) -> str:
    """A consistency proof from an older size to a signed checkpoint."""
    return f"old {old_size}\n{_hashes(hashes)}\n{note}"


def read_growth(text: str) -> tuple[int, list[bytes], str]:
    """The older size, the hashes and the note of a consistency proof. Raises NoteInvalidError."""
    head, _, note = text.partition("\n\n")
    first, *hashes = head.split("\n")
    old = re.fullmatch(r"old (0|[1-9][0-9]{0,18})", first)
    if old is None:
        raise NoteInvalidError("not a consistency proof")
    return int(old[1]), [from_b64(line) for line in hashes], note


def _hashes(hashes: Sequence[bytes]) -> str:
    return "".join(f"{b64(each)}\n" for each in hashes)


def _line(verifier: Verifier, signed: bytes) -> str:
    return f"{DASH}{verifier.name} {b64(verifier.key_id + signed)}\n"


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()
