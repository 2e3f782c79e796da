"""The library's face of the ledger, held to the contract tests that the library ships."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pytest
from eventsourcing.persistence import Tracking
from eventsourcing.tests import application as shipped_application
from eventsourcing.tests import persistence as shipped
from eventsourcing.tests import projection as shipped_projection
from eventsourcing.utils import Environment
from typing_extensions import override

from service.ledger.eventsourcing.blocking import LedgerLoop
from service.ledger.eventsourcing.recorder import LedgerRecorder, LedgerTracking
from service.ledger.recorder import AggregateLog, LedgerFactory, SnapshotRecorder

MODULE = "service.ledger.recorder"
COUNTED = (
    "CREATE TABLE IF NOT EXISTS counted (name text PRIMARY KEY, events bigint NOT NULL);"
    "INSERT INTO counted VALUES ('created', 0), ('subsequent', 0) ON CONFLICT DO NOTHING"
)
COUNT = "UPDATE counted SET events = events + 1 WHERE name = $1"


class OnAFreshLedger:
    """An empty ledger for each test of a class, and a factory on it."""

    recorders: LedgerFactory

    @pytest.fixture(autouse=True)
    def fresh(self, dsn: str) -> Iterator[None]:
        """Open the ledger, and close it afterwards."""
        self.recorders = LedgerFactory({"GONGJI_DATABASE_URL": dsn})
        yield
        self.recorders.close()


class TestSnapshots(OnAFreshLedger, shipped.AggregateRecorderTestCase):
    """Snapshots are kept as the library wants aggregates' events kept."""

    @override
    def create_recorder(self) -> SnapshotRecorder:
        snapshots = self.recorders.aggregate_recorder("snapshots")
        assert isinstance(snapshots, SnapshotRecorder)
        return snapshots


class TestStreams(OnAFreshLedger, shipped.AggregateRecorderTestCase):
    """The log serves those who ask for streams alone."""

    @override
    def create_recorder(self) -> AggregateLog:
        log = self.recorders.aggregate_recorder()
        assert isinstance(log, AggregateLog)
        return log


class TestLog(OnAFreshLedger, shipped.ApplicationRecorderTestCase[LedgerRecorder]):
    """The log is an application's log, with positions 1, 2, 3."""

    @override
    def create_recorder(self) -> LedgerRecorder:
        return self.recorders.application_recorder()

    def test_insert_subscribe(self) -> None:
        """Subscriptions begin where they should, go on, stop, and leave topics out."""
        self.optional_test_insert_subscribe()


class TestOrder(OnAFreshLedger, shipped.NonInterleavingNotificationIDsBaseCase):
    """Two appends at once stand one behind the other."""

    @override
    def create_recorder(self) -> LedgerRecorder:
        return self.recorders.application_recorder()


class TestTracking(OnAFreshLedger, shipped.TrackingRecorderTestCase):
    """A follower's position only grows."""

    @override
    def create_recorder(self) -> LedgerTracking:
        return self.recorders.tracking_recorder()


class TestTrackingBesideTheLog(OnAFreshLedger, shipped.TrackingRecorderTestCase):
    """So does the position of a process."""

    @override
    def create_recorder(self) -> LedgerRecorder:
        return self.recorders.process_recorder()


class TestProcess(OnAFreshLedger, shipped.ProcessRecorderTestCase):
    """Events and the position that caused them are recorded together."""

    @override
    def create_recorder(self) -> LedgerRecorder:
        return self.recorders.process_recorder()


class Sightings(LedgerTracking):
    """A view that a test names by its topic."""


