"""A ledger in memory told again: what a replay finds in it."""

from collections.abc import Sequence

from aggregates.vocabulary import StreamId
from service.context import ServiceContext
from service.ledger.codec import EventRow, Recorded, encode, encode_act, kind_of
from service.ledger.memory_store import MemoryStore
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.store import NO_HEAD, StreamHead
from service.replay.decoding import Stored
from service.replay.differences import Differences, Mismatch
from service.replay.state_cache import BARE
from service.replay.walk import LogWalk


def retold(context: ServiceContext) -> LogWalk:
    """The course of a house's log, its heads compared at the end."""
    store = context.store
    assert isinstance(store, MemoryStore)
    course = LogWalk(Overlay(), context.vault, Differences())
    rows = [
        _stored(encode(one.stream, one.version, one.event, encode_act(one.act)), one)
        for one in store.log
    ]
    at = 0
    while at < len(rows):
        try:
            at = course.go_on(rows, at)
        except UnreadError as unread:
            _know(course, unread, store.log, rows[at].position)
    course.end()
    for stream, head in store.heads.items():
        known = course.states.heads.get(stream) or _earlier(store.log, stream, len(rows) + 1)
        if known != head:
            course.diffs.note((None, stream), Mismatch.HEAD, head, known)
    return course


def _stored(row: EventRow, one: Recorded) -> Stored:
    return Stored(
        one.position,
        one.recorded_at,
        row.stream,
        row.amount_fen,
        row.version,
        row.topic,
        row.state,
    )


def _know(course: LogWalk, unread: UnreadError, log: Sequence[Recorded], before: int) -> None:
    """Load what is missing: a bill's few events are read again when it comes back."""
    for stream in unread.streams:
        course.states.heads[stream] = _earlier(log, stream, before)
    if unread.name is not None:
        course.states.names[unread.name] = None


def _earlier(log: Sequence[Recorded], stream: StreamId, before: int) -> StreamHead:
    """A stream without heads as its events before a position left it; nothing of any other."""
    head = NO_HEAD
    for one in log if stream[:3] in BARE else ():
        if one.stream == stream and one.position < before:
            head = StreamHead(one.version, kind_of(stream).evolve(head.state, one.event))
    return head


def found_in(context: ServiceContext) -> list[str]:
    """Every difference as a line."""
    return [difference.line() for difference in retold(context).diffs.kept]
