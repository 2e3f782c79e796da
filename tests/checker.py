"""A second opinion on proofs, written from RFC 9162 and C2SP alone: it imports nothing of ours."""

import base64
import re
from hashlib import sha256
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Note(NamedTuple):
    """A checkpoint that a key signed."""

    origin: str
    size: int
    root: bytes


def joined(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def half(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def root_with(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """The root that a leaf's path leads to, from the top down."""
    if size == 1:
        assert [] == path, "the path is as long as the tree is deep"
        return leaf
    *below, sibling = path
    k = half(size)
    if index < k:
        return joined(root_with(leaf, index, k, below), sibling)
    return joined(sibling, root_with(leaf, index - k, size - k, below))


def roots_of_growth(
    old: int, new: int, path: list[bytes], *, whole: bytes | None
) -> tuple[bytes, bytes]:
    """The two roots that a consistency proof leads to; `whole` is the older one where known."""
    if old == new:
        if whole is not None:
            assert [] == path
            return whole, whole
        (only,) = path
        return only, only
    *below, sibling = path
    k = half(new)
    if old <= k:
        before, after = roots_of_growth(old, k, below, whole=whole)
        return before, joined(after, sibling)
    before, after = roots_of_growth(old - k, new - k, below, whole=None)
    return joined(sibling, before), joined(sibling, after)


def opened(note: str, vkey: str) -> Note:
    """A checkpoint whose signature by this key holds."""
    name, key_id, raw = vkey.split("+", 2)
    key = base64.b64decode(raw)
    assert key[:1] == b"\x01"
    assert sha256(name.encode() + b"\n" + key).digest()[:4].hex() == key_id
    body, lines = note.split("\n\n")
    found = re.search(rf"^\u2014 {re.escape(name)} (\S+)$", lines, re.MULTILINE)
    assert found, "the log signed"
    signed = base64.b64decode(found[1])
    assert signed[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(signed[4:], f"{body}\n".encode())
    origin, size, root, *_ = body.split("\n")  # further lines are extensions, open to anybody
    return Note(origin, int(size), base64.b64decode(root))


def proven(text: str, vkey: str) -> tuple[int, bytes, Note]:
    """The index and leaf hash (its `extra`) that a tlog-proof proves, and under what."""
    head, note = text.split("\n\n", 1)
    form, extra, index, *path = head.split("\n")
    assert "c2sp.org/tlog-proof@v1" == form
    leaf = base64.b64decode(extra.removeprefix("extra "))
    at = int(index.removeprefix("index "))
    signed = opened(note, vkey)
    assert signed.root == root_with(leaf, at, signed.size, [base64.b64decode(h) for h in path])
    return at, leaf, signed


def grown(text: str, vkey: str, root: bytes) -> Note:
    """The checkpoint that a consistency proof leads to from an older root."""
    head, note = text.split("\n\n", 1)
    old, *path = head.split("\n")
    size = int(old.removeprefix("old "))
    signed = opened(note, vkey)
    whole = root if size & (size - 1) == 0 else None
    hashes = [base64.b64decode(each) for each in path]
    if size == signed.size:
        whole = root
    assert (root, signed.root) == roots_of_growth(size, signed.size, hashes, whole=whole)
    return signed
