"""Personal data: sealed under a key per person before it is stored, found by a keyed digest.

Destroying a person's key erases the person and leaves every event and proof as it was.
The wrapping key and the digest key are in the key file; the ledger knows their fingerprint.
While the wrapping key is being replaced (`rewrap.py`) the file holds the one before it too.
"""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter

from aggregates.vocabulary import StreamId
from service.clock import new_secret

NONCE_SIZE, KEY_SIZE = 12, 32
TOKEN_BYTES = 25
"""200 bits: 40 characters of base32, as long as a code of the national protocol."""
KNOWN = "SELECT fingerprint FROM fingerprints WHERE name IN ('keys', 'keys.previous')"
KEY_LOCK = "hashtext('gongji.keys'), hashtext($1)"
PUBLIC = ("region", "institution")
"""Kinds of names that are no secret and asked for again and again."""


class Personal(NamedTuple):
    """What is known of a person and never stored in clear."""

    person_no: str
    name: str
    cert_no: str


_PERSONAL = TypeAdapter(Personal)


class KeyFileError(Exception):
    """The key file cannot be used, or it is not the one this ledger was sealed with."""


class Vault:
    """The ledger's secrets: one wraps the persons' keys, one makes digests."""

    def __init__(
        self,
        wrapping: bytes,
        digesting: bytes,
        previous: bytes | None = None,
        file: Path | None = None,
    ) -> None:
        """Hold two keys of 32 bytes, and the wrapping key before if it is being replaced.

        `file` is looked at again when something does not open: it may hold a newer key.
        """
        self._wrapping = AESGCM(wrapping)
        self._unwrapping = [self._wrapping, *([AESGCM(previous)] if previous else [])]
        self._digesting = digesting
        self._lasting = AESGCM(hmac.digest(digesting, b"seals secrets", "sha256"))
        self._file = file
        self._public_name = lru_cache(maxsize=4096)(self._name)
        self.fingerprint = _fingerprint(wrapping, digesting)
        self.previous_fingerprint = _fingerprint(previous, digesting) if previous else None

    def name(self, kind: str, value: str) -> bytes:
        """The keyed digest under which something is found: `kind` says what the value is."""
        if kind in PUBLIC:
            return self._public_name(kind, value)
        return self._name(kind, value)

    def _name(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._digesting, f"{kind}\0{value}".encode(), "sha256")

    def sign(self, message: bytes) -> bytes:
        """A keyed digest of a message of the service's own, 32 bytes."""
        return hmac.digest(self._digesting, b"message\0" + message, "sha256")

    def token(self, message: str) -> str:
        """A code of 40 characters that only this ledger can make, and make again.

        Who has every stored byte and not the key file learns nothing of it.
        """
        made = hmac.digest(self._digesting, b"token\0" + message.encode(), "sha256")
        return base64.b32encode(made[:TOKEN_BYTES]).decode()

    def seal(self, personal: Personal, stream: StreamId) -> tuple[str, bytes]:
        """A person's data as ciphertext for an event, and his new key, wrapped."""
        chance = new_secret(KEY_SIZE + 2 * NONCE_SIZE)
        key, nonce = chance[:KEY_SIZE], chance[KEY_SIZE:-NONCE_SIZE]
        plain = _PERSONAL.dump_json(personal)
        sealed = nonce + AESGCM(key).encrypt(nonce, plain, stream.encode())
        return base64.b64encode(sealed).decode(), self._wrap(key, stream, chance[-NONCE_SIZE:])

    def rewrap(self, wrapped: bytes, stream: StreamId) -> bytes | None:
        """A person's key under the newest wrapping key; None where it is already.

        Raises:
            KeyFileError: it does not open under these keys.
        """
        if _opened(self._wrapping, wrapped, stream) is not None:
            return None
        return self._wrap(self._unwrap(wrapped, stream), stream, new_secret(NONCE_SIZE))

    def _wrap(self, key: bytes, stream: StreamId, nonce: bytes) -> bytes:
        return nonce + self._wrapping.encrypt(nonce, key, stream.encode())

    def _unwrap(self, wrapped: bytes, stream: StreamId) -> bytes:
        for wrapping in self._unwrapping:
            key = _opened(wrapping, wrapped, stream)
            if key is not None:
                return key
        if self._file is not None:  # the wrapping key was replaced since we read the file
            self._unwrapping += load_keys(self._file)._unwrapping  # noqa: SLF001 -- one class
            self._file = None
            return self._unwrap(wrapped, stream)
        raise KeyFileError("a person's key does not open under this key file")

    def unseal(self, sealed: str, wrapped: bytes | None, stream: StreamId) -> Personal | None:
        """A person's data, or None where the person was erased.

        Raises:
            KeyFileError: the ciphertext does not open under these keys.
        """
        if wrapped is None:
            return None
        key = self._unwrap(wrapped, stream)
        try:
            raw = base64.b64decode(sealed)
            plain = AESGCM(key).decrypt(raw[:NONCE_SIZE], raw[NONCE_SIZE:], stream.encode())
        except InvalidTag as error:
            raise KeyFileError("a sealed person does not open under this key file") from error
        return _PERSONAL.validate_json(plain)

    def seal_secret(self, secret: str, stream: StreamId) -> str:
        """A secret that this service has to read again, as ciphertext for an event.

        An event is for ever, so its key is made of the one that is never replaced.
        """
        nonce = new_secret(NONCE_SIZE)
        sealed = nonce + self._lasting.encrypt(nonce, secret.encode(), stream.encode())
        return base64.b64encode(sealed).decode()

    def unseal_secret(self, sealed: str, stream: StreamId) -> str:
        """A sealed secret in clear.

        Raises:
            KeyFileError: the ciphertext does not open under these keys.
        """
        raw = base64.b64decode(sealed)
        try:
            plain = self._lasting.decrypt(raw[:NONCE_SIZE], raw[NONCE_SIZE:], stream.encode())
        except InvalidTag as error:
            raise KeyFileError("a sealed secret does not open under this key file") from error
        return plain.decode()


