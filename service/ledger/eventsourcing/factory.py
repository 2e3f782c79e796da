"""The factory of recorders that the library finds through PERSISTENCE_MODULE."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from eventsourcing.domain import TAggregateID
from eventsourcing.persistence import (
    AggregateRecorder,
    InfrastructureFactory,
    Mapper,
    StoredEvent,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType, resolve_topic, strtobool
from typing_extensions import override

from service.ledger.eventsourcing.blocking import LedgerLoop
from service.ledger.eventsourcing.mapper import LedgerMapper
from service.ledger.eventsourcing.recorder import (
    LedgerRecorder,
    LedgerTracking,
    hexadecimal,
    versions,
)
from service.ledger.migrate import migrate

SNAPSHOTS = "SELECT * FROM snapshots AS e (stream, version, topic, state)"
TAKE_SNAPSHOTS = (
    "INSERT INTO snapshots SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::bytea[])"
)


class LedgerFactory(InfrastructureFactory[LedgerTracking]):
    """Makes recorders on the ledger that `GONGJI_DATABASE_URL` names.

    The schema is migrated first, unless `CREATE_TABLE` is false.
    """

    DATABASE_URL = "GONGJI_DATABASE_URL"
    CREATE_TABLE = "CREATE_TABLE"

    def __init__(self, env: Environment | EnvType | None) -> None:
        """Read the ledger's address. The first recorder connects.

        Raises:
            OSError: the environment has no `GONGJI_DATABASE_URL`.
        """
        super().__init__(env)
        dsn = self.env.get(self.DATABASE_URL)
        if not dsn:
            raise OSError(f"{self.DATABASE_URL} is not in the environment")
        self._dsn = dsn
        self._is_migrated = False
        self._ledger: LedgerLoop | None = None

    @override
    def mapper(
        self,
        transcoder: Transcoder | None = None,
        mapper_class: type[Mapper[TAggregateID]] | None = None,
    ) -> Mapper[TAggregateID]:
        """A `LedgerMapper`, unless an argument or MAPPER_TOPIC names another class."""
        if mapper_class is None and not self.env.get(self.MAPPER_TOPIC):
            mapper_class = cast("type[Mapper[TAggregateID]]", LedgerMapper)
        return super().mapper(transcoder, mapper_class)

    @override
    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """The log without its positions; for the purpose `snapshots` their table."""
        if purpose == "snapshots":
            return SnapshotRecorder(self._opened())
        return AggregateLog(self._opened(), self._follower())

    @override
    def application_recorder(self) -> LedgerRecorder:
        return LedgerRecorder(self._opened(), self._follower())

    @override
    def process_recorder(self) -> LedgerRecorder:
        return self.application_recorder()

    @override
    def tracking_recorder(
        self, tracking_recorder_class: type[LedgerTracking] | None = None
    ) -> LedgerTracking:
        """A recorder of the given class, or of the one that TRACKING_RECORDER_TOPIC names."""
        topic = self.env.get(self.TRACKING_RECORDER_TOPIC)
        if tracking_recorder_class is None and topic:
            tracking_recorder_class = resolve_topic(topic)
        return (tracking_recorder_class or LedgerTracking)(self._opened(), self._follower())

    @override
    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()

    def _opened(self) -> LedgerLoop:
        if self._ledger is None:
            self._ledger = LedgerLoop(self._dsn)
        if not self._is_migrated and strtobool(self.env.get(self.CREATE_TABLE) or "yes"):
            self._ledger.run(migrate(self._dsn))
            self._is_migrated = True
        return self._ledger

    def _follower(self) -> str:
        return self.env.name.lower()


class AggregateLog(LedgerRecorder):
    """The log where only streams are of interest: an append returns no positions."""

    @override
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class SnapshotRecorder(AggregateRecorder):
    """Snapshots of the library's aggregates, in a table beside the log."""

    def __init__(self, ledger: LedgerLoop) -> None:
        self._ledger = ledger

    @override
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """Store all snapshots or none.

        Raises:
            IntegrityError: a snapshot of that version exists.
        """
        if stored_events:
            columns = [
                [hexadecimal(event.originator_id) for event in stored_events],
                [event.originator_version for event in stored_events],
                [event.topic for event in stored_events],
                [event.state for event in stored_events],
            ]
            self._ledger.execute(TAKE_SNAPSHOTS, *columns)

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
        return versions(self._ledger, SNAPSHOTS, originator_id, (gt, lte), desc=desc, limit=limit)
