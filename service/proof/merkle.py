"""The arithmetic of the log's Merkle tree (RFC 9162 §2.1). Pure: hashes in, hashes out.

A range is (begin, end) of leaf indices, end excluded; a node is (level, index): the root of the
complete subtree over leaves index·2^level to (index + 1)·2^level.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from service.ledger.leaf_hash import hash_members

EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""
TILE = 8
"""Levels between two whose nodes are kept."""
SIZE_MAX = 2**63 - 1

Range = tuple[int, int]
TreeNode = tuple[int, int]


class Leaf(NamedTuple):
    """A stored row as it is sealed. `stream` has 16 bytes, `recorded_at` is in microseconds."""

    position: int
    stream: bytes
    version: int
    topic: str
    recorded_at: int
    state: bytes


class Edge(NamedTuple):
    """A tree's size, and the roots of its complete subtrees, the largest first."""

    size: int
    hashes: tuple[bytes, ...]


NO_EDGE = Edge(0, ())


class TreeHead(NamedTuple):
    """A tree's size and root."""

    size: int
    root: bytes


class Grown(NamedTuple):
    """A tree after leaves were added, and the nodes to keep that became complete by them."""

    edge: Edge
    kept: list[tuple[TreeNode, bytes]]


def leaf_hash(leaf: Leaf) -> bytes:
    """The leaf of a row."""
    return hash_members(
        (
            leaf.position.to_bytes(8, signed=True),
            leaf.stream,
            leaf.version.to_bytes(8, signed=True),
            leaf.topic.encode(),
            leaf.recorded_at.to_bytes(8, signed=True),
            leaf.state,
        )
    )


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return sha256(b"\1" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees, the largest first: a right edge, or any range's cover."""
    if not hashes:
        return EMPTY
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def grow(edge: Edge, leaves: Iterable[bytes]) -> Grown:
    """Add leaves on the right."""
    size, hashes = edge.size, list(edge.hashes)
    kept: list[tuple[TreeNode, bytes]] = []
    for leaf in leaves:
        root, level = leaf, 0
        while size >> level & 1:
            root = node_hash(hashes.pop(), root)
            level += 1
            if level % TILE == 0:
                kept.append(((level, size >> level), root))
        hashes.append(root)
        size += 1
    return Grown(Edge(size, tuple(hashes)), kept)


def cover(span: Range) -> list[TreeNode]:
    """The complete subtrees that a range of the tree falls into, from left to right."""
    begin, end = span
    nodes: list[TreeNode] = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        nodes.append((level, begin >> level))
        begin += 1 << level
    return nodes


def inclusion_path(index: int, size: int) -> list[Range]:
    """The ranges whose roots prove a leaf, the nearest first (RFC 9162 §2.1.3.1)."""
    assert 0 <= index < size, "the leaf is in the tree"
    begin, end = 0, size
    path: list[Range] = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def consistency_path(old: int, new: int) -> list[Range]:
    """The ranges whose roots prove that a tree only grew (RFC 9162 §2.1.4.1)."""
    assert 0 < old <= new, "there is an older tree"
    begin, end, is_whole = 0, new, True
    path: list[Range] = []
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, is_whole = middle, False
    return path[::-1] if is_whole else [(begin, end), *path[::-1]]


def _split(size: int) -> int:
    """The largest power of two below a size above one."""
    return 1 << (size - 1).bit_length() - 1


def included_root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 §2.1.3.2), or None: no such proof."""
    if not 0 <= index < size:
        return None
    path = inclusion_path(index, size)
    if len(path) != len(proof):
        return None
    root = leaf
    for (begin, _), sibling in zip(path, proof, strict=True):
        root = node_hash(root, sibling) if begin > index else node_hash(sibling, root)
    return root


def is_consistent(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that a tree only grew (RFC 9162 §2.1.4.2)."""
    if old.size in (0, new.size):
        return not proof and (old.size == 0 or old.root == new.root)
    if old.size > new.size:
        return False
    path = consistency_path(old.size, new.size)
    if len(path) != len(proof):
        return False
    siblings = list(zip(path, proof, strict=True))
    before = after = old.root
    if path[0][1] == old.size:  # the old tree is not one subtree: its last one comes first
        before = after = siblings.pop(0)[1]
    for (begin, _), sibling in siblings:
        if begin < old.size:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
        else:
            after = node_hash(after, sibling)
    return (before, after) == (old.root, new.root)
