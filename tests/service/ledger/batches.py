"""Batches as an appender would send them, for tests of the stores themselves."""

from aggregates.account.events import Credited, Debited, Held, OrderChanged
from aggregates.topics import Event
from aggregates.vocabulary import Bucket, StreamId
from service.ledger.codec import EventRow, encode, encode_act, kind_of
from service.ledger.store import NO_HEAD, Batch, KeyRow, StreamHead
from tests.projections.recorded_families import (
    BEGAN_US,
    NOBODY,
    TODAY,
    a_claim,
    a_settlement,
    an_id,
    an_opening,
)

CALLER = "institution:test"
ACT = encode_act(NOBODY)
PURSE, OTHER, SETTLEMENT = an_id("acc", 1), an_id("acc", 2), an_id("stl", 1)


def credit(fen: int) -> Credited:
    return Credited(bucket=Bucket.CURRENT, amount_fen=fen, reference=None)


def debit(fen: int) -> Debited:
    return Debited(settlement=SETTLEMENT, binding=None, current_fen=fen, prior_fen=0, on=TODAY)


def aside(fen: int) -> Held:
    return Held(
        hold=StreamId(f"hld_{1:032x}"),
        binding=None,
        current_fen=fen,
        prior_fen=0,
        aid_fen=0,
        on=TODAY,
        expires_at=None,
    )


class Teller:
    """Makes batches one behind the other, and remembers the heads they leave."""

    def __init__(self) -> None:
        """Begin before the first event."""
        self.heads: dict[StreamId, StreamHead] = {}
        self.keys = 0

    def batch(self, *told: tuple[StreamId, Event], at: int = BEGAN_US) -> Batch:
        """A batch of these events, under one key, expecting what they stand on."""
        made = Batch(at=at)
        for stream, event in told:
            before = self.heads.get(stream, NO_HEAD)
            made.expected.setdefault(stream, before.version)
            version = before.version + 1
            made.rows.append(encode(stream, version, event, ACT))
            head = StreamHead(version, kind_of(stream).evolve(before.state, event))
            self.heads[stream] = made.heads[stream] = head
        self.keys += 1
        made.keys.append(a_key(f"key {self.keys}", len(made.rows)))
        return made

    def opening(self) -> Batch:
        """A purse with 500 fen, an empty one, a settlement, and the names they take."""
        settled = a_settlement(a_claim(PURSE), own_fen=100)
        made = self.batch(
            (PURSE, an_opening()),
            (OTHER, an_opening()),
            (PURSE, credit(600)),
            (PURSE, debit(100)),
            (SETTLEMENT, settled),
        )
        made.names = {b"purse": PURSE, b"bill": SETTLEMENT}
        made.person_keys = [(PURSE, b"wrapped")]
        return made


def a_key(
    key: str, offset: int, stream: StreamId | None = None, refusal: str | None = None
) -> KeyRow:
    return KeyRow(CALLER, key, b"digest of " + key.encode(), stream, refusal, b'{"n":1}', offset)


def overdrawn(teller: Teller, fen: int) -> Batch:
    """A batch that no decision would make: more money out than is there."""
    return teller.batch((OTHER, credit(1)), (PURSE, debit(fen)), (OTHER, OrderChanged(bindings=())))


def row(stream: StreamId, version: int, event: Event) -> EventRow:
    return encode(stream, version, event, ACT)
