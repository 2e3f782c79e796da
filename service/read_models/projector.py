"""Applies a page of the log to read models, each in its own transaction with its own position.

The row in `follower_positions` is moved first, and only from the beginning of the page. So each
event is applied exactly once, even after crashes and by several processes. An event that a read
model cannot take is parked, and the read model goes on after it.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from aggregates.topics import CLASSES, TOPICS
from projections import ALL
from projections.kit.recorded_event import RecordedEvent
from projections.kit.table import Connection, Projection
from service.ledger.codec import read_row
from service.ledger.postgres.roles import as_projector
from service.read_models.parking import Cause, cause_of, forget, is_the_events, park

EVENTS_MAX = 1000
"""Events in a page."""
DECODE_MAX = 64
"""Events that are decoded before the event loop runs other tasks."""
OURS = re.compile(r"[a-z]+\.[a-z-]+/\d+")
"""The form of the ledger's topics; those of the eventsourcing library differ."""
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
      WITH locked AS (SELECT follower FROM follower_positions
                     WHERE follower = ANY ($1) AND position = $2 ORDER BY follower FOR UPDATE)
    UPDATE follower_positions p SET position = $3 FROM locked
     WHERE p.follower = locked.follower RETURNING p.follower
"""


class UnreadableEventError(Exception):
    """This release cannot read the event at a position; a newer release may."""


class Target(NamedTuple):
    """A read model and the name of the tables that it is written to."""

    projection: Projection
    name: str

    @property
    def follower(self) -> str:
        """The name of its position."""
        return f"projections.{self.name}"


class Span(NamedTuple):
    """Read models at the same position, and how far they may advance."""

    targets: tuple[Target, ...]
    after: int
    upto: int


class UnreadableEvent(NamedTuple):
    """An event that could not be read; `topic` is None where this release does not know it."""

    position: int
    topic: str | None
    cause: Cause


class EventPage(NamedTuple):
    """The events of a range of positions that the read models of a span read."""

    after: int
    upto: int
    events: tuple[RecordedEvent | UnreadableEvent, ...]

    def of(self, projection: Projection) -> "EventPage":
        """The part that one read model reads."""
        topics = {None, *(TOPICS[event] for event in projection.reads)}
        own = (
            event
            for event in self.events
            if (
                event.topic in topics
                if isinstance(event, UnreadableEvent)
                else isinstance(event.event, projection.reads)
            )
        )
        return self._replace(events=tuple(own))

    def halves(self) -> tuple["EventPage", "EventPage"]:
        """Two parts of a page of two or more events; each part has an event."""
        middle = len(self.events) // 2
        edge = self.events[middle - 1].position
        return (
            EventPage(self.after, edge, self.events[:middle]),
            EventPage(edge, self.upto, self.events[middle:]),
        )


@dataclass(slots=True)
class Advanced:
    """The positions that read models reached, and the errors of those that failed."""

    reached: dict[Target, int]
    failed: dict[Target, Exception]


LIVE = tuple(Target(projection, projection.table.stored) for projection in ALL)


def spans(reached: Mapping[Target, int], head: int) -> list[Span]:
    """The spans up to the head, the most advanced read models first.

    A lagging read model first catches up with the next one ahead; from there both advance together.
    """
    todo: list[Span] = []
    upto = head
    for after in sorted(set(reached.values()), reverse=True):
        if after < upto:
            targets = tuple(target for target, position in reached.items() if position == after)
            todo.append(Span(targets, after, upto))
        upto = min(upto, after)
    return todo


async def prepare(connection: Connection, targets: Sequence[Target] = LIVE) -> None:
    """Create missing tables, at the position before the first event."""
    async with connection.transaction():
        await connection.execute(LOCK)
        for target in targets:
            if await connection.fetchval("SELECT to_regclass($1)", target.name) is None:
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
    """The positions of read models; `connection` may be a pool."""
    reached = dict(await connection.fetch(POSITIONS, [target.follower for target in targets]))
    return {target: reached.get(target.follower, 0) for target in targets}


async def advance(
    connection: Connection, span: Span, limit: int = EVENTS_MAX, *, parks_unknown: bool = False
) -> Advanced:
    """Apply the next events of a span, at most `limit`, to each of its read models separately.

    A read model that fails, or that another process has moved, keeps its position; the others
    advance. `parks_unknown` also parks events of a newer release.

    Raises:
        UnreadableEventError: the first event is of a newer release;
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

    A page that fails is applied in halves, down to the one event that causes the error.
    """
    try:
        async with connection.transaction():
            if not await _move(connection, [target], page):
                return page.after
            events = [event for event in page.events if isinstance(event, RecordedEvent)]
            for event in page.events:
                if isinstance(event, UnreadableEvent):
                    await park(connection, target.name, event.position, event.cause)
            if events:
                await target.projection.write(connection, target.name, events)
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
    """Move past a page of one event, and park the event."""
    async with connection.transaction():
        if not await _move(connection, [target], page):
            return page.after
        await park(connection, target.name, page.events[0].position, cause)
    return page.upto


async def _move(
    connection: Connection, targets: Sequence[Target], page: EventPage
) -> Collection[str]:
    """Move the read models at the beginning of a page to its end; their followers."""
    followers = [target.follower for target in targets]
    moved = await connection.fetch(MOVE, followers, page.after, page.upto)
    return {row["follower"] for row in moved}


# ------------------------------------------------------------------ reading


async def _read(
    connection: Connection, span: Span, limit: int, *, parks_unknown: bool
) -> EventPage:
    """The next page of a span, without events that no target reads.

    Their states are not fetched, nor those of the eventsourcing library's topics. A page ends
    before a topic of the ledger that this release does not know: a newer release may apply it.
    """
    topics = [TOPICS[event] for target in span.targets for event in target.projection.reads]
    found = await connection.fetch(PAGE, span.after, span.upto, limit, topics)
    events: list[RecordedEvent | UnreadableEvent] = []
    upto = span.after
    for count, row in enumerate(found, 1):
        if is_unknown(row["topic"]):
            if not parks_unknown:
                if upto == span.after:
                    raise UnreadableEventError(row["position"])
                break
            events.append(UnreadableEvent(row["position"], None, UNKNOWN))
        elif row["state"] is not None:
            events.append(_event(row))
        upto = row["position"]
        if count % DECODE_MAX == 0:
            await asyncio.sleep(0)
    return EventPage(span.after, upto, tuple(events))


def is_unknown(topic: str | None) -> bool:
    """Whether a topic is one of the ledger's that this release does not know."""
    return topic is None or (OURS.fullmatch(topic) is not None and topic not in CLASSES)


def _event(row: Any) -> RecordedEvent | UnreadableEvent:  # noqa: ANN401 -- a record of asyncpg
    try:
        return read_row(row, row["topic"])
    except Exception as error:  # noqa: BLE001 -- the bytes may be anything
        return UnreadableEvent(row["position"], row["topic"], cause_of(error))
