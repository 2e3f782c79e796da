"""The ledger as a user of the eventsourcing library meets it: by the library's own calls."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar, cast
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import DataError, ProgrammingError
from eventsourcing.projection import EventSourcedProjectionRunner
from eventsourcing.system import (
    NotificationLogReader,
    ProcessApplication,
    SingleThreadedRunner,
    System,
)
from typing_extensions import override

from aggregates.account.events import Debited
from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.settlement.settlement import Settlement
from aggregates.topics import State
from aggregates.vocabulary import BindingStatus, SettlementStatus, StreamId
from service.context import ServiceContext
from service.ledger.codec import Recorded, kind_of
from service.ledger.eventsourcing.mapper import uuid_of
from service.ledger.postgres.roles import READER
from service.ledger.recorder import LedgerApplication, LedgerEvent
from service.settlement.cancel import cancel
from tests.service.settlement.settled_family import (
    HOSPITAL,
    OWN_FEN,
    SPONSOR_FEN,
    a_context,
    asked,
    move_in,
    settled,
)

PATIENCE_S = 20.0
BILL_FEN = OWN_FEN + SPONSOR_FEN // 2
NOBODY = "acc_" + 32 * "0"


@pytest.fixture
async def context(dsn: str, tmp_path: Path) -> AsyncIterator[ServiceContext]:
    """A family of three on the ledger, two of whom stand in for the patient."""
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        yield context


@pytest.fixture
async def bill(context: ServiceContext) -> StreamId:
    """A bill that took all the patient has, and half of what the first sponsor has."""
    reply = await settled(context, "visit", fen=BILL_FEN)
    assert reply.subject is not None
    return reply.subject


@pytest.fixture
def application(dsn: str) -> Iterator[LedgerApplication]:
    """The library's view of the ledger."""
    with LedgerApplication({"GONGJI_DATABASE_URL": dsn}) as application:
        yield application


async def log_of(context: ServiceContext) -> list[Recorded]:
    return await context.store.page(0, 10_000)


def state(
    application: Application[Any], originator_id: UUID | str, version: int | None = None
) -> State:
    folded: Any = application.repository.get(originator_id, version=version)
    return cast("State", folded)


# --------------------------------------------------------------------- repository


