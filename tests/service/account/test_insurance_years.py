"""Accounts of areas whose insurance year begins on another day than New Year (regions.md §4)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime

import pytest

from aggregates.account.events import (
    AccountOpened,
    Credited,
    InsuranceYearMoved,
    YearClosed,
)
from aggregates.policy.edition import Edition
from aggregates.topics import Event
from aggregates.vocabulary import BEIJING, Bucket
from projections.kit.recorded_event import RecordedEvent
from service.account.year_close import close_year
from service.clock import micros
from service.ledger.codec import kind_of
from service.ledger.memory_store import MemoryStore
from service.ledger.store import StreamHead
from service.policy import publish
from service.regions.policy_book import PolicyBook
from tests.cases.reading import Counter, Person, Step
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import P0, changed
from tests.exports import export_of, faults_in, leaves_of
from tests.service.rehearsal.rehearsing import differences_in
from tests.service.replay.replayed import retold

JULY = replace(changed(P0, {"money.insurance_year_from": "07-01"}), id="july/2020", region="990100")
PEOPLE = {"C": P0.region, "J": JULY.region}


class Town:
    """A sponsor of a calendar year (C), one of a year from July (J), and the patient of both."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.driver = ServiceDriver()

    async def begin(self) -> None:
        """Open the accounts in December 2026, each with 100.00."""
        await self.driver.furnish((P0, JULY))
        self.at(2026, 12, 1)
        await self.do(Step(do="designate", counter=Counter()))
        for who, region in PEOPLE.items():
            await self.do(Step(do="open", who=who, person=Person(region=region)))
            await self.do(Step(do="credit", who=who, amount="100.00"))

    def at(self, year: int, month: int, day: int) -> None:
        """Set the clock to nine in the morning of a day."""
        self.driver.clock.at = datetime(year, month, day, 9, 0, tzinfo=BEIJING)

    async def do(self, step: Step) -> None:
        """Do a step that is not refused."""
        assert None is (await self.driver.do(step, {})).refused

    async def close(self) -> int:
        """Close the years that are over, one account at a time."""
        assert self.driver.context is not None
        return await close_year(self.driver.context, chunk=1)

    @property
    def store(self) -> MemoryStore:
        """The ledger in memory."""
        assert self.driver.context is not None
        assert isinstance(self.driver.context.store, MemoryStore)
        return self.driver.context.store

    def turns(self) -> list[Event]:
        """What turned an account's year, in the order of the log."""
        kinds = (YearClosed, InsuranceYearMoved)
        return [one.event for one in self.store.log if isinstance(one.event, kinds)]

    async def move(self, *editions: Edition) -> None:
        """Publish further editions."""
        context = self.driver.context
        assert context is not None
        context.policies = PolicyBook({P0.region: (P0, *editions), JULY.region: (JULY,)})
        assert len(editions) == await publish(context)

    def forge(self, event: Event, region: str) -> None:
        """Append an event to the account of an area, now, as nobody decided it."""
        log, heads = self.store.log, self.store.heads
        (stream,) = (
            one.stream
            for one in log
            if isinstance(one.event, AccountOpened) and one.event.region == region
        )
        head = heads[stream]
        assert self.driver.context is not None
        told = RecordedEvent(
            len(log) + 1,
            micros(self.driver.context.clock()),
            stream,
            head.version + 1,
            replace(log[-1].act, key_digest="f0" * 16),
            event,
        )
        log.append(told)
        heads[stream] = StreamHead(told.version, kind_of(stream).evolve(head.state, event))

    def found(self) -> list[str]:
        """The kinds of what replay finds, then of what the offline verifier finds."""
        assert self.driver.context is not None
        faults = faults_in(export_of(leaves_of(self.store)))
        return [
            *(found.mismatch.name for found in retold(self.driver.context).diffs.kept),
            *(fault.check for fault in faults),
        ]


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    """A town in December."""
    town = Town()
    await town.begin()
    yield town
    await town.driver.close()


