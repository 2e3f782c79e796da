"""A ledger in memory told again: what a replay finds in it."""

from service.house import House
from service.ledger.layer import Layer, UnreadError
from service.ledger.memory import MemoryStore
from service.ledger.rows import Row, encode, encode_act
from service.ledger.store import NO_HEAD
from service.replay.course import Course
from service.replay.differences import Differences, Unlike
from service.replay.reading import Stored


def retold(house: House) -> Course:
    """The course of a house's log, its heads compared at the end."""
    store = house.store
    assert isinstance(store, MemoryStore)
    course = Course(Layer(), house.keys, Differences())
    for one in store.log:
        row = encode(one.stream, one.version, one.event, encode_act(one.act))
        taken(course, row, one.position, one.recorded_at)
    course.end()
    for stream, head in store.heads.items():
        if course.world.heads.get(stream) != head:
            course.found.note((None, stream), Unlike.HEAD, head, course.world.heads.get(stream))
    return course


def taken(course: Course, row: Row, position: int, recorded_at: int) -> None:
    """Take one row; what is asked for and not there was never told."""
    stored = Stored(
        position, recorded_at, row.stream, row.amount_fen, row.version, row.topic, row.state
    )
    while True:
        try:
            course.take(stored)
        except UnreadError as unread:
            course.world.heads.update(dict.fromkeys(unread.streams, NO_HEAD))
            if unread.name is not None:
                course.world.names[unread.name] = None
        else:
            return


def found_in(house: House) -> list[str]:
    """Every difference as a line."""
    return [difference.line() for difference in retold(house).found.kept]
