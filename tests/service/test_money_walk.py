"""A long random walk beside the money model, in memory; then every log is replayed and verified."""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from typing_extensions import override

from service.caller import Caller, Request
from service.clock import monotonic_s
from service.ledger.command import Reply
from tests.cases.reading import Step
from tests.cases.world import Outcome
from tests.exports import export_of, faults_in, leaves_of
from tests.service.money_counter import MoneyCounter, Told
from tests.service.replay.replayed import found_in
from tests.service.test_money_machine import Bills

OPERATIONS = 100_000
LIVES, STEPS = 200, 100
"""Lives between two looks at the count, and steps in each; a step that asks nothing counts not."""


class Report:
    """What was done and found so far."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.done: Counter[str] = Counter()
        self.lives = self.events = self.refused = 0

    def text(self, seconds: float) -> str:
        """One line for whoever ran it."""
        count = self.done.total()
        each = ", ".join(f"{what} {number}" for what, number in self.done.most_common())
        return (
            f"money walk: {count} operations in {self.lives} lives, {seconds:.0f} s"
            f" ({count / seconds:.0f}/s), {self.refused} refused as the model says; 0 differences;"
            f" {self.events} events replayed and verified, all clean: {each}"
        )


class CountingCounter(MoneyCounter):
    """A counter that counts what it asks."""

    def __init__(self, report: Report) -> None:
        """Count in a report."""
        super().__init__()
        self._report = report

    @override
    def do(self, step: Step) -> Outcome:
        outcome = super().do(step)
        self._count(step.do, outcome.refused)
        return outcome

    @override
    def call(
        self,
        use_case: Callable[[Request], Awaitable[Reply]],
        key: str,
        body: object,
        by: Caller | None = None,
    ) -> Told:
        told = super().call(use_case, key, body, by)
        self._count(key.rpartition(" ")[0] or key.rstrip("0123456789- "), told["refusal"])
        return told

    def _count(self, what: str, refused: str | None) -> None:
        self._report.done[what.rstrip("0123456789- ")] += 1
        self._report.refused += refused is not None


class Walk(Bills):
    """A family's money, counted; its log is replayed and verified at the end."""

    report: ClassVar[Report]

    def __init__(self) -> None:
        """Begin another life."""
        super().__init__()
        self.counter = CountingCounter(self.report)

    @override
    def teardown(self) -> None:
        try:
            assert [] == found_in(self.counter.context), "a replay decides everything alike"
            leaves = leaves_of(self.counter.context.store)
            assert [] == faults_in(export_of(leaves)), "the offline verifier finds nothing"
            self.report.lives += 1
            self.report.events += len(leaves)
        finally:
            super().teardown()


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_a_hundred_thousand_operations(tell: Callable[[str], None]) -> None:
    """0 differences to the model in 100,000 operations; about 10 minutes on two cores."""
    began_s, Walk.report = monotonic_s(), Report()
    while Walk.report.done.total() < OPERATIONS:
        run_state_machine_as_test(
            Walk,
            settings=settings(
                max_examples=LIVES,
                stateful_step_count=STEPS,
                deadline=None,
                phases=[Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    tell(Walk.report.text(monotonic_s() - began_s))
