"""The end of an account whose history only the log shows."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from aggregates.account.events import Held
from aggregates.account.state import Account
from aggregates.settlement.hold import HoldEnded
from aggregates.vocabulary import HoldEnd, Instant, StreamId
from service.caller import Request
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.memory_store import MemoryStore
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from tests.cases.reading import Step
from tests.cases.service_driver import AGENCY, ServiceDriver
from tests.cases.world import P0

PREMIUM = StreamId("prm_00000000000000000000000000000009")


@pytest.fixture
async def driver() -> AsyncIterator[ServiceDriver]:
    """A service context with one account of 50.00."""
    driver = ServiceDriver()
    await driver.furnish((P0,))
    await driver.do(Step(do="open", who="S1"), {})
    await driver.do(Step(do="credit", who="S1", amount="50.00"), {})
    yield driver
    await driver.close()


async def held_for_premium(context: ServiceContext) -> StreamId:
    """Hold money as a premium does; the account's id."""
    found: list[StreamId] = []

    def decide(reads: ReadSet, now: Instant) -> Decision:
        found.append(find_person(reads, context.vault, "S1"))
        reads.account(found[-1])
        event = Held(
            hold=PREMIUM,
            binding=None,
            current_fen=4_000,
            prior_fen=0,
            aid_fen=0,
            on=now.on,
            expires_at=now.at + timedelta(days=1),
        )
        return Decision(b"{}", events=[(found[-1], event)])

    await context.do(Request(AGENCY, "premium", b"", "test"), decide)
    return found[-1]


async def test_what_is_held_for_a_premium_stays_held(driver: ServiceDriver) -> None:
    """The tax authority may have booked it: an end releases bills' holds only."""
    context = driver.context
    assert context is not None
    account_id = await held_for_premium(context)
    told = await driver.do(Step(do="status", who="S1", status="DECEASED"), {})

    assert "deceased" == told.status
    store = context.store
    assert isinstance(store, MemoryStore)
    account = store.heads[account_id].state
    assert isinstance(account, Account)
    assert [PREMIUM] == [hold.hold for hold in account.holds]
    ends = [r.event for r in store.log if isinstance(r.event, HoldEnded)]
    assert [] == [end for end in ends if end.why is HoldEnd.ENDED]
