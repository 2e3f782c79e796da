"""The library beside the service, on one ledger: one order, and both understand the events."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from functools import reduce
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import (
    JSONTranscoder,
    MapperDeserialisationError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from eventsourcing.projection import Projection, ProjectionRunner
from typing_extensions import override

from aggregates.account.state import Account
from aggregates.settlement.events import Settled
from aggregates.topics import CLASSES, TOPICS
from aggregates.vocabulary import Bucket, InstitutionKind, InstitutionStatus, Insurance
from service.account.accounts import CreditAccount, OpenAccount, credit, open_account
from service.caller import Caller, Request, Role
from service.clock import business_clock
from service.context import ServiceContext, open_postgres
from service.institution import Designate, designate
from service.ledger.codec import KINDS
from service.ledger.command import Reply
from service.ledger.eventsourcing.blocking import LedgerLoop
from service.ledger.eventsourcing.mapper import LedgerEvent, LedgerMapper
from service.ledger.eventsourcing.recorder import LedgerRecorder, LedgerTracking
from service.ledger.postgres.store import PostgresStore
from service.person.credentials import Identity
from service.policy import publish
from service.settings import Settings
from service.settlement.claims import SettleBill
from service.settlement.settle import settle
from service.vault import Personal

PATIENCE_S = 20.0
EVERYTHING = 10_000
AGENCY = Caller(Role.AGENCY, "990000", "990000", "agency:990000")
HOSPITAL = Caller(Role.INSTITUTION, "H99000000001", None, "institution:H99000000001")
KEYS = count(1)
NO_TURNOVER = (
    "CREATE TABLE IF NOT EXISTS turnover"
    " (settlements bigint NOT NULL, own_fen bigint NOT NULL, cash_fen bigint NOT NULL);"
    "INSERT INTO turnover SELECT 0, 0, 0 WHERE NOT EXISTS (SELECT FROM turnover)"
)
ADD = (
    "UPDATE turnover SET settlements = settlements + 1,"
    " own_fen = own_fen + $1, cash_fen = cash_fen + $2"
)


@pytest.fixture
async def context(dsn: str, tmp_path: Path) -> AsyncIterator[ServiceContext]:
    """A house on the ledger, with a patient who has 300 yuan and a hospital."""
    context = await open_postgres(
        Settings.read({"GONGJI_DATA": str(tmp_path)}), dsn, business_clock()
    )
    await publish(context)
    opening = OpenAccount(
        personal=Personal("p1", "张三", "110105199001011234"),
        insurance=Insurance.EMPLOYEE,
        region="990000",
        status="NORMAL",
        flags=(),
    )
    await open_account(context, a_request(AGENCY), opening)
    money = CreditAccount(person_no="p1", amount_fen=30_000, bucket=Bucket.CURRENT, reference=None)
    await credit(context, a_request(AGENCY), money)
    hospital = Designate(
        code="H99000000001",
        name="a hospital",
        kind=InstitutionKind.HOSPITAL,
        region="990000",
        status=InstitutionStatus.ACTIVE,
        opened_regions=(),
        sensitive=False,
    )
    await designate(context, a_request(AGENCY), hospital)
    yield context
    await context.appender.close()
    assert isinstance(context.store, PostgresStore)
    await context.store.close()


def a_request(caller: Caller) -> Request:
    key = f"key {next(KEYS)}"
    return Request(caller, key, hashlib.sha256(key.encode()).digest(), "test")


async def a_settlement(context: ServiceContext, personal_fen: int) -> Reply:
    """A bill whose personal part is so much, settled."""
    bill = SettleBill(
        beneficiary=Identity("person_no", "p1"),
        visit=f"visit {next(KEYS)}",
        charge_batch="1",
        med_type="11",
        treated_at=context.clock().at,
        total_fen=2 * personal_fen,
        fund_pay_fen=personal_fen,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=b"x" * 32,
    )
    return await settle(context, a_request(HOSPITAL), bill)


def two_events(stream: int) -> list[StoredEvent]:
    return [StoredEvent(UUID(int=stream), version, "topic", b"state") for version in (1, 2)]


async def test_the_library_and_the_service_share_one_order(
    context: ServiceContext, recorder: LedgerRecorder
) -> None:
    """Appends of both at once leave no gap, keep together, and every command is answered."""
    before = recorder.position()
    settlements = [a_settlement(context, 100) for _ in range(60)]
    inserts = [asyncio.to_thread(recorder.insert_events, two_events(i)) for i in range(40)]
    replies, ids = await asyncio.gather(asyncio.gather(*settlements), asyncio.gather(*inserts))

    log = recorder.select_notifications(None, EVERYTHING)
    assert list(range(1, len(log) + 1)) == [n.id for n in log]
    assert before + 60 * 2 + 40 * 2 == len(log)
    assert all(pair is not None and pair[0] + 1 == pair[1] for pair in ids)
    assert {r.position for r in replies} == {n.id for n in log if n.topic == TOPICS[Settled]}


async def test_streams_of_the_service_are_closed_to_the_library(
    context: ServiceContext, recorder: LedgerRecorder
) -> None:
    """An event put on an account or a settlement from outside would stop it; it is refused."""
    reply = await a_settlement(context, 100)
    assert reply.subject is not None
    foreign = StoredEvent(UUID(reply.subject[4:]), 99, "topic", b"state")
    with pytest.raises(ProgrammingError):
        await asyncio.to_thread(recorder.insert_events, [*two_events(1), foreign])

    assert reply.position == recorder.position()


# ---------------------------------------------------------------------- followers


class Turnover(LedgerTracking):
    """Settlements counted and their amounts added, in a table of their own."""

    def __init__(self, ledger: LedgerLoop, follower: str) -> None:
        """Begin with nothing."""
        super().__init__(ledger, follower)
        ledger.execute(NO_TURNOVER)

    def add(self, settled: Settled, tracking: Tracking) -> None:
        """Add a settlement once."""
        self.track(tracking, (ADD, settled.own_fen, settled.cash_fen))

    def totals(self) -> tuple[int, int, int]:
        """Settlements, own money and cash."""
        settlements, own_fen, cash_fen = self.ledger.read("SELECT * FROM turnover")[0]
        return settlements, own_fen, cash_fen


class TurnoverProjection(Projection[Turnover]):
    """Follows the settlements alone."""

    name = "turnover"
    topics = (TOPICS[Settled],)

    @singledispatchmethod
    @override
    def process_event(self, domain_event: object, tracking: Tracking) -> None:
        """Pass over what is not ours."""
        self.view.insert_tracking(tracking)

    @process_event.register
    def _(self, domain_event: LedgerEvent, tracking: Tracking) -> None:
        assert isinstance(domain_event.event, Settled)
        assert domain_event.act.actor == HOSPITAL.name
        assert domain_event.timestamp is not None
        self.view.add(domain_event.event, tracking)


def a_runner(dsn: str) -> ProjectionRunner[Application[UUID], Turnover]:
    return ProjectionRunner(
        application_class=Application[UUID],
        projection_class=TurnoverProjection,
        view_class=Turnover,
        env={"PERSISTENCE_MODULE": "service.ledger.recorder", "GONGJI_DATABASE_URL": dsn},
    )


async def test_a_stock_projection_follows_the_log(context: ServiceContext, dsn: str) -> None:
    """It counts what was settled before and while it runs, and goes on where it stopped."""
    await a_settlement(context, 10_000)
    with await asyncio.to_thread(a_runner, dsn) as runner:
        replies = [await a_settlement(context, 15_000), await a_settlement(context, 7_000)]
        await asyncio.to_thread(runner.wait, replies[-1].position, PATIENCE_S)
        first = runner.view.totals()
    reply = await a_settlement(context, 1)
    with await asyncio.to_thread(a_runner, dsn) as runner:
        await asyncio.to_thread(runner.wait, reply.position, PATIENCE_S)
        second = runner.view.totals()

    assert (3, 30_000, 2_000) == first
    assert (4, 30_000, 2_001) == second


def payer_of(reply: Reply, application: Application[UUID]) -> UUID:
    """The account whose debit stands before a settlement."""
    debit = application.recorder.select_notifications(reply.position - 1, 1)[0]
    assert isinstance(debit.originator_id, UUID)
    return debit.originator_id


async def test_a_stock_application_reads_both_kinds_of_streams(
    context: ServiceContext, dsn: str
) -> None:
    """Its event store gives what our rules fold, and its repository its own aggregates."""
    reply = await a_settlement(context, 12_000)
    env = {"PERSISTENCE_MODULE": "service.ledger.recorder", "GONGJI_DATABASE_URL": dsn}
    with await asyncio.to_thread(Application[UUID], env) as application:
        events = application.events.get(payer_of(reply, application))
        facts = [event.event for event in events if isinstance(event, LedgerEvent)]
        account = reduce(KINDS["acc"].evolve, facts, None)
        aggregate = Aggregate()
        application.save(aggregate)
        again: Aggregate = application.repository.get(aggregate.id)

    assert isinstance(account, Account)
    assert 18_000 == account.current_fen
    assert aggregate == again


# ------------------------------------------------------------------- stored bytes


async def test_stored_events_survive_the_mapper(
    context: ServiceContext, recorder: LedgerRecorder
) -> None:
    """Every event of ours, read as the library reads it and written again, is the same bytes."""
    await a_settlement(context, 100)
    mapper = LedgerMapper[UUID](JSONTranscoder())
    rows = await asyncio.to_thread(recorder.select_notifications, None, EVERYTHING)

    assert {row.topic for row in rows} <= CLASSES.keys()
    for row in rows:
        stored = StoredEvent(row.originator_id, row.originator_version, row.topic, row.state)
        assert stored == mapper.to_stored_event(mapper.to_domain_event(row))
        with pytest.raises(MapperDeserialisationError):
            mapper.to_domain_event(StoredEvent(row.originator_id, 1, row.topic, b"{}"))


async def test_the_stock_recorder_reads_our_log(
    context: ServiceContext, recorder: LedgerRecorder, dsn: str
) -> None:
    """The library's own PostgreSQL recorder finds in `stored_events` what ours finds."""
    reply = await a_settlement(context, 100)
    assert reply.subject is not None
    address = urlsplit(dsn)
    stock = PostgresApplicationRecorder(
        PostgresDatastore(
            dbname=address.path[1:],
            host=parse_qs(address.query)["host"][0],
            port=parse_qs(address.query)["port"][0],
            user=address.username or "",
            password="",
        )
    )
    try:
        for args in ((None, EVERYTHING), (2, 3, 4), (1, 5, None, [TOPICS[Settled]])):
            ours = recorder.select_notifications(*args)
            assert [vars(n) | {"recorded_at": 0} for n in stock.select_notifications(*args)] == [
                vars(n) | {"recorded_at": 0} for n in ours
            ]
        stream = UUID(reply.subject[4:])
        assert stock.select_events(stream) == recorder.select_events(stream)
        assert reply.position == stock.max_notification_id() == recorder.max_notification_id()
    finally:
        stock.datastore.close()
