"""Events and heads as stored bytes: every byte ever written is read for ever."""

import json
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.account.events import (
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    MovedFromPool,
    MovedToPool,
    PremiumDebited,
    PremiumReturned,
)
from aggregates.event_metadata import Act
from aggregates.pool.events import (
    PoolDebited,
    PoolEmptied,
    PoolFunded,
    PoolPremiumDebited,
    PoolPremiumReturned,
    PoolReturned,
)
from aggregates.topics import CLASSES, TOPICS, Event, State
from aggregates.vocabulary import BEIJING, StreamId
from service.ledger.codec import (
    KINDS,
    TOPIC_PREFIX,
    EventEnvelope,
    StreamKind,
    decode,
    decode_head,
    encode,
    encode_act,
    encode_head,
)
from tests.service.ledger.stored_events import STORED
from tests.service.ledger.stored_parts import ACT

pytestmark = pytest.mark.thorough

SAMPLES = Path(__file__).parents[2] / "samples" / "events"

days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
times = st.times(timezones=st.just(BEIJING))
st.register_type_strategy(date, days)
st.register_type_strategy(datetime, st.builds(datetime.combine, days, times))


def sample(topic: str) -> bytes:
    return (SAMPLES / f"{topic.replace('/', '@')}.json").read_bytes()


def a_stream(topic: str) -> StreamId:
    return StreamId(f"{TOPIC_PREFIX[topic.partition('.')[0]]}_{1:032x}")


@pytest.mark.parametrize("topic", STORED)
def test_a_sample_decodes_to_what_it_was(topic: str) -> None:
    """Bytes of the day a topic was introduced are today's object, act included."""
    assert EventEnvelope(ACT, STORED[topic]) == decode(topic, sample(topic))


@pytest.mark.parametrize("topic", STORED)
def test_a_sample_is_what_is_written_today(topic: str) -> None:
    """The same event is stored as the same bytes under the same name."""
    row = encode(a_stream(topic), 1, STORED[topic], encode_act(ACT))

    assert (topic, sample(topic)) == (row.topic, row.state)


def test_every_topic_has_a_sample() -> None:
    """Each event of each version is in the samples, and every sample is still read."""
    on_disk = {path.stem.replace("@", "/") for path in SAMPLES.iterdir()}

    assert set() == set(TOPICS.values()) - on_disk
    assert set() == on_disk - set(CLASSES)
    assert set() == on_disk ^ set(STORED)


def test_every_topic_belongs_to_a_kind_of_stream() -> None:
    """The first word of a topic names the stream it stands in."""
    assert set() == {TOPIC_PREFIX[topic.partition(".")[0]] for topic in CLASSES} - set(KINDS)


@pytest.mark.parametrize("topic", ["account.debited/2", "account.sneezed/1", ""])
def test_an_unknown_topic_stops_the_reader(topic: str) -> None:
    """A name this release does not know is never skipped."""
    with pytest.raises(KeyError):
        decode(topic, sample("account.debited/1"))


@pytest.mark.parametrize(
    ("topic", "path"),
    [
        pytest.param("account.debited/1", ()),
        pytest.param("account.debited/1", ("act",)),
        ("account.debited/1", ("event",)),
        ("binding.invitation-sent/1", ("event", "caps")),
        ("settlement.settled/1", ("event", "claim")),
        ("settlement.settled/1", ("event", "claim", "lines", 0)),
        ("settlement.settled/1", ("event", "payers", 1)),
    ],
)
def test_an_unknown_member_stops_the_reader(topic: str, path: tuple[str | int, ...]) -> None:
    """At whatever depth, what this release does not know is never dropped."""
    content = json.loads(sample(topic))
    inner = content
    for step in path:
        inner = inner[step]
    inner["stranger"] = 1

    with pytest.raises(ValueError, match="stranger"):
        decode(topic, json.dumps(content).encode())