def test_a_bill_and_those_who_paid_it_are_read_by_their_ids(
    bill: StreamId, application: LedgerApplication
) -> None:
    """Settlement, account and binding come as our own states, with the money where it is."""
    settlement = state(application, bill)
    assert isinstance(settlement, Settlement)
    assert settlement.settled is not None
    assert (SettlementStatus.SETTLED, BILL_FEN) == (
        settlement.status,
        settlement.settled.claim.total_fen,
    )

    own, sponsor = (share for share in settlement.settled.payers if share.current_fen)
    assert own.account is not None
    assert sponsor.account is not None
    assert sponsor.binding is not None
    accounts = [state(application, account) for account in (own.account, sponsor.account)]
    assert [0, SPONSOR_FEN // 2] == [a.balance_fen for a in accounts if isinstance(a, Account)]
    binding = state(application, sponsor.binding)
    assert isinstance(binding, Binding)
    assert (BindingStatus.ACTIVE, sponsor.account) == (binding.status, binding.sponsor)


@pytest.mark.usefixtures("bill")
async def test_every_stream_is_what_its_head_says(
    context: ServiceContext, application: LedgerApplication
) -> None:
    """Whatever kinds of streams there are: the library's fold is the state that the store has."""
    streams = {recorded.stream for recorded in await log_of(context)}
    heads = (await context.store.read(streams, ())).heads

    assert {"acc", "bnd", "stl", "ins", "pol"} <= {stream[:3] for stream in streams}
    assert {s: head.state for s, head in heads.items()} == {
        s: state(application, s) for s in streams
    }


async def test_every_version_is_the_fold_up_to_it(
    context: ServiceContext, bill: StreamId, application: LedgerApplication
) -> None:
    """Version n is what the first n events make; one beyond the last is the newest."""
    await cancel(context, asked(HOSPITAL), bill, "a wrong price")
    events: dict[StreamId, list[Any]] = {}
    for recorded in await log_of(context):
        events.setdefault(recorded.stream, []).append(recorded.event)

    bills = [state(application, bill, version) for version in (1, 2)]
    assert [SettlementStatus.SETTLED, SettlementStatus.CANCELLED] == [
        settlement.status for settlement in bills if isinstance(settlement, Settlement)
    ]
    for stream, facts in events.items():
        for version in range(1, len(facts) + 2):
            fold = reduce(kind_of(stream).evolve, facts[:version], None)
            assert fold == state(application, stream, version), (stream, version)


@pytest.mark.usefixtures("bill")
async def test_ids_are_understood_both_ways(
    context: ServiceContext, application: LedgerApplication
) -> None:
    """A stream is found by its UUID too, and the application knows which kind a UUID is."""
    for stream in {recorded.stream for recorded in await log_of(context)}:
        assert stream == application.stream_of(uuid_of(stream))
        assert state(application, stream) == state(application, uuid_of(stream))
        assert stream in application.repository
        assert uuid_of(stream) in application.repository


def test_what_is_not_there_is_not_found(bill: StreamId, application: LedgerApplication) -> None:
    """No stream, no version before the first, no stream of another kind with the same digits."""
    digits = bill[4:]
    for wrong in (NOBODY, UUID(int=0), f"acc_{digits}", bill.upper().replace("STL", "stl")):
        with pytest.raises(AggregateNotFoundError):
            application.repository.get(wrong)
        assert wrong not in application.repository
    with pytest.raises(AggregateNotFoundError):
        application.repository.get(bill, version=0)
    with pytest.raises(AggregateNotFoundError):
        application.stream_of(UUID(int=0))
    for malformed in ("acc_1", f"xyz_{digits}", ""):
        with pytest.raises(DataError):
            application.repository.get(malformed)


# ------------------------------------------------------------------------ reading only


def test_a_save_says_where_writing_happens(bill: StreamId, application: LedgerApplication) -> None:
    """Nothing is written, neither a state of ours nor an aggregate of the library's."""
    before = application.recorder.max_notification_id()
    settlement: Any = state(application, bill)
    for objects in ((), (settlement,), (Aggregate(),)):
        with pytest.raises(ProgrammingError, match=r"service/ledger/appender\.py"):
            application.save(*objects)
    with pytest.raises(ProgrammingError, match=r"service/ledger/appender\.py"):
        application.events.put(list(application.events.get(bill)))

    assert Path("service/ledger/appender.py").is_file()
    assert Path("service/settlement/settle.py").is_file()
    assert before == application.recorder.max_notification_id()


def test_a_login_that_may_only_read_is_enough(dsn: str, bill: StreamId) -> None:
    """Under the reader's role, in transactions that may not write, everything can be read."""
    options = f"-c%20role={READER}%20-c%20default_transaction_read_only=on"
    with LedgerApplication({"GONGJI_DATABASE_URL": f"{dsn}&options={options}"}) as application:
        assert isinstance(state(application, bill), Settlement)
        assert 1 == application.notification_log.select(None, 1)[0].id


def test_a_stock_application_folds_them_as_well(dsn: str, bill: StreamId) -> None:
    """Named in the environment, the ledger serves the library's plain `Application` too."""
    env = {"PERSISTENCE_MODULE": "service.ledger.recorder", "GONGJI_DATABASE_URL": dsn}
    with Application[Any](env) as application:
        assert isinstance(state(application, uuid_of(bill)), Settlement)


# -------------------------------------------------------------------------- the log


@pytest.mark.usefixtures("bill")
async def test_the_notification_log_is_our_log(
    context: ServiceContext, application: LedgerApplication
) -> None:
    """Selections and linked sections give every event once, in our order, as our events."""
    log = await log_of(context)
    notifications = list(NotificationLogReader(application.notification_log).read(start=1))
    section = application.notification_log["1,10"]

    assert [recorded.position for recorded in log] == [n.id for n in notifications]
    assert ("1,10", "11,20") == (section.id, section.next_id)
    assert notifications[:10] == section.items
    assert notifications[3:5] == application.notification_log.select(4, 10, stop=5)
    for recorded, notification in zip(log, notifications, strict=True):
        domain_event: Any = application.mapper.to_domain_event(notification)
        assert isinstance(domain_event, LedgerEvent)
        assert recorded.stream == domain_event.stream
        assert recorded.version == domain_event.originator_version
        assert (recorded.act, recorded.event) == (domain_event.act, domain_event.event)


# ------------------------------------------------------------------------ a stranger's runner


class DebitTotal(Aggregate):
    """What left accounts for bills, as somebody else counts it."""

    ID: ClassVar[UUID] = uuid5(NAMESPACE_URL, "debits")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.debits = 0
        self.fen = 0

    @staticmethod
    @override
    def create_id() -> UUID:
        """There is one of them."""
        return DebitTotal.ID

    @event("DebitCounted")
    def count(self, fen: int) -> None:
        """Count one debit."""
        self.debits += 1
        self.fen += fen


class DebitCounter(ProcessApplication[UUID]):
    """Follows the ledger and keeps its own events and its position in a file of its own."""

    env: ClassVar[dict[str, str]] = {
        "PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "MAPPER_TOPIC": "service.ledger.recorder:LedgerMapper",
    }

    @singledispatchmethod
    @override
    def policy(self, domain_event: Any, processing_event: ProcessingEvent[UUID]) -> None:
        """Count debits; of everything else only the position is kept."""

    @policy.register
    def _(self, domain_event: LedgerEvent, processing_event: ProcessingEvent[UUID]) -> None:
        if isinstance(domain_event.event, Debited):
            total = self.total()
            total.count(domain_event.event.current_fen + domain_event.event.prior_fen)
            processing_event.collect_events(total)

    def total(self) -> DebitTotal:
        """What was counted so far."""
        try:
            total: DebitTotal = self.repository.get(DebitTotal.ID)
        except AggregateNotFoundError:
            return DebitTotal()
        return total


Follow = EventSourcedProjectionRunner[LedgerApplication, DebitCounter]


async def test_a_runner_counts_debits_and_resumes(
    context: ServiceContext, dsn: str, tmp_path: Path
) -> None:
    """It counts what was before and what comes, once; stopped, it goes on where it was."""
    env = {"GONGJI_DATABASE_URL": dsn, "SQLITE_DBNAME": str(tmp_path / "debits.sqlite")}

    def follow() -> Follow:
        return Follow(application_class=LedgerApplication, projection_class=DebitCounter, env=env)

    await settled(context, "first", fen=BILL_FEN)
    with await asyncio.to_thread(follow) as runner:
        second = await settled(context, "second", fen=300)
        await asyncio.to_thread(runner.wait, second.position, PATIENCE_S)
        live = runner.projection.total()
    third = await settled(context, "third", fen=20)
    with await asyncio.to_thread(follow) as runner:
        await asyncio.to_thread(runner.wait, third.position, PATIENCE_S)
        resumed = runner.projection.total()
        tracked = runner.projection.recorder.max_tracking_id(LedgerApplication.name)

    assert (3, BILL_FEN + 300) == (live.debits, live.fen)
    assert (4, BILL_FEN + 320) == (resumed.debits, resumed.fen)
    assert live.version + 1 == resumed.version
    assert third.position == tracked == await context.store.position()
    with psycopg.connect(dsn) as connection:
        assert (0,) == connection.execute("SELECT count(*) FROM tracking").fetchone()


async def test_a_system_pulls_from_the_ledger(
    context: ServiceContext, dsn: str, tmp_path: Path
) -> None:
    """In a system, too, the ledger can lead; as nothing is saved there, its follower pulls."""
    env = {"GONGJI_DATABASE_URL": dsn, "SQLITE_DBNAME": str(tmp_path / "debits.sqlite")}
    system = System(pipes=[[LedgerApplication, DebitCounter]])
    counted = []
    for visit in ("first", "second"):
        await settled(context, visit, fen=BILL_FEN // 2)
        with SingleThreadedRunner[Any](system, env) as runner:
            counter = runner.get(DebitCounter)
            counter.pull_and_process(LedgerApplication.name)
            counted.append(counter.total().fen)

    assert [BILL_FEN // 2, BILL_FEN] == counted
