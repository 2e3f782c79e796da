"""The offline verifier finds nothing in any life that the service wrote itself.

`tests/service/test_cases.py` verifies the log of each scenario.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from typing_extensions import override

from tests.exports import export_of, faults_in, leaves_of
from tests.service.test_machine import FamilyLife
from tests.service.test_money_machine import Bills

pytestmark = pytest.mark.deepened


class ProvenLife(FamilyLife):
    """A family's life whose whole log is verified at its end."""

    @override
    def teardown(self) -> None:
        """Verify, then close."""
        context = self.driver.context
        super().teardown()
        if context is not None:
            leaves = leaves_of(context.store)
            assert [] == faults_in(export_of(leaves, ways=range(3, len(leaves), 7)))


class ProvenBills(Bills):
    """The same for holds, refunds, reversals and new years, under rules of every kind."""

    @override
    def teardown(self) -> None:
        """Verify, then close."""
        context = self.counter.driver.context
        super().teardown()
        if context is not None:
            assert [] == faults_in(export_of(leaves_of(context.store)))


@pytest.mark.parametrize("life", [ProvenLife, ProvenBills])
def test_every_life_leaves_a_log_without_fault(
    life: type[RuleBasedStateMachine], request: pytest.FixtureRequest
) -> None:
    """Whatever a family does in whatever order passes every check."""
    examples, steps = (1_000, 100) if request.config.getoption("--slow") else (10, 40)
    run_state_machine_as_test(
        life,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