@pytest.mark.parametrize(
    "topic", [topic for topic in STORED if topic != "binding.invitation-declined/1"]
)
def test_a_missing_member_stops_the_reader(topic: str) -> None:
    """Nothing is made up for a member that is not there."""
    content = json.loads(sample(topic))
    content["event"].pop(next(iter(content["event"])))

    with pytest.raises(ValueError, match="validation error"):
        decode(topic, json.dumps(content).encode())


@pytest.mark.parametrize("fen", ["4000", 4000.0, True])
def test_a_member_of_another_type_stops_the_reader(fen: object) -> None:
    """Fen are whole numbers in the bytes too; nothing is read as what it nearly is."""
    content = json.loads(sample("account.debited/1"))
    content["event"]["current_fen"] = fen

    with pytest.raises(ValueError, match="current_fen"):
        decode("account.debited/1", json.dumps(content).encode())


@pytest.mark.parametrize("state", [b"", b"{}", b"null", b'{"act":{}}', b"{", b"\xff"])
def test_broken_bytes_stop_the_reader(state: bytes) -> None:
    """Bytes that are no event are refused, loudly."""
    with pytest.raises(ValueError, match="validation error"):
        decode("account.debited/1", state)


@pytest.mark.parametrize("event_class", TOPICS, ids=TOPICS.values())
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_an_event_survives_storage(event_class: type[Event], data: st.DataObject) -> None:
    """Encode, decode: the same event and act; encode again: the same bytes."""
    event, act = data.draw(st.from_type(event_class)), data.draw(st.from_type(Act))
    topic = TOPICS[event_class]
    row = encode(a_stream(topic), 7, event, encode_act(act))
    decoded = decode(topic, row.state)

    assert EventEnvelope(act, event) == decoded
    assert row == encode(a_stream(topic), 7, decoded.event, encode_act(decoded.act))


HEADED = [kind for kind in KINDS.values() if kind.has_head]


@pytest.mark.parametrize("kind", HEADED, ids=[kind.prefix for kind in HEADED])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_head_survives_storage(kind: StreamKind, data: st.DataObject) -> None:
    """A folded state comes back as it was, and is stored as the same bytes again."""
    state: State = data.draw(st.from_type(kind.state))
    stored = encode_head(state)

    assert state == decode_head(kind.code, stored)
    assert stored == encode_head(decode_head(kind.code, stored))


def test_codes_of_kinds_are_told_apart() -> None:
    """A code stands for one kind for ever."""
    codes = {"acc": 1, "bnd": 2, "stl": 3, "ins": 4, "pol": 5, "kin": 6, "hld": 7, "prm": 8}

    codes |= {"lnk": 9, "cor": 10, "vis": 11, "fpl": 14, "ldg": 20}

    assert codes == {prefix: kind.code for prefix, kind in KINDS.items()}


@pytest.mark.parametrize("topic", STORED)
def test_a_row_tells_what_it_adds_to_a_balance(topic: str) -> None:
    """Money that moves is beside the bytes in fen, signed; all else is nothing (I9)."""
    event = STORED[topic]
    match event:
        case (
            Credited(amount_fen=fen)
            | Corrected(amount_fen=fen)
            | MovedFromPool(amount_fen=fen)
            | PoolFunded(amount_fen=fen)
            | PoolReturned(amount_fen=fen)
            | PoolPremiumReturned(amount_fen=fen)
        ):
            expected: int | None = fen
        case (
            Debited(current_fen=current, prior_fen=prior)
            | PremiumDebited(current_fen=current, prior_fen=prior)
            | MovedToPool(current_fen=current, prior_fen=prior)
        ):
            expected = -current - prior
        case (
            PoolDebited(amount_fen=fen)
            | PoolPremiumDebited(amount_fen=fen)
            | PoolEmptied(amount_fen=fen)
        ):
            expected = -fen
        case (
            DebitReturned(current_fen=current, prior_fen=prior)
            | PremiumReturned(current_fen=current, prior_fen=prior)
        ):
            expected = current + prior
        case _:
            expected = None

    assert expected == encode(a_stream(topic), 1, event, encode_act(ACT)).amount_fen
