"""Three processes on one ledger, their clocks up to 10 s apart and set back and forth (D3).

The money model has one time, the log's: whichever process is asked, it decides as the model does
at the time that its clock says, but never before the newest recorded time.
"""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test
from typing_extensions import override

from aggregates.policy.edition import Edition
from service.clock import of_micros
from service.context import ServiceContext, furnish
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from service.regions.policy_book import PolicyBook
from service.vault import Vault
from tests.cases.outcome import StoppedClock
from tests.cases.service_driver import ServiceDriver
from tests.service.money_life import seconds
from tests.service.one_time import check_log
from tests.service.replay.replayed import found_in
from tests.service.test_money_machine import Bills

pytestmark = pytest.mark.deepened

PROCESSES = 3
skews = st.sampled_from([0, 0, -10_000, 10_000, -1, 1, 50, -50, 999, -999]) | st.integers(
    -10_000, 10_000
)
"""Milliseconds that a clock is ahead."""


class Clocks:
    """The true time, and the clocks that differ from it."""

    def __init__(self) -> None:
        """All are right."""
        self.clocks = [StoppedClock() for _ in range(PROCESSES)]
        self.skews = [timedelta(0)] * PROCESSES
        self._at = self.clocks[0].at

    @property
    def at(self) -> datetime:
        """The true time."""
        return self._at

    @at.setter
    def at(self, at: datetime) -> None:
        self._at = at
        for clock, skew in zip(self.clocks, self.skews, strict=True):
            clock.at = at + skew

    def set(self, which: int, skew: timedelta) -> None:
        """Set one clock forward or back."""
        self.skews[which] = skew
        self.at = self._at


class Processes(ServiceDriver):
    """Contexts on one ledger in memory; `context` is the one that is asked."""

    def __init__(self) -> None:
        """Begin without any."""
        super().__init__()
        self.all: list[ServiceContext] = []
        self.clocks = Clocks()
        self.clock = self.clocks  # type: ignore[assignment]

    @override
    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        by_region = {e.region: tuple(o for o in editions if o.region == e.region) for e in editions}
        store, keys, book = MemoryStore(), Vault(bytes(32), bytes(32)), PolicyBook(by_region)
        self.all = [furnish(store, keys, book, clock) for clock in self.clocks.clocks]
        for context in self.all:
            context.tax = self.premiums.tax_side()
        self.context = self.all[0]
        await publish(self.context)

    @override
    async def close(self) -> None:
        for context in self.all:
            await context.close()


class ManyClocks(Bills):
    """A family's money, by whichever process and clock."""

    def __init__(self) -> None:
        """Begin with processes of nobody."""
        super().__init__()
        self.processes = Processes()
        self.counter.driver = self.processes
        self.anchors = 0

    @rule(seconds=seconds)
    @override
    def wait(self, seconds: int) -> None:
        """Time goes on, for every clock."""
        self.processes.clocks.at += timedelta(seconds=seconds)
        self._follow()

    @rule(which=st.integers(0, PROCESSES - 1))
    def switch(self, which: int) -> None:
        """From now on another process is asked."""
        self._anchor()
        self.processes.context = self.processes.all[which]
        self._follow()

    @rule(which=st.integers(0, PROCESSES - 1), skew=skews)
    def set_clock(self, which: int, skew: int) -> None:
        """A clock is set forward or back."""
        self._anchor()
        self.processes.clocks.set(which, timedelta(milliseconds=skew))
        self._follow()

    def _anchor(self) -> None:
        """Record something; a decision's time may be a whole second, so it is not known before."""
        self.anchors += 1
        self.counter.come(f"anchor {self.anchors}", resident=True)

    def _follow(self) -> None:
        """The model's time is the log's: what is recorded now, and what is decided next."""
        self._anchor()
        store = self.counter.context.store
        assert isinstance(store, MemoryStore)
        now = of_micros(store.newest())
        assert now >= self.world.now
        self.world.wait(now - self.world.now)

    @override
    def teardown(self) -> None:
        """The log has one time, no share is below zero, and a replay decides everything alike."""
        store = self.counter.context.store
        assert isinstance(store, MemoryStore)
        try:
            check_log(store.log, (head.state for head in store.heads.values()))
            assert [] == found_in(self.counter.context)
        finally:
            super().teardown()


@pytest.mark.timeout(7_200)
def test_money_lives_as_the_model_says_on_many_clocks(request: pytest.FixtureRequest) -> None:
    """Whatever each clock said, every fen is where the model has it by the log's time."""
    examples, steps = (1_000, 100) if request.config.getoption("--slow") else (20, 50)
    run_state_machine_as_test(
        ManyClocks,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
