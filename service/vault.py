"""The vault: personal data is sealed under a key per person, and found by a keyed digest.

Destroying a person's key erases the person and leaves every event and proof unchanged.
The wrapping key and the digest key are in the key file; the ledger stores their fingerprint.
While the wrapping key is being replaced (`rewrap.py`) the file contains the previous one too.
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
FINGERPRINTS = "SELECT fingerprint FROM fingerprints WHERE name IN ('keys', 'keys.previous')"
KEY_LOCK = "hashtext('gongji.keys'), hashtext($1)"
PUBLIC = ("region", "institution")
"""Kinds of names that are not secret and often needed, so their digests are cached."""


class Personal(NamedTuple):
    """A person's data, never stored in clear."""

    person_no: str
    name: str
    cert_no: str


_PERSONAL = TypeAdapter(Personal)


class KeyFileError(Exception):
    """The key file is unusable, or not the one that this ledger was sealed with."""


class Vault:
    """The ledger's two secrets: one key wraps the persons' keys, one makes digests."""

    def __init__(
        self,
        wrapping: bytes,
        digesting: bytes,
        previous: bytes | None = None,
        file: Path | None = None,
    ) -> None:
        """Take keys of 32 bytes; `previous` is the wrapping key that is being replaced.

        `file` is read again if something does not open: it may contain a newer key.
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
        """The keyed digest that something is found by, 32 bytes; `kind` says what the value is."""
        if kind in PUBLIC:
            return self._public_name(kind, value)
        return self._name(kind, value)

    def _name(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._digesting, f"{kind}\0{value}".encode(), "sha256")

    def sign(self, message: bytes) -> bytes:
        """A keyed digest of a message of the service's own, 32 bytes."""
        return hmac.digest(self._digesting, b"message\0" + message, "sha256")

    def token(self, message: str) -> str:
        """A code of 40 characters that only this ledger can make, always the same for a message.

        The stored bytes reveal nothing of it without the key file.
        """
        digest = hmac.digest(self._digesting, b"token\0" + message.encode(), "sha256")
        return base64.b32encode(digest[:TOKEN_BYTES]).decode()

    def seal(self, personal: Personal, stream: StreamId) -> tuple[str, bytes]:
        """A person's data as ciphertext for an event, and the person's new key, wrapped."""
        chance = new_secret(KEY_SIZE + 2 * NONCE_SIZE)
        key, nonce = chance[:KEY_SIZE], chance[KEY_SIZE:-NONCE_SIZE]
        sealed = _encrypted(AESGCM(key), nonce, _PERSONAL.dump_json(personal), stream)
        wrapped = _encrypted(self._wrapping, chance[-NONCE_SIZE:], key, stream)
        return base64.b64encode(sealed).decode(), wrapped

    def seal_name(self, name: bytes, wrapped: bytes, stream: StreamId, nonce: bytes) -> str:
        """A person's digest as ciphertext under the person's key; a nonce of 12 bytes, used once.

        Raises:
            KeyFileError: the person's key does not open under these keys.
        """
        key = AESGCM(self._unwrap(wrapped, stream))
        return base64.b64encode(_encrypted(key, nonce, name, _of_names(stream))).decode()

    def open_name(self, sealed: str, wrapped: bytes | None, stream: StreamId) -> bytes | None:
        """The digest that `seal_name` sealed; None if the person is erased.

        Raises:
            KeyFileError: it was sealed with other keys.
        """
        if wrapped is None:
            return None
        key = AESGCM(self._unwrap(wrapped, stream))
        name = _decrypted(key, base64.b64decode(sealed), _of_names(stream))
        if name is None:
            raise KeyFileError("a sealed credential does not open under this key file")
        return name

    def rewrap(self, wrapped: bytes, stream: StreamId) -> bytes | None:
        """A person's key under the newest wrapping key; None if it is already.

        Raises:
            KeyFileError: it does not open under these keys.
        """
        if _decrypted(self._wrapping, wrapped, stream) is not None:
            return None
        key = self._unwrap(wrapped, stream)
        return _encrypted(self._wrapping, new_secret(NONCE_SIZE), key, stream)

    def _unwrap(self, wrapped: bytes, stream: StreamId) -> bytes:
        for wrapping in self._unwrapping:
            key = _decrypted(wrapping, wrapped, stream)
            if key is not None:
                return key
        if self._file is not None:  # the wrapping key was replaced since we read the file
            self._unwrapping += load_keys(self._file)._unwrapping  # noqa: SLF001 -- one class
            self._file = None
            return self._unwrap(wrapped, stream)
        raise KeyFileError("a person's key does not open under this key file")

    def unseal(self, sealed: str, wrapped: bytes | None, stream: StreamId) -> Personal | None:
        """A person's data, or None if erased; KeyFileError if it is sealed with other keys."""
        if wrapped is None:
            return None
        plain = _decrypted(AESGCM(self._unwrap(wrapped, stream)), base64.b64decode(sealed), stream)
        if plain is None:
            raise KeyFileError("a sealed person does not open under this key file")
        return _PERSONAL.validate_json(plain)

    def seal_secret(self, secret: str, stream: StreamId) -> str:
        """A secret that this service reads again, as ciphertext for an event.

        Events are stored for ever, so the key is derived from the one that is never replaced.
        """
        sealed = _encrypted(self._lasting, new_secret(NONCE_SIZE), secret.encode(), stream)
        return base64.b64encode(sealed).decode()

    def unseal_secret(self, sealed: str, stream: StreamId) -> str:
        """A sealed secret in clear; KeyFileError if it is sealed with other keys."""
        plain = _decrypted(self._lasting, base64.b64decode(sealed), stream)
        if plain is None:
            raise KeyFileError("a sealed secret does not open under this key file")
        return plain.decode()


