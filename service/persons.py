"""Personal data: sealed under a key per person before it is stored, found by a keyed digest.

Destroying a person's key erases the person and leaves every event and proof as it was.
The wrapping key and the digest key are in the key file; the ledger knows their fingerprint.
"""

import base64
import hashlib
import hmac
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from asyncpg import Pool
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import TypeAdapter

from aggregates.vocabulary import StreamId
from service.clock import new_secret

NONCE_SIZE, KEY_SIZE = 12, 32
TOKEN_BYTES = 25
"""200 bits: 40 characters of base32, as long as a code of the national protocol."""
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


class Keys:
    """The ledger's secrets: one wraps the persons' keys, one makes digests."""

    def __init__(self, wrapping: bytes, digesting: bytes) -> None:
        """Hold two keys of 32 bytes."""
        self._wrapping = AESGCM(wrapping)
        self._digesting = digesting
        self._public_name = lru_cache(maxsize=4096)(self._name)
        self.fingerprint = hashlib.sha256(b"gongji keys" + wrapping + digesting).hexdigest()[:32]

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
        nonce = chance[-NONCE_SIZE:]
        wrapped = nonce + self._wrapping.encrypt(nonce, key, stream.encode())
        return base64.b64encode(sealed).decode(), wrapped

    def unseal(self, sealed: str, wrapped: bytes | None, stream: StreamId) -> Personal | None:
        """A person's data, or None where the person was erased.

        Raises:
            KeyFileError: the ciphertext does not open under these keys.
        """
        if wrapped is None:
            return None
        try:
            nonce, body = wrapped[:NONCE_SIZE], wrapped[NONCE_SIZE:]
            key = self._wrapping.decrypt(nonce, body, stream.encode())
            raw = base64.b64decode(sealed)
            plain = AESGCM(key).decrypt(raw[:NONCE_SIZE], raw[NONCE_SIZE:], stream.encode())
        except InvalidTag as error:
            raise KeyFileError("a sealed person does not open under this key file") from error
        return _PERSONAL.validate_json(plain)

    def seal_secret(self, secret: str, stream: StreamId) -> str:
        """A secret that this service has to read again, as ciphertext for an event."""
        nonce = new_secret(NONCE_SIZE)
        sealed = nonce + self._wrapping.encrypt(nonce, secret.encode(), stream.encode())
        return base64.b64encode(sealed).decode()

    def unseal_secret(self, sealed: str, stream: StreamId) -> str:
        """A sealed secret in clear.

        Raises:
            KeyFileError: the ciphertext does not open under these keys.
        """
        raw = base64.b64decode(sealed)
        try:
            plain = self._wrapping.decrypt(raw[:NONCE_SIZE], raw[NONCE_SIZE:], stream.encode())
        except InvalidTag as error:
            raise KeyFileError("a sealed secret does not open under this key file") from error
        return plain.decode()


def names_of(keys: Keys, personal: Personal) -> tuple[bytes, bytes]:
    """The keyed digests that a person is found by."""
    return keys.name("person_no", personal.person_no), keys.name("id_card", personal.cert_no)


def load_keys(path: Path) -> Keys:
    """The secrets of a key file; a missing file is made, readable by its owner alone.

    Raises:
        KeyFileError: the file is not a key file.
    """
    if not path.exists():
        _make_key_file(path)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        return Keys(bytes.fromhex(held["wrapping"]), bytes.fromhex(held["digesting"]))
    except (ValueError, KeyError, TypeError) as error:
        raise KeyFileError(f"not a key file: {path.name}") from error


async def check_fingerprint(pool: Pool, keys: Keys) -> None:
    """Let the ledger remember its keys, and refuse others.

    Raises:
        KeyFileError: the ledger was sealed with another key file.
    """
    await pool.execute(
        "INSERT INTO fingerprints VALUES ('keys', $1) ON CONFLICT DO NOTHING", keys.fingerprint
    )
    known = await pool.fetchval("SELECT fingerprint FROM fingerprints WHERE name = 'keys'")
    if known != keys.fingerprint:
        raise KeyFileError("this ledger was sealed with another key file (GONGJI_KEY_FILE)")


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    held = {
        "wrapping": new_secret(KEY_SIZE).hex(),
        "digesting": new_secret(KEY_SIZE).hex(),
        "sealing": [new_secret(KEY_SIZE).hex()],  # service/seal_keys.py
    }
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(held, file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(made, path)
    except FileExistsError:
        pass  # a second process was faster: its keys are the keys
    finally:
        made.unlink()