def names_of(vault: Vault, personal: Personal) -> tuple[bytes, bytes]:
    """The keyed digests that a person is found by."""
    return vault.name("person_no", personal.person_no), vault.name("id_card", personal.cert_no)


def load_keys(path: Path) -> Vault:
    """The secrets of a key file; a missing file is made, readable by its owner alone.

    Raises:
        KeyFileError: the file is not a key file.
    """
    if not path.exists():
        _make_key_file(path)
    try:
        held = read_key_file(path)
        previous = held.get("previous")
        return Vault(
            bytes.fromhex(held["wrapping"]),
            bytes.fromhex(held["digesting"]),
            None if previous is None else bytes.fromhex(previous),
            path,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyFileError(f"not a key file: {path.name}") from error


async def check_fingerprint(connection: Any, vault: Vault) -> None:  # noqa: ANN401 -- or a pool
    """Let the ledger remember its keys, and refuse others.

    Raises:
        KeyFileError: the ledger was sealed with another key file.
    """
    await connection.execute(
        "INSERT INTO fingerprints VALUES ('keys', $1) ON CONFLICT DO NOTHING", vault.fingerprint
    )
    known = {row["fingerprint"] for row in await connection.fetch(KNOWN)}
    if known.isdisjoint({vault.fingerprint, vault.previous_fingerprint}):
        raise KeyFileError("this ledger was sealed with another key file (GONGJI_KEY_FILE)")


async def hold_keys(connection: Any, vault: Vault) -> None:  # noqa: ANN401 -- asyncpg has no types
    """Hold these keys while a connection lives: its wrapping key is not given up meanwhile.

    Raises:
        KeyFileError: as `check_fingerprint`.
    """
    await connection.execute(f"SELECT pg_advisory_lock_shared({KEY_LOCK})", vault.fingerprint)
    await check_fingerprint(connection, vault)


def read_key_file(path: Path) -> dict[str, Any]:
    """The keys in a key file by their names, in hex; those that sign checkpoints in a list.

    Raises:
        ValueError: it is no key file.
    """
    held: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return held


def write_key_file(path: Path, held: Mapping[str, Any]) -> None:
    """Put a key file in the place of the one that is there, whole and durable or not at all."""
    made = _write_aside(path, held)
    made.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "wrapping": new_secret(KEY_SIZE).hex(),
        "digesting": new_secret(KEY_SIZE).hex(),
        "sealing": [new_secret(KEY_SIZE).hex()],  # service/seal_keys.py
    }
    made = _write_aside(path, held)
    try:
        os.link(made, path)
    except FileExistsError:
        pass  # a second process was faster: its keys are the keys
    finally:
        made.unlink()


def _write_aside(path: Path, held: Mapping[str, Any]) -> Path:
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)  # of a process that died
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(held, file)
        file.flush()
        os.fsync(file.fileno())
    return made


def _fingerprint(wrapping: bytes, digesting: bytes) -> str:
    return hashlib.sha256(b"gongji keys" + wrapping + digesting).hexdigest()[:32]


def _opened(wrapping: AESGCM, wrapped: bytes, stream: StreamId) -> bytes | None:
    """A person's key, or None where another key wraps it."""
    nonce, body = wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:]
    try:
        return wrapping.decrypt(nonce, body, stream.encode())
    except InvalidTag:
        return None
