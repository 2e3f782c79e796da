"""Every scenario that the use cases can play, on a ledger in memory (policy.md §8, §3.2)."""

from collections.abc import AsyncIterator

import pytest

from tests.cases.house_driver import HouseDriver
from tests.cases.later import LATER
from tests.cases.reading import Case, read_cases
from tests.cases.world import NotBuiltError, play

CASES = {case.id: case for case in read_cases().values() if case.level in {"rules", "house"}}


@pytest.fixture
async def driver() -> AsyncIterator[HouseDriver]:
    """A driver whose house is closed afterwards."""
    driver = HouseDriver()
    yield driver
    await driver.close()


@pytest.mark.parametrize(
    "case", [c for i, c in CASES.items() if i not in LATER], ids=lambda c: c.id
)
async def test_the_use_cases_do_as_the_scenarios_say(case: Case, driver: HouseDriver) -> None:
    """What is given and what happens lead to what the scenario says."""
    await play(case, driver)


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i in LATER], ids=lambda c: c.id)
async def test_a_use_case_that_is_not_built_yet_still_fails(
    case: Case, driver: HouseDriver
) -> None:
    """A scenario on the list for later does not hold today; the day it does it leaves the list."""
    with pytest.raises((AssertionError, NotBuiltError)):
        await play(case, driver)


def test_the_list_for_later_names_scenarios_there_are() -> None:
    """Nothing waits for a scenario that nobody tells."""
    assert set() == set(LATER) - set(read_cases())