def names_of(vault: Vault, personal: Personal) -> tuple[bytes, bytes]:
    """The keyed digests that a person is found by."""
    return vault.name("person_no", personal.person_no), vault.name("id_card", personal.cert_no)


def load_keys(path: Path) -> Vault:
    """The secrets of a key file; a missing file is created, readable only by its owner.

    Raises:
        KeyFileError: the file is not a key file.
    """
    if not path.exists():
        _make_key_file(path)
    try:
        keys = read_key_file(path)
        previous = bytes.fromhex(keys["previous"]) if "previous" in keys else None
        wrapping, digesting = bytes.fromhex(keys["wrapping"]), bytes.fromhex(keys["digesting"])
        return Vault(wrapping, digesting, previous, path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeyFileError(f"not a key file: {path.name}") from error


async def check_fingerprint(connection: Any, vault: Vault) -> None:  # noqa: ANN401 -- or a pool
    """Store the fingerprint of the ledger's keys once; KeyFileError for other keys."""
    await connection.execute(
        "INSERT INTO fingerprints VALUES ('keys', $1) ON CONFLICT DO NOTHING", vault.fingerprint
    )
    stored = {row["fingerprint"] for row in await connection.fetch(FINGERPRINTS)}
    if stored.isdisjoint({vault.fingerprint, vault.previous_fingerprint}):
        raise KeyFileError("this ledger was sealed with another key file (GONGJI_KEY_FILE)")


async def hold_keys(connection: Any, vault: Vault) -> None:  # noqa: ANN401 -- asyncpg has no types
    """As `check_fingerprint`; `rewrap` keeps the keys until the connection is closed."""
    await connection.execute(f"SELECT pg_advisory_lock_shared({KEY_LOCK})", vault.fingerprint)
    await check_fingerprint(connection, vault)


def read_key_file(path: Path) -> dict[str, Any]:
    """The keys of a key file by name, in hex; those that sign checkpoints are a list."""
    keys: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return keys


def write_key_file(path: Path, keys: Mapping[str, Any]) -> None:
    """Replace a key file atomically and durably."""
    _write_beside(path, keys).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {
        "wrapping": new_secret(KEY_SIZE).hex(),
        "digesting": new_secret(KEY_SIZE).hex(),
        "sealing": [new_secret(KEY_SIZE).hex()],  # service/proof/signing_keys.py
    }
    written = _write_beside(path, keys)
    try:
        os.link(written, path)
    except FileExistsError:
        pass  # another process was faster: its keys are the ledger's
    finally:
        written.unlink()


def _write_beside(path: Path, keys: Mapping[str, Any]) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)  # left by a process that died
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys, file)
        file.flush()
        os.fsync(file.fileno())
    return temporary


def _fingerprint(wrapping: bytes, digesting: bytes) -> str:
    return hashlib.sha256(b"gongji keys" + wrapping + digesting).hexdigest()[:32]


def _of_names(stream: StreamId) -> StreamId:
    """What binds a sealed digest to its account, so that it is never taken for a person's data."""
    return StreamId(f"{stream}\0name")


def _encrypted(cipher: AESGCM, nonce: bytes, plain: bytes, stream: StreamId) -> bytes:
    return nonce + cipher.encrypt(nonce, plain, stream.encode())


def _decrypted(cipher: AESGCM, sealed: bytes, stream: StreamId) -> bytes | None:
    """The plaintext, or None if it was sealed under another key."""
    try:
        return cipher.decrypt(sealed[:NONCE_SIZE], sealed[NONCE_SIZE:], stream.encode())
    except InvalidTag:
        return None
