"""One batch of the log into read models, in one transaction with how far they have come.

The row in `follower_positions` is locked first and says where to go on, so each event is
applied exactly once, whoever applies it and however often he dies.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aggregates.topics import CLASSES, TOPICS
from projections import ALL
from projections.kit.table import Connection, Projection
from service.ledger.codec import TOPIC_PREFIX, Recorded, decode, stream_id
from service.ledger.roles import as_projector

EVENTS_MAX = 1000
"""Events in a batch."""
BREATH = 64
"""Events decoded before others in this process have their turn."""
OURS = re.compile(r"[a-z]+\.[a-z-]+/\d+")
"""How topics of ours look; the eventsourcing library's own do not."""

LOCK = "SELECT pg_advisory_xact_lock(hashtext('gongji.projections'), hashtext(current_schema()))"
POSITIONS = "SELECT follower, position FROM follower_positions WHERE follower = ANY ($1)"
PAGE = """
    SELECT e.position, e.recorded_at, e.stream, e.version, t.topic,
           CASE WHEN t.topic = ANY ($4) THEN e.state END AS state
      FROM events e LEFT JOIN topics t ON t.id = e.topic
     WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3
"""


class UnreadableEventError(Exception):
    """An event that this release cannot read, at a position; a newer one may."""


class Target(NamedTuple):
    """A read model and the name of the tables it is written to."""

    projection: Projection
    name: str

    @property
    def follower(self) -> str:
        """Under which name its position is kept."""
        return follower_of(self.name)


class Span(NamedTuple):
    """Read models that stand at the same position, and how far they may go now."""

    targets: tuple[Target, ...]
    after: int
    upto: int


def follower_of(name: str) -> str:
    """Under which name the position of a read model's tables is kept."""
    return f"projections.{name}"


LIVE = tuple(Target(projection, projection.table.name) for projection in ALL)


def spans(reached: Mapping[Target, int], head: int) -> list[Span]:
    """What there is to do up to the head, the foremost first.

    Whoever is behind goes up to the next one before him, and with him from there on.
    """
    todo: list[Span] = []
    upto = head
    for after in sorted(set(reached.values()), reverse=True):
        if after < upto:
            together = tuple(target for target, position in reached.items() if position == after)
            todo.append(Span(together, after, upto))
        upto = min(upto, after)
    return todo


async def prepare(connection: Connection, targets: Sequence[Target] = LIVE) -> None:
    """Make the tables that are not there yet; they begin before the first event."""
    async with connection.transaction():
        await connection.execute(LOCK)
        for target in targets:
            there = await connection.fetchval("SELECT to_regclass($1)", target.name)
            if there is None:
                async with as_projector(connection):
                    ddl = target.projection.table.ddl
                    await connection.execute(ddl.format(name=target.name))
                await connection.execute(
                    "INSERT INTO follower_positions VALUES ($1, 0)"
                    " ON CONFLICT (follower) DO UPDATE SET position = 0",
                    target.follower,
                )


async def positions(connection: Any, targets: Sequence[Target]) -> dict[Target, int]:  # noqa: ANN401
    """How far read models have come; `connection` may be a pool."""
    found = dict(await connection.fetch(POSITIONS, [target.follower for target in targets]))
    return {target: found.get(target.follower, 0) for target in targets}


async def advance(connection: Connection, span: Span, limit: int = EVENTS_MAX) -> int:
    """Apply the next events of a span, at most `limit`; the position reached.

    Where somebody else has moved a read model in the meantime nothing is done.

    Raises:
        UnreadableEventError: the first event after the span's beginning cannot be read.
    """
    followers = [target.follower for target in span.targets]
    async with connection.transaction():
        held = await connection.fetch(f"{POSITIONS} ORDER BY follower FOR UPDATE", followers)
        if [position for _, position in held] != [span.after] * len(followers):
            return span.after
        reads = {event for target in span.targets for event in target.projection.reads}
        topics = [TOPICS[event] for event in reads]
        found = await connection.fetch(PAGE, span.after, span.upto, limit, topics)
        if not found:
            return span.after
        facts = await _facts(found)
        for target in span.targets:
            await target.projection.write(connection, target.name, facts)
        reached: int = found[-1]["position"]
        await connection.execute(
            "UPDATE follower_positions SET position = $2 WHERE follower = ANY ($1)",
            followers,
            reached,
        )
    return reached


async def _facts(found: Sequence[Any]) -> list[Recorded]:
    """Rows as facts; what no target reads came without its state and is passed over.

    So is what the library stored under topics of its own. A topic of ours that this release
    does not know stops at the row: a newer release may follow, this one would forget it.
    """
    facts: list[Recorded] = []
    for count, (position, recorded_at, stream, version, topic, state) in enumerate(found, 1):
        if state is not None:
            kind = TOPIC_PREFIX[topic.partition(".")[0]]
            try:
                act, event = (envelope := decode(topic, state)).act, envelope.event
            except ValueError as error:
                raise UnreadableEventError(position) from error
            known = stream_id(kind, stream.hex)
            facts.append(Recorded(position, recorded_at, known, version, act, event))
        elif topic is None or (OURS.fullmatch(topic) and topic not in CLASSES):
            raise UnreadableEventError(position)
        if count % BREATH == 0:
            await asyncio.sleep(0)
    return facts
