"""Every scenario that the use cases can play, on a ledger in memory (policy.md §8, §3.2)."""

from collections.abc import AsyncIterator

import pytest

from tests.cases.reading import Case, read_cases
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import play
from tests.exports import export_of, faults_in, leaves_of
from tests.service.rehearsal.rehearsing import differences_in
from tests.service.replay.replayed import found_in

CASES = {case.id: case for case in read_cases().values() if case.level in {"rules", "house"}}


@pytest.fixture
async def driver() -> AsyncIterator[ServiceDriver]:
    """A driver whose house is closed afterwards."""
    driver = ServiceDriver()
    yield driver
    await driver.close()


@pytest.mark.parametrize("case", CASES.values(), ids=lambda c: c.id)
async def test_the_use_cases_do_as_the_scenarios_say(case: Case, driver: ServiceDriver) -> None:
    """It leads to what the scenario says; replay, rehearsal and the offline verifier agree."""
    await play(case, driver)
    if driver.context is not None:
        assert [] == found_in(driver.context)
        assert 0 == differences_in(driver.context)
        assert [] == faults_in(export_of(leaves_of(driver.context.store)))
