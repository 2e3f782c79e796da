"""The keys that sign checkpoints, in the key file beside those that seal persons.

`sealing` lists Ed25519 seeds in hex; the last one signs. A file from before there was such a
list has one seed all the same, made from its digest key. What ever signed is listed in the
ledger for good, so that old checkpoints can be checked.
"""

import hmac
import json
import os
from pathlib import Path

from service.clock import new_secret
from service.proof.signed_notes import Signer, Verifier
from service.vault import KEY_SIZE, KeyFileError, load_keys

LABEL = b"gongji seal"


def load_signer(path: Path, origin: str) -> Signer:
    """The key that signs checkpoints of a ledger now; its name is the ledger's origin.

    Raises:
        KeyFileError: the file is not a key file.
    """
    return Signer(origin, _seeds(path)[-1])


def load_verifiers(path: Path, origin: str) -> list[Verifier]:
    """The public side of every key in the file, as a ledger's; the newest last.

    Raises:
        KeyFileError: the file is not a key file.
    """
    return [Signer(origin, seed).verifier for seed in _seeds(path)]


def rotate(path: Path) -> None:
    """Make a new key that signs from now on, and keep the older ones.

    Raises:
        KeyFileError: the file is not a key file; OSError: it cannot be written.
    """
    seeds = [*_seeds(path), new_secret(KEY_SIZE)]
    held = json.loads(path.read_text(encoding="utf-8"))
    held["sealing"] = [seed.hex() for seed in seeds]
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(held, file)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)


def _seeds(path: Path) -> list[bytes]:
    """Every seed of the file, the newest last."""
    load_keys(path)  # makes the file where there is none, and looks at its shape
    held = json.loads(path.read_text(encoding="utf-8"))
    try:
        listed = [bytes.fromhex(seed) for seed in held.get("sealing", ())]
        return listed or [hmac.digest(bytes.fromhex(held["digesting"]), LABEL, "sha256")]
    except (ValueError, TypeError, AttributeError) as error:
        raise KeyFileError(f"not a key file: {path.name}") from error
