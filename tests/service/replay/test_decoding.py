"""What a replay reads fast is what everybody reads, and nothing hides in it."""

from pathlib import Path

import pytest

from aggregates.settlement.events import Settled
from aggregates.vocabulary import StreamId
from service.ledger.codec import decode_act, decode_event, parts
from service.replay.compare.multiset_hash import Tally
from service.replay.decoding import inputs_of, read_act, read_event, written
from service.vault import Vault
from tests.service.ledger.stored_events import STORED
from tests.service.ledger.stored_parts import ACT

SAMPLES = Path(__file__).parents[2] / "samples" / "events"
ONE, TWO = StreamId(f"stl_{1:032x}"), StreamId(f"stl_{2:032x}")


def sample(topic: str) -> tuple[bytes, bytes]:
    return parts((SAMPLES / f"{topic.replace('/', '@')}.json").read_bytes())


@pytest.mark.parametrize("topic", STORED)
def test_every_event_is_read_and_written_as_by_the_ledger(topic: str) -> None:
    """The same object from the same bytes, and the same bytes from it."""
    act, event = sample(topic)

    assert STORED[topic] == read_event(topic, event)
    assert event == written(STORED[topic])
    assert ACT == read_act(act) == decode_act(act)
    assert act == written(ACT)


@pytest.mark.parametrize("topic", STORED)
def test_a_member_that_nobody_knows_stops_it(topic: str) -> None:
    """Bytes with more in them than this release writes are not read."""
    _, event = sample(topic)
    more = event[:-1] + (b',"more":1}' if len(event) > 2 else b'"more":1}')
    with pytest.raises(ValueError, match="more"):
        read_event(topic, more)


def test_what_is_written_otherwise_is_read_as_everywhere() -> None:
    """Another release's spaces and order change nothing."""
    topic = "settlement.settled/1"
    _, event = sample(topic)
    spaced = event.replace(b'":', b'" : ')

    assert spaced != event
    assert decode_event(topic, event) == read_event(topic, spaced)


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b'{"claim":1}', b'{"read":"\xff"}'])
def test_what_cannot_be_read_has_no_inputs(broken: bytes) -> None:
    """A bill that cannot be read fast is left to the other way."""
    assert None is inputs_of(broken)
    with pytest.raises(ValueError, match=r"."):
        read_event("settlement.settled/1", broken)
    with pytest.raises(ValueError, match=r"."):
        read_act(broken)


def test_a_bill_without_a_hold_has_inputs() -> None:
    """What it was decided from; one that settles a hold is decided in another way."""
    topic = "settlement.settled/1"
    settled = STORED[topic]
    assert isinstance(settled, Settled)
    _, event = sample(topic)
    start = event.index(b'"hold":')
    hold = event[start : event.index(b',"settled_at"')]
    told = inputs_of(event.replace(hold, b'"hold":null'))

    assert told is not None
    assert (settled.claim, settled.read, settled.changed) == (told.claim, told.read, told.changed)
    assert None is inputs_of(event.replace(hold, b'"hold":"%b"' % ONE.encode()))


def test_a_tally_is_the_same_for_the_same_pairs_alone() -> None:
    """In any order, with what came and went; not for names that changed places."""
    keys = Vault(bytes(32), bytes(range(32)))
    one, same, other, fewer = (Tally(keys) for _ in range(4))
    one.add(ONE, b"a")
    one.add(TWO, b"b")
    same.add(TWO, b"b")
    same.add(ONE, b"c")
    same.add(ONE, b"a")
    same.add(ONE, b"c", -1)
    other.add(ONE, b"b")
    other.add(TWO, b"a")
    fewer.add(ONE, b"a")

    assert one.is_same(same)
    assert not one.is_same(other)
    assert not one.is_same(fewer)
