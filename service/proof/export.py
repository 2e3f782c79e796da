"""The log as lines that anybody can check: a header, then one line for each row with its proof.

An export of the whole log proves itself: its rows give the signed root. A part carries an
inclusion proof with each row. Checkpoints that were signed on the way stand with their rows, so
that a fault is located between two of them.
"""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from asyncpg import Pool

from aggregates.refusals import UnknownError
from aggregates.vocabulary import BEIJING, StreamId
from service.context import ServiceContext
from service.ledger.codec import Recorded, stream_of
from service.proof.merkle import TILE, Leaf, inclusion_path, leaf_hash
from service.proof.proofs import Signed, newest
from service.proof.signed_notes import b64
from service.proof.signing_keys import listed_keys, origin_of
from service.proof.tree import read_hashes, read_leaves

FORMAT = "gongji-export/1"
LEAF_IN_WORDS = (
    "SHA-256 over 0x00 and, each with an 8-byte big-endian length before it: position (8 bytes"
    " big-endian), stream id (16 bytes), version (8 bytes big-endian), topic (UTF-8), recorded-at"
    " (microseconds since 1970, 8 bytes big-endian), state (the stored bytes: the member state as"
    " UTF-8; a state that is no UTF-8 stands in the member state_base64 instead, RFC 4648 with"
    " padding); nodes as RFC 9162 (0x01); leaf index = position - 1"
)
PAGE = 1 << TILE
"""Rows read at a time: those under one stored node, which share their proofs."""
BILLS = ("settlement", "hold")
NOTES = """
    SELECT size, note FROM checkpoints WHERE size > $1 AND size <= $2 ORDER BY size, accesses
"""


class ExportRange(NamedTuple):
    """Which rows: from one position to another (None: the newest sealed), both included.

    With an institution's code and a day, only the rows of its bills of that business day.
    """

    first: int = 1
    last: int | None = None
    institution: str | None = None
    day: date | None = None


class RangeInvalidError(Exception):
    """There are no such rows under the newest checkpoint."""


async def export(context: ServiceContext, pool: Pool, part: ExportRange) -> AsyncIterator[str]:
    """The lines of an export, each with its line break.

    Raises:
        NotSealedYetError: nothing was sealed yet; RangeInvalidError: no such rows;
        UnknownError: no such institution; LogBrokenError: the log is not what was sealed.
    """
    signed = await newest(pool)
    size = signed.head.size
    first, last = await _span(pool, part, size)
    keys = await listed_keys(pool)
    yield json_line(header_of(await origin_of(pool), (first, last), signed, keys, part))
    own = None if part.institution is None else await _institution(context, part.institution)
    has_proofs = (first, last) != (1, size) or own is not None
    after = first - 1
    while after < last:
        upto = min(last, (after // PAGE + 1) * PAGE)
        leaves = await _own(context, own, await read_leaves(pool, after, upto))
        lines = {leaf.position: row_of(leaf) for leaf in leaves}
        if has_proofs:
            for position, proof in (await _proofs(pool, list(lines), size)).items():
                lines[position]["proof"] = proof
        for position, note in await pool.fetch(NOTES, after, upto):
            if position in lines:
                lines[position]["checkpoint"] = note
        for line in lines.values():
            yield json_line(line)
        after = upto


def row_of(leaf: Leaf) -> dict[str, Any]:
    """The members of a row's line; a state that is no text stands in base64."""
    line: dict[str, Any] = {
        "position": leaf.position,
        "stream": leaf.stream.hex(),
        "version": leaf.version,
        "topic": leaf.topic,
        "recorded_at": leaf.recorded_at,
    }
    try:
        line["state"] = leaf.state.decode()
    except UnicodeDecodeError:
        line["state_base64"] = base64.b64encode(leaf.state).decode()
    return line | {"leaf": b64(leaf_hash(leaf))}


def header_of(
    origin: str, span: tuple[int, int], signed: Signed, keys: Sequence[str], part: ExportRange
) -> dict[str, Any]:
    """The members of the first line."""
    selection = None
    if part.institution is not None and part.day is not None:
        selection = {"institution": part.institution, "day": part.day.isoformat()}
    return {
        "format": FORMAT,
        "ledger": origin,
        "leaf": LEAF_IN_WORDS,
        "from": span[0],
        "to": span[1],
        "selection": selection,
        "keys": list(keys),
        "checkpoint": signed.note,
    }


def json_line(members: dict[str, Any]) -> str:
    """A line of an export, with its line break."""
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


async def _proofs(pool: Pool, positions: Sequence[int], size: int) -> dict[int, list[str]]:
    """The inclusion proofs of the rows of one page."""
    paths = {position: inclusion_path(position - 1, size) for position in positions}
    spans = sorted({span for path in paths.values() for span in path})
    roots = dict(zip(spans, map(b64, await read_hashes(pool, spans)), strict=True))
    return {position: [roots[span] for span in path] for position, path in paths.items()}


# ---------------------------------------------------------------- an institution's day


async def _span(pool: Pool, part: ExportRange, size: int) -> tuple[int, int]:
    """The first and the last position, both included; a day without rows ends before it begins."""
    last = size if part.last is None else part.last
    if not 0 < part.first <= last <= size:
        raise RangeInvalidError(f"the checkpoint is over the positions from 1 to {size}")
    if part.day is None:
        return part.first, last
    begins = datetime.combine(part.day, datetime.min.time(), BEIJING)
    first = await _first_since(pool, begins, part.first, last)
    return first, await _first_since(pool, begins + timedelta(days=1), first, last) - 1


async def _first_since(pool: Pool, moment: datetime, first: int, last: int) -> int:
    """The first position that was recorded at a moment or later: times never run back."""
    at_us, after = int(moment.timestamp()) * 1_000_000, last + 1
    while first < after:
        middle = (first + after) // 2
        recorded_at = await pool.fetchval(
            "SELECT recorded_at FROM events WHERE position = $1", middle
        )
        if recorded_at >= at_us:
            after = middle
        else:
            first = middle + 1
    return first


async def _institution(context: ServiceContext, code: str) -> StreamId:
    name = context.vault.name("institution", code)
    stream = (await context.store.read((), (name,))).names.get(name)
    if stream is None:
        raise UnknownError(what="institution")
    return stream


async def _own(
    context: ServiceContext, own: StreamId | None, leaves: Sequence[Leaf]
) -> Sequence[Leaf]:
    """The rows of an institution's settlements and holds; all rows if none is named."""
    if own is None:
        return leaves
    bills = {leaf: _bill(leaf) for leaf in leaves if leaf.topic.partition(".")[0] in BILLS}
    first_events = await context.store.first_events(sorted(set(bills.values())))
    ours = {first.stream for first in first_events if _place(first) == own}
    return [leaf for leaf in leaves if bills.get(leaf) in ours]


def _bill(leaf: Leaf) -> StreamId:
    return stream_of(leaf.topic, UUID(bytes=leaf.stream))


def _place(first: Recorded) -> object:
    """The institution that a bill's first event names, in its claim or directly."""
    claim = getattr(first.event, "claim", first.event)
    return getattr(claim, "institution", None)
