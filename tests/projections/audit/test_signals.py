"""The auditors' rules: each finds its planted case, and leaves the look-alike beside it alone."""

import itertools
from collections.abc import Callable, Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.vocabulary import Relation
from api.audit.signal_routes import TEXTS
from projections.audit.evaluation import SignalState, evaluate, observe
from projections.audit.rules import RULES
from projections.audit.thresholds import LIMITS, Signal, SignalKind
from tests.projections.audit.signal_cases import (
    NIGHT,
    a_churn,
    a_drained_binding,
    a_family_at_the_counter,
    a_hub,
    a_late_bill,
    a_month,
    an_ended_binding,
    at_hours,
    given_back,
    given_back_late,
    one_at_the_counter,
    relatives,
    shown_on,
    to_the_fen,
    under_a_cap,
)
from tests.projections.audit.signal_story import (
    CLINIC,
    DAY,
    HOUR,
    NOON,
    SHOP,
    Plot,
    a_death,
    bond,
    found_in,
    opened,
    person,
)
from tests.projections.recorded_families import an_id

PARENT, SPOUSE = Relation.PARENT, Relation.SPOUSE
LAST_HOURS, FIRST_HOURS = NIGHT, NOON.replace(hour=4, minute=59)
CASES: dict[str, tuple[SignalKind, Callable[[], Plot], int]] = {
    "three of a family within minutes": (
        SignalKind.FAMILY_BURST,
        a_family_at_the_counter,
        1,
    ),
    "five of a family are one story": (
        SignalKind.FAMILY_BURST,
        lambda: a_family_at_the_counter(sponsors=(9, 9, 9, 9, 9)),
        1,
    ),
    "three strangers within minutes": (
        SignalKind.FAMILY_BURST,
        lambda: a_family_at_the_counter(sponsors=(7, 8, 9)),
        0,
    ),
    "a family over an afternoon": (
        SignalKind.FAMILY_BURST,
        lambda: a_family_at_the_counter(gap=HOUR),
        0,
    ),
    "a family at a hospital": (
        SignalKind.FAMILY_BURST,
        lambda: a_family_at_the_counter(place=CLINIC),
        0,
    ),
    "one patient with four prescriptions": (SignalKind.FAMILY_BURST, one_at_the_counter, 0),
    "bound, drained, released": (SignalKind.DRAINED_BINDING, a_drained_binding, 1),
    "bound, half used, released": (
        SignalKind.DRAINED_BINDING,
        lambda: a_drained_binding(gave=5_000),
        0,
    ),
    "drained over a season": (
        SignalKind.DRAINED_BINDING,
        lambda: a_drained_binding(days=90),
        0,
    ),
    "drained at two places": (
        SignalKind.DRAINED_BINDING,
        lambda: a_drained_binding(gave=5_000, places=(SHOP, CLINIC)),
        0,
    ),
    "ended by what happened to a side": (SignalKind.DRAINED_BINDING, an_ended_binding, 0),
    "five sponsors at once": (SignalKind.SPONSOR_HUB, lambda: a_hub(5), 1),
    "the sixth is the same story": (SignalKind.SPONSOR_HUB, lambda: a_hub(6), 1),
    "four sponsors": (SignalKind.SPONSOR_HUB, lambda: a_hub(4), 0),
    "five one after another": (SignalKind.SPONSOR_HUB, lambda: a_hub(5, parted=4), 0),
    "five beneficiaries in days": (
        SignalKind.BENEFICIARY_CHURN,
        lambda: a_churn((1, 2, 3, 4, 5)),
        1,
    ),
    "one beneficiary bound again": (
        SignalKind.BENEFICIARY_CHURN,
        lambda: a_churn((1, 1, 1, 1, 1)),
        0,
    ),
    "five in a long life": (
        SignalKind.BENEFICIARY_CHURN,
        lambda: a_churn((1, 2, 3, 4, 5), apart=300 * DAY),
        0,
    ),
    "treated after a known death": (
        SignalKind.AFTER_DEATH,
        lambda: a_late_bill(NOON + 3 * DAY, is_told_first=True),
        1,
    ),
    "treated after a death told later": (
        SignalKind.AFTER_DEATH,
        lambda: a_late_bill(NOON + DAY, is_told_first=False),
        1,
    ),
    "treated before, settled after": (
        SignalKind.AFTER_DEATH,
        lambda: a_late_bill(NOON - HOUR, is_told_first=False),
        0,
    ),
    "thrice just under the cap": (
        SignalKind.JUST_UNDER_CAP,
        lambda: under_a_cap(9_900, 9_500, 9_999),
        1,
    ),
    "at the cap, the cap did its work": (
        SignalKind.JUST_UNDER_CAP,
        lambda: under_a_cap(10_000, 10_000, 10_000),
        0,
    ),
    "well under the cap": (
        SignalKind.JUST_UNDER_CAP,
        lambda: under_a_cap(9_499, 9_499, 9_499),
        0,
    ),
    "just under it once a month": (
        SignalKind.JUST_UNDER_CAP,
        lambda: under_a_cap(9_900, 9_900, 9_900, apart=20 * DAY),
        0,
    ),
    "no cap": (
        SignalKind.JUST_UNDER_CAP,
        lambda: under_a_cap(9_900, 9_900, 9_900, cap_fen=None),
        0,
    ),
    "thrice to the fen": (
        SignalKind.EXACT_BALANCE,
        lambda: to_the_fen((123, 123, 0), (777, 777, 0), (50, 50, 0)),
        1,
    ),
    "drained, the rest in cash": (
        SignalKind.EXACT_BALANCE,
        lambda: to_the_fen((123, 123, 5), (777, 777, 9), (50, 50, 1)),
        0,
    ),
    "to the fen, but not always": (
        SignalKind.EXACT_BALANCE,
        lambda: to_the_fen((123, 123, 0), (10, 777, 0), (777, 777, 0), (5, 5, 0)),
        0,
    ),
    "thrice given back within hours": (
        SignalKind.QUICK_REFUND,
        lambda: given_back(3, HOUR),
        1,
    ),
    "given back after weeks": (SignalKind.QUICK_REFUND, lambda: given_back(3, 14 * DAY), 0),
    "given back twice": (SignalKind.QUICK_REFUND, lambda: given_back(2, HOUR), 0),
    "given back once a season": (
        SignalKind.QUICK_REFUND,
        lambda: given_back(3, HOUR, apart=60 * DAY),
        0,
    ),
    "the oldest of 65 bills given back": (
        SignalKind.QUICK_REFUND,
        lambda: given_back_late(65, 1),
        0,
    ),
    "the oldest three of 64 given back": (
        SignalKind.QUICK_REFUND,
        lambda: given_back_late(61, 3),
        1,
    ),
    "thrice at night in one shop": (
        SignalKind.NIGHT_HOURS,
        lambda: at_hours(LAST_HOURS, FIRST_HOURS, LAST_HOURS),
        1,
    ),
    "emergencies at night": (
        SignalKind.NIGHT_HOURS,
        lambda: at_hours(LAST_HOURS, FIRST_HOURS, LAST_HOURS, place=CLINIC),
        0,
    ),
    "early and late, not at night": (
        SignalKind.NIGHT_HOURS,
        lambda: at_hours(NOON.replace(hour=5), NOON.replace(hour=22, minute=59), NOON),
        0,
    ),
    "three patients at night": (
        SignalKind.NIGHT_HOURS,
        lambda: at_hours(LAST_HOURS, LAST_HOURS, LAST_HOURS, patients=(1, 2, 3)),
        0,
    ),
    "a shop far above its peers": (SignalKind.AID_SHARE, lambda: a_month((90, 10, 12, 8)), 1),
    "all shops alike": (SignalKind.AID_SHARE, lambda: a_month((90, 88, 91, 90)), 0),
    "too few bills to tell": (SignalKind.AID_SHARE, lambda: a_month((90, 10, 12, 8), bills=5), 0),
    "the month goes on": (
        SignalKind.AID_SHARE,
        lambda: a_month((90, 10, 12, 8), is_over=False),
        0,
    ),
    "three parents": (
        SignalKind.KINSHIP_CONTRADICTION,
        lambda: relatives((2, PARENT), (3, PARENT), (4, PARENT)),
        1,
    ),
    "two spouses": (
        SignalKind.KINSHIP_CONTRADICTION,
        lambda: relatives((2, SPOUSE), (3, SPOUSE)),
        1,
    ),
    "married again": (
        SignalKind.KINSHIP_CONTRADICTION,
        lambda: relatives((2, SPOUSE), (2, None), (3, SPOUSE), (4, PARENT), (5, PARENT)),
        0,
    ),
    "shown for months": (SignalKind.LENT_CREDENTIAL, lambda: shown_on(0, 20, 40, 60, 80, 95), 1),
    "shown often in one illness": (
        SignalKind.LENT_CREDENTIAL,
        lambda: shown_on(0, 1, 2, 3, 4, 5, 6, 7),
        0,
    ),
    "shown now and then": (SignalKind.LENT_CREDENTIAL, lambda: shown_on(0, 45, 95), 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_planted_case_is_found_and_its_look_alike_is_not(case: str) -> None:
    """Each rule fires once for its own story, and for none that only looks like it."""
    kind, story, times = CASES[case]
    found = story().found()

    assert times == len([signal for signal in found if signal.kind is kind]), found


def test_every_rule_has_a_planted_case_and_a_look_alike() -> None:
    """No rule of the journals or of the months is without both; each speaks two languages."""
    journals = {*RULES, SignalKind.AID_SHARE}
    assert journals == {kind for kind, _, times in CASES.values() if times}
    assert journals == {kind for kind, _, times in CASES.values() if not times}
    assert set(SignalKind) == set(LIMITS) == journals | {SignalKind.CREDENTIAL_MISMATCH}
    assert {kind.value for kind in SignalKind} == set(TEXTS)


def test_a_signal_carries_its_evidence() -> None:
    """Accounts, settlements, places and positions lead to what shows it; figures say how much."""
    plot = a_drained_binding()
    (signal,) = plot.found()

    assert (SignalKind.DRAINED_BINDING, len(plot.told)) == (signal.kind, signal.position)
    assert (person(9), person(1)) == signal.accounts
    assert (an_id("stl", 1), an_id("stl", 2)) == signal.settlements
    assert (SHOP,) == signal.places
    assert {bond(9)} | set(signal.settlements) == {
        plot.told[position - 1][0] for position in signal.positions
    }
    assert {"had_fen": 10_000, "gave_fen": 9_500} == signal.figures


def everything() -> Plot:
    """Every story of the cases, one after the other, each with people of its own."""
    plot = Plot(told=opened(1, 2, 3))
    for _, story, _ in CASES.values():
        plot.told += story().told
    return plot


@pytest.mark.thorough
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=8))
def test_how_the_log_is_cut_into_batches_changes_nothing(cuts: Sequence[int]) -> None:
    """Judged in any batches, a log shows the same signals as judged whole."""
    facts = everything().facts()
    known = SignalState(homes={}, owners={}, months={}, journals={}, newest="")
    found: list[Signal] = []
    edges = sorted({0, *cuts, len(facts)})
    for start, end in itertools.pairwise(edges):
        found += evaluate(known, observe(known, facts[start:end]))

    assert found_in(facts) == found


def test_a_death_is_told_of_its_day_in_beijing() -> None:
    """A bill on the evening of the last day is no bill after death, whatever day it is in UTC."""
    plot = Plot().open_shops()
    plot.tell(person(1), a_death(date(2026, 3, 2)))
    plot.pay(1, NOON.replace(hour=23), own=(100, 900))
    assert [] == plot.found()
    plot.pay(1, (NOON + DAY).replace(hour=0, minute=1), own=(100, 900))

    assert [SignalKind.AFTER_DEATH] == [signal.kind for signal in plot.found()]
