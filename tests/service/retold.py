"""A ledger in memory told again: what a replay finds in it."""

from service.house import House
from service.ledger.layer import Layer, UnreadError
from service.ledger.memory import MemoryStore
from service.ledger.rows import Recorded, Row, encode, encode_act
from service.ledger.store import NO_HEAD
from service.replay.course import Course
from service.replay.differences import Differences, Unlike
from service.replay.reading import Stored


def retold(house: House) -> Course:
    """The course of a house's log, its heads compared at the end."""
    store = house.store
    assert isinstance(store, MemoryStore)
    course = Course(Layer(), house.keys, Differences())
    rows = [
        _stored(encode(one.stream, one.version, one.event, encode_act(one.act)), one)
        for one in store.log
    ]
    at = 0
    while at < len(rows):
        try:
            at = course.go_on(rows, at)
        except UnreadError as unread:
            _know(course, unread)
    course.end()
    for stream, head in store.heads.items():
        if course.world.heads.get(stream) != head:
            course.found.note((None, stream), Unlike.HEAD, head, course.world.heads.get(stream))
    return course


def _stored(row: Row, one: Recorded) -> Stored:
    return Stored(
        one.position,
        one.recorded_at,
        row.stream,
        row.amount_fen,
        row.version,
        row.topic,
        row.state,
    )


def _know(course: Course, unread: UnreadError) -> None:
    course.world.heads.update(dict.fromkeys(unread.streams, NO_HEAD))
    if unread.name is not None:
        course.world.names[unread.name] = None


def found_in(house: House) -> list[str]:
    """Every difference as a line."""
    return [difference.line() for difference in retold(house).found.kept]
