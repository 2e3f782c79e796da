"""The keys that sign checkpoints, in the key file beside those that seal persons.

`sealing` lists Ed25519 seeds in hex; the last one signs. A file without that list has one seed,
derived from its digest key. The ledger lists every key that ever signed, so that old checkpoints
can be checked.
"""

import hmac
from pathlib import Path

from service.clock import new_secret
from service.proof.signed_notes import Signer, Verifier
from service.proof.tree import ConnectionOrPool
from service.vault import KEY_SIZE, KeyFileError, load_keys, read_key_file, write_key_file

LABEL = b"gongji seal"


async def origin_of(connection: ConnectionOrPool) -> str:
    """The name of a ledger in its checkpoints and keys."""
    ledger = await connection.fetchval("SELECT fingerprint FROM fingerprints WHERE name = 'ledger'")
    return f"gongji/{ledger}"


async def listed_keys(connection: ConnectionOrPool) -> list[str]:
    """Every key that ever signed a checkpoint of the ledger, the newest first."""
    rows = await connection.fetch("SELECT verifier_key FROM seal_keys ORDER BY began_at DESC")
    return [str(key) for (key,) in rows]


def load_signer(path: Path, origin: str) -> Signer:
    """The key that signs now, under the ledger's name. Raises KeyFileError."""
    return Signer(origin, _seeds(path)[-1])


def load_verifiers(path: Path, origin: str) -> list[Verifier]:
    """The public side of every key in the file, the newest last. Raises KeyFileError."""
    return [Signer(origin, seed).verifier for seed in _seeds(path)]


def rotate(path: Path) -> None:
    """Add a new key that signs from now on.

    Raises:
        KeyFileError: the file is not a key file; OSError: it cannot be written.
    """
    seeds = [*_seeds(path), new_secret(KEY_SIZE)]
    write_key_file(path, read_key_file(path) | {"sealing": [seed.hex() for seed in seeds]})


def _seeds(path: Path) -> list[bytes]:
    """Every seed of the file, the newest last."""
    load_keys(path)  # makes the file if it is missing, and checks its shape
    keys = read_key_file(path)
    try:
        listed = [bytes.fromhex(seed) for seed in keys.get("sealing", ())]
        return listed or [hmac.digest(bytes.fromhex(keys["digesting"]), LABEL, "sha256")]
    except (ValueError, TypeError, AttributeError) as error:
        raise KeyFileError(f"not a key file: {path.name}") from error