class TestFactory(shipped.InfrastructureFactoryTestCase[LedgerFactory]):
    """The factory is found by its module and makes what it should."""

    @pytest.fixture(autouse=True)
    def fresh(self, dsn: str) -> None:
        """Name an empty ledger in the environment."""
        self.env = Environment(
            "Hospital", {"PERSISTENCE_MODULE": MODULE, "GONGJI_DATABASE_URL": dsn}
        )

    @override
    def expected_factory_class(self) -> type[LedgerFactory]:
        return LedgerFactory

    @override
    def expected_aggregate_recorder_class(self) -> type[AggregateLog]:
        return AggregateLog

    @override
    def expected_application_recorder_class(self) -> type[LedgerRecorder]:
        return LedgerRecorder

    @override
    def expected_tracking_recorder_class(self) -> type[LedgerTracking]:
        return LedgerTracking

    @override
    def tracking_recorder_subclass(self) -> type[LedgerTracking]:
        return Sightings

    @override
    def expected_process_recorder_class(self) -> type[LedgerRecorder]:
        return LedgerRecorder

    def test_a_ledger_must_be_named(self) -> None:
        """Without a database's address there is no factory."""
        with pytest.raises(OSError, match="GONGJI_DATABASE_URL"):
            LedgerFactory({})


class InTheEnvironment:
    """An empty ledger for each test, named in the environment; another one for `Counters`."""

    env: ClassVar[dict[str, str]] = {}

    @pytest.fixture(autouse=True)
    def fresh(self, make_ledger: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Name the ledgers."""
        monkeypatch.setenv("PERSISTENCE_MODULE", MODULE)
        monkeypatch.setenv("GONGJI_DATABASE_URL", make_ledger())
        monkeypatch.setenv("COUNTERS_GONGJI_DATABASE_URL", make_ledger())


class TestExample(InTheEnvironment, shipped_application.ExampleApplicationTestCase):
    """The library's bank lives on our ledger, with snapshots."""

    expected_factory_topic = "service.ledger.eventsourcing.factory:LedgerFactory"


@pytest.mark.filterwarnings("always::DeprecationWarning")  # one of the tests counts them
class TestApplication(InTheEnvironment, shipped_application.ApplicationTestCase):
    """So do its applications, their caches, and a hundred threads on one aggregate."""

    @pytest.mark.slow
    @override
    def test_check_aggregate_fastforwarding_nonblocking(self) -> None:
        """Half a minute on two cores, for a cache of the library's own."""
        super().test_check_aggregate_fastforwarding_nonblocking()


class Counts(LedgerTracking, shipped_projection.EventCountersView):
    """Events counted in a table of the ledger's database."""

    def __init__(self, ledger: LedgerLoop, follower: str) -> None:
        """Begin with zeros."""
        super().__init__(ledger, follower)
        ledger.execute(COUNTED)

    def _count(self, name: str) -> int:
        counted: int = self.ledger.read("SELECT events FROM counted WHERE name = $1", name)[0][0]
        return counted

    @override
    def get_created_event_counter(self) -> int:
        return self._count("created")

    @override
    def get_subsequent_event_counter(self) -> int:
        return self._count("subsequent")

    @override
    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self.track(tracking, (COUNT, "created"))

    @override
    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self.track(tracking, (COUNT, "subsequent"))


class TestView(OnAFreshLedger, shipped_projection.EventCountersViewTestCase):
    """A view changes together with its position, or not at all."""

    @override
    def construct_event_counters_view(self) -> Counts:
        reads = self.recorders.tracking_recorder(Counts)
        assert isinstance(reads, Counts)
        return reads


class TestProjection(InTheEnvironment, shipped_projection.AggregateEventCountersProjectionTestCase):
    """The library's runner keeps a view up to date, and tells when it cannot."""

    view_class = Counts


class TestEventSourcedProjection(
    InTheEnvironment, shipped_projection.EventSourcedProjectionTestCase
):
    """A process follows one ledger and records in another."""


def test_two_followers_of_one_log_keep_apart(recorder: LedgerRecorder) -> None:
    """A projection's position is its own, though another follows the same application."""
    views = [LedgerTracking(recorder.ledger, name) for name in ("turnover", "statistics")]
    views[0].insert_tracking(Tracking("Application", 7))

    assert [7, None] == [reads.max_tracking_id("Application") for reads in views]


def test_a_forgotten_recorder_disconnects(dsn: str) -> None:
    """Who drops a recorder without closing its factory leaves no thread behind."""
    thread = LedgerFactory({"GONGJI_DATABASE_URL": dsn}).application_recorder().ledger._thread  # noqa: SLF001
    thread.join(10)

    assert not thread.is_alive()
