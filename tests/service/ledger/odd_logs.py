"""Logs that hold what no door lets in: every extreme of every field, between ordinary events."""

from collections.abc import Iterator
from typing import NamedTuple

from aggregates.account.events import Credited
from aggregates.topics import Event
from aggregates.vocabulary import Bucket, StreamId
from service.ledger.codec import TOPIC_PREFIX, EventRow, encode, encode_act
from tests.projections.recorded_families import an_opening
from tests.service.ledger.extreme_events import opening_of
from tests.service.ledger.stored_events import STORED
from tests.service.ledger.stored_parts import ACT

NEIGHBOUR = StreamId("acc_" + "0" * 28 + "beef")
EVERY = 5
"""After how many extremes the neighbour's next event comes."""


class OddLog(NamedTuple):
    """Rows in their order; at which positions an extreme stands, and how many are neighbours."""

    rows: list[EventRow]
    odd: dict[int, str]
    neighbours: int


def follow_ups(topic: str) -> list[str]:
    """Ordinary events behind an odd one in its stream: what was kept of it is read again."""
    kind = [other for other in STORED if other.partition(".")[0] == topic.partition(".")[0]]
    begins = opening_of(topic)
    return [topic, topic] if topic != begins else [other for other in kind if other != begins][:3]


def odd_log(events: Iterator[tuple[str, Event]]) -> OddLog:
    """Each event in a stream of its own, between the ordinary beginning of one and what follows."""
    act = encode_act(ACT)
    rows = [encode(NEIGHBOUR, 1, an_opening(), act)]
    odd: dict[int, str] = {}
    neighbours = 0
    for number, (topic, event) in enumerate(events, 1):
        prefix = TOPIC_PREFIX[topic.partition(".")[0]]
        stream = StreamId(f"{prefix}_{number:032x}")
        opening = opening_of(topic)
        if topic != opening:
            rows.append(encode(stream, 1, STORED[opening], act))
        version = 1 + (topic != opening)
        rows.append(encode(stream, version, event, act))
        odd[len(rows)] = f"{topic} {event}"[:200]
        for later in follow_ups(topic):
            version += 1
            rows.append(encode(stream, version, STORED[later], act))
        if number % EVERY == 0:
            neighbours += 1
            credit = Credited(bucket=Bucket.CURRENT, amount_fen=1, reference=None)
            rows.append(encode(NEIGHBOUR, 1 + neighbours, credit, act))
    return OddLog(rows, odd, neighbours)
