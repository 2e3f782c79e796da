"""The offline verifier finds nothing in any history that the service wrote itself."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from typing_extensions import override

from tests.cases.reading import Case, read_cases
from tests.cases.service_driver import HouseDriver
from tests.cases.world import play
from tests.exports import export_of, faults_in, leaves_of
from tests.service.test_machine import FamilyLife
from tests.service.test_money_machine import Bills

pytestmark = pytest.mark.deepened

CASES = [case for case in read_cases().values() if case.level in {"rules", "house"}]


@pytest.fixture
async def driver() -> AsyncIterator[HouseDriver]:
    """A driver whose house is closed afterwards."""
    driver = HouseDriver()
    yield driver
    await driver.close()


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)
async def test_every_scenario_leaves_a_log_without_fault(case: Case, driver: HouseDriver) -> None:
    """What every scenario of policy.md wrote passes every check."""
    await play(case, driver)
    assert driver.house is not None

    assert [] == faults_in(export_of(leaves_of(driver.house.store)))


class ProvenLife(FamilyLife):
    """A family's life whose whole log is verified at its end."""

    @override
    def teardown(self) -> None:
        """Verify, then close."""
        house = self.driver.house
        super().teardown()
        if house is not None:
            leaves = leaves_of(house.store)
            assert [] == faults_in(export_of(leaves, ways=range(3, len(leaves), 7)))


class ProvenBills(Bills):
    """The same for holds, refunds, reversals and new years, under rules of every kind."""

    @override
    def teardown(self) -> None:
        """Verify, then close."""
        house = self.counter.driver.house
        super().teardown()
        if house is not None:
            assert [] == faults_in(export_of(leaves_of(house.store)))


@pytest.mark.parametrize("life", [ProvenLife, ProvenBills])
def test_every_life_leaves_a_log_without_fault(
    life: type[RuleBasedStateMachine], request: pytest.FixtureRequest
) -> None:
    """Whatever a family does in whatever order passes every check."""
    examples, steps = (1_000, 100) if request.config.getoption("--slow") else (25, 40)
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
