"""The tree's arithmetic: known vectors, and laws held against the definition itself."""

import itertools
from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.proof.merkle import (
    EMPTY,
    NO_EDGE,
    TILE,
    Edge,
    Leaf,
    TreeHead,
    consistency_path,
    cover,
    grow,
    included_root,
    inclusion_path,
    is_consistent,
    leaf_hash,
    root_of,
)

VECTOR = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The vectors that implementations of certificate transparency share, for 1 to 8 leaves."""
SIZES = st.integers(1, 700)


def some_leaves(size: int) -> list[bytes]:
    return [sha256(b"\0" + n.to_bytes(4, "big")).digest() for n in range(size)]


def defined(leaves: Sequence[bytes]) -> bytes:
    """The tree hash as RFC 9162 §2.1.1 writes it down."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else sha256(b"").digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def proof(leaves: Sequence[bytes], path: Sequence[tuple[int, int]]) -> list[bytes]:
    return [defined(leaves[begin:end]) for begin, end in path]


def test_the_roots_are_the_known_ones() -> None:
    """Eight leaves, added one by one, give the roots that others published."""
    edge = NO_EDGE
    assert sha256(b"").digest() == EMPTY == root_of(())
    for data, root in zip(VECTOR, ROOTS, strict=True):
        edge = grow(edge, [sha256(b"\0" + data).digest()]).edge
        assert root == root_of(edge.hashes).hex()


@pytest.mark.parametrize(
    ("index", "size", "hashes"),
    [
        (0, 1, ()),
        (0, 8, (1, 2, 4)),
        (5, 8, (4, 6, 0)),
        (2, 3, (0,)),
        (1, 5, (0, 2, 4)),
    ],
)
def test_the_proofs_are_the_known_ones(index: int, size: int, hashes: tuple[int, ...]) -> None:
    """The published inclusion proofs go through the subtrees that begin at these leaves."""
    assert hashes == tuple(begin for begin, _ in inclusion_path(index, size))


def test_a_leaf_is_what_the_contract_says() -> None:
    """Each field with its length in eight bytes before it, after a zero byte."""
    leaf = Leaf(7, bytes(range(16)), 3, "account.opened/1", 1_772_418_000_000_000, b"{}")
    parts = (
        (7).to_bytes(8, "big"),
        bytes(range(16)),
        (3).to_bytes(8, "big"),
        b"account.opened/1",
        (1_772_418_000_000_000).to_bytes(8, "big"),
        b"{}",
    )
    raw = b"".join(len(part).to_bytes(8, "big") + part for part in parts)

    assert sha256(b"\0" + raw).digest() == leaf_hash(leaf)
    moved = leaf._replace(topic="account.opened/1{", state=b"}")
    assert leaf_hash(leaf) != leaf_hash(moved)


@given(SIZES, st.lists(st.integers(0, 300), max_size=6))
def test_growing_in_any_steps_is_the_same_tree(size: int, steps: list[int]) -> None:
    """However the leaves come in, edge, root and kept nodes are those of the definition."""
    leaves = some_leaves(size)
    edge, at, kept = NO_EDGE, 0, dict[tuple[int, int], bytes]()
    for step in [*steps, size]:
        grown = grow(edge, leaves[at : min(size, at + step)])
        edge, at = grown.edge, min(size, at + step)
        kept |= dict(grown.kept)

    assert Edge(size, edge.hashes) == edge
    assert defined(leaves) == root_of(edge.hashes)
    assert {(TILE, ix): defined(leaves[ix << 8 : (ix + 1) << 8]) for ix in range(size >> 8)} == kept


@given(st.data(), SIZES)
def test_a_range_is_covered_once(data: st.DataObject, size: int) -> None:
    """The complete subtrees of a subtree's range are disjoint, whole, and give its root."""
    leaves = some_leaves(size)
    path = inclusion_path(data.draw(st.integers(0, size - 1)), size)
    for span in [(0, size), *path]:
        nodes = cover(span)
        ends = [(ix << level, (ix + 1) << level) for level, ix in nodes]
        assert span == (ends[0][0], ends[-1][1])
        assert all(one[1] == other[0] for one, other in itertools.pairwise(ends))
        roots = [defined(leaves[begin:end]) for begin, end in ends]
        assert defined(leaves[slice(*span)]) == root_of(roots)


@given(st.data(), SIZES)
def test_every_leaf_is_proven_and_no_other(data: st.DataObject, size: int) -> None:
    """An inclusion proof leads to the root; with anything changed it does not."""
    leaves = some_leaves(size)
    index = data.draw(st.integers(0, size - 1))
    hashes = proof(leaves, inclusion_path(index, size))
    root = defined(leaves)

    assert root == included_root(index, size, leaves[index], hashes)
    assert included_root(index, size, bytes(32), hashes) != root
    assert included_root(size, size, leaves[index], hashes) is None
    assert included_root(index, size, leaves[index], [*hashes, bytes(32)]) is None
    if hashes:
        assert included_root(index ^ 1, size, leaves[index], hashes) != root
        at = data.draw(st.integers(0, len(hashes) - 1))
        hashes[at] = bytes(32)
        assert included_root(index, size, leaves[index], hashes) != root


@given(st.data(), SIZES)
def test_growth_is_proven_and_nothing_else(data: st.DataObject, size: int) -> None:
    """A consistency proof holds between a tree and its beginning, and not for another one."""
    leaves = some_leaves(size)
    old = data.draw(st.integers(1, size))
    hashes = proof(leaves, consistency_path(old, size))
    before, after = TreeHead(old, defined(leaves[:old])), TreeHead(size, defined(leaves))

    assert is_consistent(before, after, hashes)
    assert is_consistent(TreeHead(0, EMPTY), after, [])
    assert not is_consistent(before._replace(root=bytes(32)), after, hashes)
    assert not is_consistent(before, after._replace(root=bytes(32)), hashes)
    assert not is_consistent(before, after, [*hashes, bytes(32)])
    if old < size:
        assert not is_consistent(after, before, hashes)
        assert not is_consistent(before, after, hashes[:-1])
