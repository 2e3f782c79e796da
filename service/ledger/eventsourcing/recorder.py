"""The log as recorders of the library: read in its order, appended under its lock."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Tracking,
    TrackingRecorder,
)
from typing_extensions import override

from aggregates.topics import CLASSES
from aggregates.vocabulary import StreamId
from service.clock import Clock, business_clock, micros
from service.ledger.codec import KINDS, EventRow, stream_of
from service.ledger.eventsourcing.blocking import LedgerLoop
from service.ledger.eventsourcing.mapper import LedgerNotification
from service.ledger.postgres.append_call import APPEND, arguments, outcome_of
from service.ledger.store import Batch

POLL_S = 0.1
POSITION_MAX = 2**62
APPENDED_ELSEWHERE = "only service/ledger/appender.py appends to streams of the service"

EVENTS = (
    "SELECT * FROM (SELECT x.stream, x.version, t.topic, x.state"
    " FROM events x JOIN topics t ON t.id = x.topic) AS e (stream, version, topic, state)"
)
BY_VERSION = (
    " WHERE stream = $1::uuid AND version > $2::bigint AND version <= $3::bigint ORDER BY version"
)
NOTIFICATIONS = (
    "SELECT e.position, e.recorded_at, e.stream, e.version, t.topic, e.state"
    " FROM events e JOIN topics t ON t.id = e.topic"
    " WHERE e.position >= $1 AND e.position <= $2"
    " AND (cardinality($3::text[]) = 0 OR t.topic = ANY ($3::text[]))"
    " ORDER BY e.position LIMIT $4"
)
STREAMS_OF_OURS = (
    "SELECT e.stream FROM events e JOIN topics t ON t.id = e.topic"
    " WHERE e.stream = ANY ($1::uuid[]) AND e.version = 1 AND t.topic = ANY ($2::text[])"
)
TRACK = (
    "INSERT INTO tracking AS t VALUES ($1, $2, $3)"
    " ON CONFLICT (follower, application_name) DO UPDATE"
    " SET notification_id = EXCLUDED.notification_id"
    " WHERE t.notification_id < EXCLUDED.notification_id"
)

Statement = tuple[str, *tuple[object, ...]]
"""SQL and its arguments."""


class LedgerTracking(TrackingRecorder):
    """The position of one follower. A materialised view of the log derives from this class."""

    def __init__(self, ledger: LedgerLoop, follower: str) -> None:
        self.ledger = ledger
        self._follower = follower

    def track(self, tracking: Tracking, *statements: Statement) -> None:
        """Record a position and execute a view's statements in one transaction.

        Raises:
            IntegrityError: the position is not ahead of the recorded one.
        """
        self.ledger.run(self._track(tracking, statements))

    async def _track(self, tracking: Tracking, statements: Sequence[Statement]) -> None:
        async with self.ledger.transaction() as connection:
            await self._insert_tracking(connection, tracking)
            for sql, *args in statements:
                await connection.execute(sql, *args)

    async def _insert_tracking(
        self, connection: "asyncpg.Connection[Any]", tracking: Tracking
    ) -> None:
        name, position = tracking.application_name, tracking.notification_id
        if await connection.execute(TRACK, self._follower, name, position) == "INSERT 0 0":
            raise IntegrityError(f"{self._follower} is at {position} of {name}, or beyond it")

    @override
    def insert_tracking(self, tracking: Tracking) -> None:
        self.track(tracking)

    @override
    def max_tracking_id(self, application_name: str) -> int | None:
        rows = self.ledger.read(
            "SELECT notification_id FROM tracking WHERE follower = $1 AND application_name = $2",
            self._follower,
            application_name,
        )
        return rows[0][0] if rows else None


class LedgerRecorder(LedgerTracking, ProcessRecorder):
    """The log, for applications and processes of the library. Unique keys guard the versions.

    Our own streams and topics are read only: the service appends to them, because heads, keys and
    names must be written in the same transaction.
    """

    def __init__(self, ledger: LedgerLoop, follower: str, clock: Clock | None = None) -> None:
        super().__init__(ledger, follower)
        self._clock = clock or business_clock()
        self._topic_ids: dict[str, int] = {}

    @override
    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append events and record `tracking`, if it is given, in one transaction.

        Raises:
            IntegrityError: a version is taken, or the tracking is not ahead.
        """
        rows = [_row_of(event) for event in stored_events]
        tracking: Tracking | None = kwargs.get("tracking")
        if not rows and tracking is None:
            return []
        return self.ledger.run(self._append(rows, tracking))

    async def _append(self, rows: list[EventRow], tracking: Tracking | None) -> list[int]:
        topic_ids, base = self._topic_ids, 0
        async with self.ledger.appending, self.ledger.transaction() as connection:
            if rows:
                newest = await connection.fetchval("SELECT recorded_at FROM log_head FOR UPDATE")
                await _check_streams(connection, rows)
                topic_ids = await self._topics_with(connection, {row.topic for row in rows})
                batch = Batch(at=max(micros(self._clock()), newest), rows=rows)
                answer = await connection.fetch(APPEND, *arguments(batch, topic_ids))
                before = outcome_of(answer, batch).base
                assert before is not None, "a batch without expectations has no conflict"
                base = before
            if tracking is not None:
                await self._insert_tracking(connection, tracking)
        self._topic_ids = topic_ids
        self.ledger.wake()
        return list(range(base + 1, base + 1 + len(rows)))

    async def _topics_with(
        self, connection: "asyncpg.Connection[Any]", topics: set[str]
    ) -> dict[str, int]:
        """The codes of topics. New ones are added to the table, under the store's lock for it."""
        if topics <= self._topic_ids.keys():
            return self._topic_ids
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('gongji.topics'))")
        known = dict(await connection.fetch("SELECT topic, id FROM topics"))
        for topic in sorted(topics - known.keys()):
            known[topic] = max(known.values(), default=0) + 1
            await connection.execute("INSERT INTO topics VALUES ($2, $1)", topic, known[topic])
        return known

    @override
    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of one stream between two versions; one of ours by its UUID or its own id."""
        prefix, _, digits = str(originator_id).rpartition("_")
        if prefix not in KINDS:
            return versions(self.ledger, EVENTS, originator_id, (gt, lte), desc=desc, limit=limit)
        events = versions(self.ledger, EVENTS, digits, (gt, lte), desc=desc, limit=limit)
        # The digits may be those of a stream of another kind, or of one of the library's own.
        return [
            event
            for event in events
            if event.topic in CLASSES
            and stream_of(event.topic, UUID(str(event.originator_id))) == originator_id
        ]

    @override
    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        first = 1 if start is None else start + (not inclusive_of_start)
        rows = self.ledger.read(
            NOTIFICATIONS, first, POSITION_MAX if stop is None else stop, list(topics), limit
        )
        return [
            LedgerNotification(UUID(int=stream.int), version, topic, state, position, recorded_at)
            for position, recorded_at, stream, version, topic, state in rows
        ]

    @override
    def max_notification_id(self) -> int | None:
        return self.position() or None

    def position(self) -> int:
        """The position of the newest event; 0 in an empty log."""
        newest: int = self.ledger.read("SELECT position FROM log_head")[0][0]
        return newest

    @override
    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> "LedgerSubscription":
        return LedgerSubscription(self, gt, topics)


class LedgerSubscription(ListenNotifySubscription[LedgerRecorder]):
    """Polls the log head every `POLL_S` seconds, and at once after an append of this loop."""

    def __init__(self, recorder: LedgerRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder, gt, topics)
        recorder.ledger.listen(self._has_been_notified)

    @override
    def stop(self) -> None:
        super().stop()
        self._recorder.ledger.unlisten(self._has_been_notified)

    @override
    def _loop_on_pull(self) -> None:
        try:
            while not self._has_been_stopped:
                self._has_been_notified.clear()
                self._follow(self._recorder.position())
                self._has_been_notified.wait(POLL_S)
        except BaseException as error:  # noqa: BLE001 -- the iterating thread raises it
            self._thread_error = self._thread_error or error
            self.stop()

    def _follow(self, head: int) -> None:
        """Pull up to a head. The next pull begins there, whatever the topics left out."""
        if head > (self._last_notification_id or 0):
            self._pull()
            self._last_notification_id = max(self._last_notification_id or 0, head)


def versions(
    ledger: LedgerLoop,
    source: str,
    originator_id: UUID | str,
    bounds: tuple[int | None, int | None],
    *,
    desc: bool,
    limit: int | None,
) -> list[StoredEvent]:
    """A stream's rows of a source, after one version and up to another."""
    gt, lte = bounds
    rows = ledger.read(
        f"{source}{BY_VERSION}{' DESC' if desc else ''} LIMIT $4",
        hexadecimal(originator_id),
        -1 if gt is None else gt,
        POSITION_MAX if lte is None else lte,
        limit,
    )
    return [
        StoredEvent(UUID(int=stream.int), version, topic, state)
        for stream, version, topic, state in rows
    ]


def hexadecimal(originator_id: UUID | str) -> str:
    """An originator's id in 32 hex digits.

    Raises:
        DataError: it is not a UUID.
    """
    try:
        return UUID(str(originator_id)).hex
    except ValueError as error:
        raise DataError(f"not a UUID: {originator_id}") from error


def _row_of(event: StoredEvent) -> EventRow:
    """An event of the library as a row; its stream has a UUID and no kind."""
    if event.topic in CLASSES:
        raise ProgrammingError(f"{event.topic}: {APPENDED_ELSEWHERE}")
    stream = StreamId(f"lib_{hexadecimal(event.originator_id)}")
    return EventRow(stream, event.originator_version, event.topic, None, event.state)


async def _check_streams(connection: "asyncpg.Connection[Any]", rows: list[EventRow]) -> None:
    streams = [row.stream[4:] for row in rows]
    if await connection.fetchval(STREAMS_OF_OURS, streams, list(CLASSES)) is not None:
        raise ProgrammingError(APPENDED_ELSEWHERE)
