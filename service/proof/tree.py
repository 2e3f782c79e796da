"""The log's Merkle tree as it is stored: its leaves are the rows, its nodes every 8th level.

A proof reads at most 255 rows or nodes per stored level, so its cost does not grow with the log.
An altered row changes the root, and its proofs no longer verify.
"""

from collections.abc import Sequence
from typing import Any

from service.proof.merkle import (
    NO_EDGE,
    TILE,
    Edge,
    Grown,
    Leaf,
    Range,
    TreeNode,
    cover,
    grow,
    leaf_hash,
    root_of,
)

LEAVES = """
    SELECT e.position, e.stream, e.version, t.topic, e.recorded_at, e.state
      FROM events e LEFT JOIN topics t ON t.id = e.topic
"""
AFTER = f"{LEAVES} WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position"
WITHIN = f"""{LEAVES}
      JOIN unnest($1::bigint[], $2::bigint[]) AS span (first, last)
        ON e.position > span.first AND e.position <= span.last
"""
NODES = """
    SELECT n.level, n.ix, n.hash FROM tree_nodes n
      JOIN unnest($1::smallint[], $2::bigint[], $3::bigint[]) AS span (level, first, last)
        ON n.level = span.level AND n.ix >= span.first AND n.ix < span.last
"""
KEEP = "INSERT INTO tree_nodes SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])"

ConnectionOrPool = Any
"""A connection of asyncpg, or a pool."""


KeptSpan = tuple[int, int, int]
"""A stored level (0: the rows), and the indices there, the last excluded."""


class LogBrokenError(Exception):
    """The log or the access log is not what was sealed; the message says how."""


async def read_leaves(connection: ConnectionOrPool, after: int, upto: int) -> list[Leaf]:
    """The rows after a position, up to another, as they are sealed.

    Raises:
        LogBrokenError: one of them is missing.
    """
    leaves = [_leaf(row) for row in await connection.fetch(AFTER, after, upto)]
    if len(leaves) != upto - after:
        raise LogBrokenError(f"rows are missing between {after} and {upto}")
    return leaves


async def keep(connection: ConnectionOrPool, grown: Grown) -> None:
    """Store the nodes that became complete."""
    levels, indices = [level for (level, _), _ in grown.kept], [ix for (_, ix), _ in grown.kept]
    await connection.execute(KEEP, levels, indices, [root for _, root in grown.kept])


async def read_hashes(connection: ConnectionOrPool, spans: Sequence[Range]) -> list[bytes]:
    """The roots of ranges of the tree.

    Raises:
        LogBrokenError: a row or a node under them is missing.
    """
    covers = [cover(span) for span in spans]
    below = [_below(node) for nodes in covers for node in nodes]
    hashes = await _leaves(connection, below) | await _nodes(connection, below)
    try:
        return [root_of([_root(node, hashes) for node in nodes]) for nodes in covers]
    except KeyError as error:
        raise LogBrokenError(f"no node {error.args[0]}") from error


async def read_root(connection: ConnectionOrPool, size: int) -> bytes:
    """The root of the tree over the first rows. Raises LogBrokenError."""
    return (await read_hashes(connection, [(0, size)]))[0]


def edge_of(size: int, stored: bytes) -> Edge:
    """A right edge from its bytes."""
    return Edge(size, tuple(stored[at : at + 32] for at in range(0, len(stored), 32)))


def _below(node: TreeNode) -> KeptSpan:
    """The nodes of the next stored level that a node is made of."""
    level, ix = node
    base = level // TILE * TILE
    return base, ix << (level - base), (ix + 1) << (level - base)


async def _leaves(connection: ConnectionOrPool, below: Sequence[KeptSpan]) -> dict[TreeNode, bytes]:
    spans = [(first, last) for base, first, last in below if base == 0]
    if not spans:
        return {}
    rows = await connection.fetch(WITHIN, *(list(column) for column in zip(*spans, strict=True)))
    return {(0, row["position"] - 1): leaf_hash(_leaf(row)) for row in rows}


async def _nodes(connection: ConnectionOrPool, below: Sequence[KeptSpan]) -> dict[TreeNode, bytes]:
    spans = [span for span in below if span[0] > 0]
    if not spans:
        return {}
    rows = await connection.fetch(NODES, *(list(column) for column in zip(*spans, strict=True)))
    return {(level, ix): root for level, ix, root in rows}


def _root(node: TreeNode, hashes: dict[TreeNode, bytes]) -> bytes:
    base, first, last = _below(node)
    return root_of(grow(NO_EDGE, [hashes[base, ix] for ix in range(first, last)]).edge.hashes)


def _leaf(row: Any) -> Leaf:  # noqa: ANN401 -- a record of asyncpg
    position, stream, version, topic, recorded_at, state = row
    if topic is None:
        raise LogBrokenError(f"the topic of {position} has no name")
    return Leaf(position, stream.bytes, version, topic, recorded_at, state)
