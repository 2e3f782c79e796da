"""Long lives: one person to whom everything happens that is stored anywhere, again and again.

Each round tells an event of every topic, as the samples hold it, of the same person: under a
binding, bill, hold, premium, link and visit of that round. What changes a stream comes up to
70 rounds after its beginning, so that a journal has long moved on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from aggregates.topics import TOPICS, Event
from aggregates.vocabulary import StreamId
from service.ledger.codec import TOPIC_PREFIX, EventRow, decode, encode, encode_act
from tests.service.ledger.extreme_events import opening_of
from tests.service.ledger.stored_events import STORED
from tests.service.ledger.stored_parts import ACT

LATER = (0, 1, 70)
"""How many rounds after a stream's beginning something happens to it."""
FIRST = ("account.opened/1", "institution.designated/1", "policy.edition-published/1")
LAST = ("account.closed/1", "account.person-erased/1")
"""What happens in the first round alone, and in the last one."""
NAMED = re.compile(rb"(acc|bnd|stl|ins|lnk|prm|vis|cor|hld|kin|pol|tkt)_([0-9a-f]{31})([0-9a-f])")


@dataclass(slots=True)
class Life:
    """The rows of a life as they come; versions count themselves."""

    person: int = 1
    versions: dict[StreamId, int] = field(default_factory=dict)

    def rows(self, rounds: int) -> Iterator[EventRow]:
        """Everything that happens in so many rounds, as it is stored."""
        for number in range(rounds):
            for at, topic in enumerate(TOPICS.values()):
                begun = number if topic == opening_of(topic) else number - LATER[at % 3]
                is_out = (topic in FIRST and number) or (topic in LAST and number < rounds - 1)
                if begun >= 0 and not is_out:
                    yield self.row(topic, begun, STORED[topic])

    def row(self, topic: str, number: int, event: Event) -> EventRow:
        """The same event of this person's, with the streams of a round."""
        prefix = TOPIC_PREFIX[topic.partition(".")[0]]
        stream = self._stream(prefix, 0, number)
        self.versions[stream] = version = self.versions.get(stream, 0) + 1
        stored = encode(stream, version, event, encode_act(ACT)).state
        told = decode(topic, NAMED.sub(lambda found: self._named(found, number), stored))
        return encode(stream, version, told.event, encode_act(told.act))

    def _named(self, found: re.Match[bytes], number: int) -> bytes:
        prefix, _, which = found.groups()
        return self._stream(prefix.decode(), int(which, 16), number).encode()

    def _stream(self, prefix: str, which: int, number: int) -> StreamId:
        """A stream of this life: the same person and place always, the rest of its round."""
        if prefix == "acc":
            return StreamId(f"acc_{self.person:016x}{max(1, which):016x}")
        at = 0 if prefix in ("ins", "pol", "kin") else number + 1
        kind = sum(prefix.encode())
        return StreamId(f"{prefix}_{kind:08x}{self.person:08x}{at:015x}{which % 2:x}")
