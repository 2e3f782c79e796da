"""The hash of a leaf: of an event's row in the Merkle tree, and of an access in its hash chain."""

from collections.abc import Iterable
from hashlib import sha256


def hash_members(members: Iterable[bytes]) -> bytes:
    """SHA-256 over 0x00 and each member after its length in 8 bytes, so nothing is ambiguous."""
    leaf = sha256(b"\0")
    for member in members:
        leaf.update(len(member).to_bytes(8) + member)
    return leaf.digest()
