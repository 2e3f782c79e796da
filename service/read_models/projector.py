"""A page of the log into read models, each in a transaction of its own with its own position.

The row in `follower_positions` is moved first, and only from where the page begins: each event
is applied exactly once, whoever applies it and however often it dies. An event that a read
model cannot take is parked, and the read model goes on behind it.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aggregates.topics import CLASSES, TOPICS
from projections import ALL
from projections.kit.table import Connection, Projection
from service.ledger.codec import TOPIC_PREFIX, Recorded, decode, stream_id
from service.ledger.postgres.roles import as_projector
from service.read_models.parking import Cause, cause_of, forget, is_the_events, park

EVENTS_MAX = 1000
"""Events in a page."""
BREATH = 64
"""Events decoded before others in this process have their turn."""
OURS = re.compile(r"[a-z]+\.[a-z-]+/\d+")
"""How topics of ours look; the eventsourcing library's own do not."""
UNKNOWN = Cause("UnreadableEventError", "a topic that this release does not know")

LOCK = "SELECT pg_advisory_xact_lock(hashtext('gongji.projections'), hashtext(current_schema()))"
POSITIONS = "SELECT follower, position FROM follower_positions WHERE follower = ANY ($1)"
PAGE = """
    SELECT e.position, e.recorded_at, e.stream, e.version, t.topic,
           CASE WHEN t.topic = ANY ($4) THEN e.state END AS state
      FROM events e LEFT JOIN topics t ON t.id = e.topic
     WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position LIMIT $3
"""
MOVE = """
      WITH held AS (SELECT follower FROM follower_positions
                     WHERE follower = ANY ($1) AND position = $2 ORDER BY follower FOR UPDATE)
    UPDATE follower_positions p SET position = $3 FROM held
     WHERE p.follower = held.follower RETURNING p.follower
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


class UnreadableEvent(NamedTuple):
    """An event that could not be read, of a topic; None for one that nobody here knows."""

    position: int
    topic: str | None
    cause: Cause


class EventPage(NamedTuple):
    """Events behind a position up to another, as far as the read models of a span read them."""

    after: int
    upto: int
    events: tuple[Recorded | UnreadableEvent, ...]

    def of(self, projection: Projection) -> "EventPage":
        """What one read model reads of it."""
        topics = {None, *(TOPICS[event] for event in projection.reads)}
        mine = (
            event
            for event in self.events
            if (
                event.topic in topics
                if isinstance(event, UnreadableEvent)
                else isinstance(event.event, projection.reads)
            )
        )
        return self._replace(events=tuple(mine))

    def halves(self) -> tuple["EventPage", "EventPage"]:
        """The same in two parts; each holds an event where there are two or more."""
        middle = len(self.events) // 2
        edge = self.events[middle - 1].position
        return (
            EventPage(self.after, edge, self.events[:middle]),
            EventPage(edge, self.upto, self.events[middle:]),
        )


@dataclass(slots=True)
class Advanced:
    """How far read models have come, and why some of them could not go on."""

    reached: dict[Target, int]
    failed: dict[Target, Exception]


def follower_of(name: str) -> str:
    """Under which name the position of a read model's tables is kept."""
    return f"projections.{name}"


LIVE = tuple(Target(projection, projection.table.stored) for projection in ALL)


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
                await forget(connection, [target.name])
                await connection.execute(
                    "INSERT INTO follower_positions VALUES ($1, 0)"
                    " ON CONFLICT (follower) DO UPDATE SET position = 0",
                    target.follower,
                )


async def positions(connection: Any, targets: Sequence[Target]) -> dict[Target, int]:  # noqa: ANN401
    """How far read models have come; `connection` may be a pool."""
    found = dict(await connection.fetch(POSITIONS, [target.follower for target in targets]))
    return {target: found.get(target.follower, 0) for target in targets}


