"""A year closed in batches or by the next event: answers do not differ."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregates.account.events import YearClosed
from aggregates.account.state import Account
from aggregates.vocabulary import BEIJING, Bucket, Insurance, KinshipEvidence
from service.account.accounts import CreditAccount, credit
from service.account.year_close import close_year
from service.caller import Request
from service.context import furnish
from service.ledger.memory_store import MemoryStore
from tests.cases.reading import Bound, Counter, Person, Step, yuan
from tests.cases.service_driver import AGENCY, ServiceDriver
from tests.cases.world import P0, Outcome, changed

BEGAN_AT = datetime(2026, 12, 20, 10, 0, tzinfo=BEIJING)
RULES = changed(P0, {"money.cap_per_year_fen": 6_000, "money.cap_per_month_fen": 5_000})
PEOPLE = ("A", "S1", "S2")

Move = tuple[str, int]
waits = st.tuples(st.just("wait"), st.sampled_from([1, 12, 12, 40, 366]))
moves = st.one_of(
    waits,
    st.just(("close", 0)),
    st.tuples(st.just("settle"), st.integers(1, 6_000)),
    st.tuples(st.just("credit"), st.integers(1, 3_000)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("freeze"), st.integers(0, 1)),
)
lives = st.lists(moves, min_size=2, max_size=16)


class Life:
    """A family in a service context of its own, whose years are closed in batches or not."""

    def __init__(self, *, is_batched: bool) -> None:
        """Begin without a service context."""
        self.driver = ServiceDriver()
        self.is_batched = is_batched
        self.named: dict[str, Outcome] = {}
        self.said: list[object] = []

    async def begin(self) -> None:
        """Open a patient, two sponsors and a hospital, shortly before New Year."""
        await self.driver.furnish((RULES,))
        self.driver.clock.at = BEGAN_AT
        await self.do(Step(do="designate", counter=Counter()))
        for number, who in enumerate(PEOPLE):
            await self.do(Step(do="open", who=who, person=Person(insurance=Insurance.EMPLOYEE)))
            for bucket in Bucket:
                fen = 2_000 * (number + 1)
                await self.do(Step(do="credit", who=who, amount=yuan(fen), bucket=bucket))
        for sponsor in PEOPLE[1:]:
            offer = Bound(sponsor=sponsor, evidence=KinshipEvidence.DOCUMENT, reference="HK-1")
            await self.do(Step(do="invite", offer=offer))
            await self.do(Step(do="confirm", binding=f"{sponsor}>A"))
            self.driver.clock.at += timedelta(seconds=1)

    async def do(self, step: Step) -> None:
        """Do a step, and store its answer."""
        told = await self.driver.do(step, self.named)
        if step.as_ and told.refused is None:
            self.named[step.as_] = told
        self.said.append((told.refused, told.own, told.aid, told.cash, told.status))

    async def move(self, word: str, number: int) -> None:
        """Do one random step."""
        match word:
            case "wait":
                self.driver.clock.at += timedelta(days=number)
            case "settle":
                name = str(len(self.named))
                await self.do(Step(do="settle", as_=name, visit=name, personal=yuan(number)))
            case "credit":
                who, bucket = PEOPLE[number % 3], list(Bucket)[number % 2]
                await self.do(Step(do="credit", who=who, amount=yuan(number), bucket=bucket))
            case "cancel" if str(number) in self.named:
                await self.do(Step(do="cancel", of=str(number)))
            case "freeze":
                await self.do(Step(do="status", who="S1", status=("NORMAL", "FROZEN")[number]))
            case "close" if self.is_batched:
                await self.close_year()
        self.said += [await self.driver.left(who) for who in PEOPLE]

    async def close_year(self) -> None:
        """Close open years, two accounts at a time."""
        assert self.driver.context is not None
        await close_year(self.driver.context, chunk=2)

    async def accounts(self) -> list[Any]:
        """The stored accounts at the end, without ids."""
        await self.close_year()
        assert self.driver.context is not None
        store = self.driver.context.store
        assert isinstance(store, MemoryStore)
        states = [store.heads[stream].state for stream in await store.accounts(None, 9)]
        return sorted(
            (
                *(state.year, state.current_fen, state.prior_fen),
                *(state.lent, state.received, [link.used for link in state.beneficiaries]),
            )
            for state in states
            if isinstance(state, Account)
        )


async def lived(life: list[Move], *, is_batched: bool) -> tuple[list[object], list[Any]]:
    """The answers of a history, and what is stored at its end."""
    one = Life(is_batched=is_batched)
    await one.begin()
    for move in life:
        await one.move(*move)
    left = await one.accounts()
    await one.driver.close()
    return one.said, left


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives)
def test_nobody_can_tell_when_a_year_was_closed(life: list[Move]) -> None:
    """The same answers, balances, later settlements and accounts."""
    with asyncio.Runner() as loop:
        lazy = loop.run(lived(life, is_batched=False))
        batched = loop.run(lived(life, is_batched=True))

    assert lazy == batched


@pytest.fixture
async def life() -> AsyncIterator[Life]:
    """A family after New Year without an event since."""
    one = Life(is_batched=True)
    await one.begin()
    one.driver.clock.at = datetime(2027, 1, 2, 10, 0, tzinfo=BEIJING)
    yield one
    await one.driver.close()


async def test_every_account_is_closed_once(life: Life) -> None:
    """Employees in chunks with their own keys, no residents; a second run does nothing."""
    await life.do(Step(do="open", who="R", person=Person(insurance=Insurance.RESIDENT)))
    context = life.driver.context
    assert context is not None
    told: list[tuple[int, int]] = []
    closed = await close_year(context, lambda done, of: told.append((done, of)), chunk=2)

    assert 3 == closed
    assert [(2, 4), (4, 4)] == told
    store = context.store
    assert isinstance(store, MemoryStore)
    first, _, third, _ = await store.accounts(None, 9)
    keys = {key for caller, key in store.keys if caller == "operator:close-year"}
    assert {f"close-year:2027:{first}", f"close-year:2027:{third}"} == keys
    position = await store.position()
    assert 0 == await close_year(context, chunk=2)
    assert position == await store.position()


async def test_who_was_faster_is_left_alone(life: Life) -> None:
    """A credit closes its account's year; the chunk is decided again without it."""
    context = life.driver.context
    assert context is not None
    store = context.store
    assert isinstance(store, MemoryStore)

    async def slip_in() -> None:
        other = furnish(store, context.vault, context.policies, context.clock)
        money = CreditAccount(person_no="S1", amount_fen=100, bucket=Bucket.CURRENT, reference=None)
        await credit(other, Request(AGENCY, "slipped in", b"", "test"), money)
        await other.close()

    store.before_append = slip_in

    assert (2, 1) == (await close_year(context), context.appender.races)
    turns = [r.stream for r in store.log if isinstance(r.event, YearClosed)]
    assert sorted(turns) == await store.accounts(None, 9)
    assert (100, 8_000) == await life.driver.left("S1")
