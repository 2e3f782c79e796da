"""Logs that hold what no door lets in: every extreme of every field, between ordinary events."""

from collections.abc import Iterator
from typing import NamedTuple

from aggregates.account.events import Credited
from aggregates.topics import Event
from aggregates.vocabulary import Bucket, StreamId
from service.ledger.codec import TOPIC_PREFIX, Row, encode, encode_act
from tests.projections.recorded_families import an_opening
from tests.service.ledger.extreme_events import opening_of
from tests.service.ledger.stored_events import STORED
from tests.service.ledger.stored_parts import ACT

NEIGHBOUR = StreamId("acc_" + "0" * 28 + "beef")
EVERY = 5
"""After how many extremes the neighbour's next event comes."""


class OddLog(NamedTuple):
    """Rows in their order; at which positions an extreme stands, and how many are neighbours."""

    rows: list[Row]
    odd: dict[int, str]
    neighbours: int


def odd_log(events: Iterator[tuple[str, Event]]) -> OddLog:
    """Each event in a stream of its own, behind the ordinary beginning of one, and what follows."""
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
        rows.append(encode(stream, 1 + (topic != opening), event, act))
        odd[len(rows)] = f"{topic} {event}"[:200]
        if number % EVERY == 0:
            neighbours += 1
            credit = Credited(bucket=Bucket.CURRENT, amount_fen=1, reference=None)
            rows.append(encode(NEIGHBOUR, 1 + neighbours, credit, act))
    return OddLog(rows, odd, neighbours)