async def test_each_year_is_closed_on_its_own_day(town: Town) -> None:
    """The calendar's in January, the other one in July; a second run finds nothing to do."""
    town.at(2027, 1, 2)
    assert (1, 0) == (await town.close(), await town.close())
    assert [(0, 10_000), (10_000, 0)] == [await town.driver.left(who) for who in PEOPLE]
    town.at(2027, 6, 30)
    assert 0 == await town.close()
    town.at(2027, 7, 1)
    assert (1, 0) == (await town.close(), await town.close())

    assert [(0, 10_000), (0, 10_000)] == [await town.driver.left(who) for who in PEOPLE]
    assert [YearClosed(year=2026, carried_fen=10_000)] * 2 == town.turns()
    assert [] == town.found()


MOVED = replace(JULY, id="moved/2027", region=P0.region, effective_on=date(2027, 3, 1))


@pytest.mark.parametrize("is_batched", [True, False])
async def test_an_area_moves_the_day(town: Town, *, is_batched: bool) -> None:
    """Closed in January or not: prior money stays prior, and the year lasts until July 2028."""
    if is_batched:
        town.at(2027, 1, 2)
        assert 1 == await town.close()
    town.at(2027, 3, 1)
    await town.move(MOVED)
    assert (0, 10_000) == await town.driver.left("C")
    await town.do(Step(do="settle", who="C", personal="10.00"))
    await town.do(Step(do="credit", who="C", amount="50.00"))
    town.at(2028, 6, 30)
    await town.do(Step(do="credit", who="C", amount="1.00"))
    assert (5_100, 9_000) == await town.driver.left("C")
    town.at(2028, 7, 1)
    assert 2 == await town.close()

    assert (0, 14_100) == await town.driver.left("C")
    first = YearClosed(year=2026, carried_fen=10_000)
    moved, last = InsuranceYearMoved(begins="07-01"), YearClosed(year=2027, carried_fen=5_100)
    assert [first, moved, last] == [event for event in town.turns() if event != JULYS]
    assert [] == town.found()
    assert town.driver.context is not None
    assert 0 == differences_in(town.driver.context)


async def test_the_new_day_counts_before_any_event(town: Town) -> None:
    """Money of February 2027 is this year's until July 2028, though nothing happened since."""
    town.at(2027, 2, 1)
    await town.do(Step(do="credit", who="C", amount="50.00"))
    town.at(2027, 3, 1)
    await town.move(MOVED)
    town.at(2028, 1, 5)
    assert (5_000, 10_000) == await town.driver.left("C")
    town.at(2028, 7, 1)
    assert (0, 15_000) == await town.driver.left("C")


JULYS = YearClosed(year=2027, carried_fen=10_000)


@pytest.mark.parametrize(
    ("event", "region", "on"),
    [
        (YearClosed(year=2026, carried_fen=10_000), JULY.region, (2027, 1, 1)),
        (YearClosed(year=2026, carried_fen=10_000), P0.region, (2026, 12, 31)),
        (YearClosed(year=2027, carried_fen=10_000), JULY.region, (2027, 7, 1)),
        (InsuranceYearMoved(begins="01-01"), JULY.region, (2027, 1, 1)),
        (InsuranceYearMoved(begins="12-01"), P0.region, (2026, 12, 31)),
        (Credited(bucket=Bucket.PRIOR, amount_fen=1, reference=None), JULY.region, (2027, 7, 1)),
    ],
)
async def test_a_forged_turn_of_a_year_is_found(
    town: Town, event: Event, region: str, on: tuple[int, int, int]
) -> None:
    """A year closed too early, too far, or not at all, or a day that no edition says."""
    town.at(*on)
    town.forge(event, region)

    assert ["DECISION", "policies"] == town.found()


async def test_an_account_opened_under_another_day_is_found(town: Town) -> None:
    """Its first event says when its years begin, and so do its area's rules."""
    log = town.store.log
    at = next(at for at, one in enumerate(log) if isinstance(one.event, AccountOpened))
    told = log[at].event
    assert isinstance(told, AccountOpened)
    log[at] = log[at]._replace(event=replace(told, insurance_year_from="07-01"))

    assert {"DECISION", "policies"} <= set(town.found())