async def advance(
    connection: Connection, span: Span, limit: int = EVENTS_MAX, *, parks_unknown: bool = False
) -> Advanced:
    """Apply the next events of a span, at most `limit`, to each of its read models by itself.

    A read model that fails stays where it is, and the others go on; so does one that somebody
    else has moved in the meantime. `parks_unknown` parks an event of a newer release too.

    Raises:
        UnreadableEventError: the first event is one of a newer release;
        asyncpg.PostgresError, asyncpg.InterfaceError, OSError: the connection is lost.
    """
    page = await _read(connection, span, limit, parks_unknown=parks_unknown)
    done = Advanced(dict.fromkeys(span.targets, span.after), {})
    parts = {target: page.of(target.projection) for target in span.targets}
    idle = [target for target in span.targets if not parts[target].events]
    if page.upto > span.after and idle:
        moved = await _move(connection, idle, page)
        done.reached |= {target: page.upto for target in idle if target.follower in moved}
    for target in span.targets:
        if target in idle:
            continue
        try:
            done.reached[target] = await _apply(connection, target, parts[target])
        except Exception as error:
            if connection.is_closed():
                raise
            done.failed[target] = error
    return done


async def _apply(connection: Connection, target: Target, page: EventPage) -> int:
    """Apply a page to one read model; the position reached.

    What cannot be applied whole is applied in halves, down to the one event that is to blame.
    """
    try:
        async with connection.transaction():
            if not await _move(connection, [target], page):
                return page.after
            facts = [event for event in page.events if isinstance(event, Recorded)]
            for event in page.events:
                if isinstance(event, UnreadableEvent):
                    await park(connection, target.name, event.position, event.cause)
            if facts:
                await target.projection.write(connection, target.name, facts)
    except Exception as error:
        if connection.is_closed() or not is_the_events(error):
            raise
        if len(page.events) == 1:
            return await _park(connection, target, page, cause_of(error))
        first, second = page.halves()
        reached = await _apply(connection, target, first)
        return reached if reached != second.after else await _apply(connection, target, second)
    return page.upto


async def _park(connection: Connection, target: Target, page: EventPage, cause: Cause) -> int:
    """Go on behind a page of one event, and write down that it was left out."""
    async with connection.transaction():
        if not await _move(connection, [target], page):
            return page.after
        await park(connection, target.name, page.events[0].position, cause)
    return page.upto


async def _move(
    connection: Connection, targets: Sequence[Target], page: EventPage
) -> Collection[str]:
    """Move those that stand where a page begins to its end; who they are."""
    followers = [target.follower for target in targets]
    return {
        row["follower"] for row in await connection.fetch(MOVE, followers, page.after, page.upto)
    }


# ------------------------------------------------------------------ reading


async def _read(
    connection: Connection, span: Span, limit: int, *, parks_unknown: bool
) -> EventPage:
    """The next page of a span. What no target reads comes without its state and is left out.

    So is what the library stored under topics of its own. A page ends before a topic of ours
    that this release does not know: a newer release may follow, this one would forget it.
    """
    topics = [TOPICS[event] for target in span.targets for event in target.projection.reads]
    found = await connection.fetch(PAGE, span.after, span.upto, limit, topics)
    events: list[Recorded | UnreadableEvent] = []
    upto = span.after
    for count, row in enumerate(found, 1):
        if _is_unknown(row["topic"]):
            if not parks_unknown:
                if upto == span.after:
                    raise UnreadableEventError(row["position"])
                break
            events.append(UnreadableEvent(row["position"], None, UNKNOWN))
        elif row["state"] is not None:
            events.append(_event(row))
        upto = row["position"]
        if count % BREATH == 0:
            await asyncio.sleep(0)
    return EventPage(span.after, upto, tuple(events))


def _is_unknown(topic: str | None) -> bool:
    return topic is None or (OURS.fullmatch(topic) is not None and topic not in CLASSES)


def _event(row: Any) -> Recorded | UnreadableEvent:  # noqa: ANN401 -- a record of asyncpg
    position, recorded_at, stream, version, topic, state = row
    try:
        envelope = decode(topic, state)
    except Exception as error:  # noqa: BLE001 -- whatever the bytes do to their reader
        return UnreadableEvent(position, topic, cause_of(error))
    known = stream_id(TOPIC_PREFIX[topic.partition(".")[0]], stream.hex)
    return Recorded(position, recorded_at, known, version, envelope.act, envelope.event)
