"""Every stored event at the extremes of each of its fields, made from the dataclass types.

An event of each topic as the samples hold it is changed in one field at a time, the parts of
its parts too; so a new topic or member has its extremes here as soon as it has a sample.
"""

import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from aggregates.topics import TOPICS, Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import TOPIC_PREFIX
from tests.service.ledger.stored_events import STORED

FEN_MAX = 9 * 10**15
"""The most that one stored amount may be, in fen, either way."""
LONG = "长" * 10_000
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
SIMPLE: dict[type, tuple[object, ...]] = {
    bool: (False, True),
    int: (-FEN_MAX, -1, 0, FEN_MAX),
    str: ("", "\0", LONG),
    date: (date.min, date.max),
    datetime: (FIRST, LAST, FIRST.replace(tzinfo=EAST), LAST.replace(tzinfo=WEST)),
}
ODD_STREAMS = ("", "acc_", "nothing of ours", StreamId("acc_" + "f" * 32))


def opening_of(topic: str) -> str:
    """The topic that begins the kind of stream that a topic belongs to."""
    return OPENINGS[topic.partition(".")[0]]


OPENINGS = {
    "account": "account.opened/1",
    "binding": "binding.invitation-sent/1",
    "settlement": "settlement.settled/1",
    "institution": "institution.designated/1",
    "policy": "policy.edition-published/1",
    "kinship": "kinship.recorded/1",
    "hold": "hold.placed/1",
    "link": "link.opened/1",
    "correction": "correction.proposed/1",
    "premium": "premium.held/1",
    "visit": "visit.registered/1",
    "ledger": "ledger.fork-accepted/1",
    "pool": "pool.opened/1",
}
assert set(OPENINGS) == set(TOPIC_PREFIX), "every kind of stream begins with something"


def extremes(topic: str) -> Iterator[Event]:
    """An event of a topic, at each extreme of each of its fields."""
    yield from _changed(STORED[topic])


def every_extreme() -> Iterator[tuple[str, Event]]:
    """Those of every topic."""
    for topic in TOPICS.values():
        for event in extremes(topic):
            yield topic, event


def _changed(whole: Any) -> Iterator[Any]:  # noqa: ANN401 -- an event or a part of one
    hints = get_type_hints(type(whole))
    for field in fields(whole):
        ordinary = getattr(whole, field.name)
        for value in _values(hints[field.name], ordinary):
            yield replace(whole, **{field.name: value})


def _values(hint: Any, ordinary: Any) -> Iterator[Any]:  # noqa: ANN401 -- a type of any shape
    """The extremes of a type; `ordinary` is an example of it, for what it is made of."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        for each in inside:
            yield from _values(each, ordinary)
    elif origin is tuple:
        yield from _tuples(inside, ordinary)
    elif origin is dict:
        yield {}
        yield dict.fromkeys([LONG, ""], next(iter((ordinary or {"": 0}).values())))
    else:
        yield from _plain(hint, ordinary)


def _tuples(inside: tuple[Any, ...], ordinary: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """None at all, many, and one odd one among the ordinary; or one odd place of a pair."""
    places = list(enumerate(inside))
    if inside[-1] is ...:
        yield ()
        yield ordinary * 50 if ordinary else ()
        places = [(0, inside[0])] if ordinary else []
    for at, each in places:
        for value in _values(each, ordinary[at]):
            yield (*ordinary[:at], value, *ordinary[at + 1 :])


def _plain(hint: Any, ordinary: Any) -> Iterator[Any]:  # noqa: ANN401
    if hint in (None, types.NoneType):
        yield None
    elif hint is StreamId:
        yield from ODD_STREAMS
    elif isinstance(hint, type) and is_dataclass(hint):
        if isinstance(ordinary, hint):
            yield from _changed(ordinary)
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        yield from (next(iter(hint)), list(hint)[-1])
    else:
        yield from SIMPLE[hint]
