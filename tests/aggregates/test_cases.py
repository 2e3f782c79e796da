"""Every scenario that the rules alone can play (policy.md §8 and the keys of §3.2)."""

import pytest

from tests.cases.later import LATER
from tests.cases.reading import Case, read_cases
from tests.cases.rules_driver import RulesDriver
from tests.cases.world import NotBuiltError, play

CASES = {case.id: case for case in read_cases().values() if case.level == "rules"}


@pytest.mark.parametrize(
    "case", [c for i, c in CASES.items() if i not in LATER], ids=lambda c: c.id
)
async def test_the_rules_decide_as_the_scenarios_say(case: Case) -> None:
    """What is given and what happens lead to what the scenario says."""
    await play(case, RulesDriver())


@pytest.mark.parametrize("case", [c for i, c in CASES.items() if i in LATER], ids=lambda c: c.id)
async def test_a_rule_that_is_not_built_yet_still_fails(case: Case) -> None:
    """A scenario on the list for later does not hold today; the day it does it leaves the list."""
    with pytest.raises((AssertionError, NotBuiltError)):
        await play(case, RulesDriver())
