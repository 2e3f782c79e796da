"""Folds and read models in memory, over long lives and over the extremes of every field."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import pytest

from aggregates.topics import CLASSES, Event
from projections import binding, credential_link, premium, visit
from projections.account import corrections, patient_bills, statement_entries
from projections.audit.evaluation import SignalState, evaluate, observe
from projections.kit.recorded_event import RecordedEvent
from projections.settlement import movements, settlements
from service.ledger.codec import KINDS, TOPIC_PREFIX, EventRow, Recorded, decode, kind_of
from tests.projections.recorded_families import BEGAN_US
from tests.service.ledger.extreme_events import extremes, opening_of
from tests.service.ledger.long_lives import Life
from tests.service.ledger.odd_logs import odd_log
from tests.service.ledger.stored_events import STORED

ROW_PER_STREAM = (
    binding.evolve,
    credential_link.evolve,
    visit.evolve,
    corrections.evolve,
    settlements.evolve,
)
IN_TIME = (date.min.year, date.max.year)


def facts_of(rows: Iterable[EventRow]) -> list[Recorded]:
    """Rows as facts, a second apart."""
    facts: list[Recorded] = []
    for position, row in enumerate(rows, 1):
        act, event = (told := decode(row.topic, row.state)).act, told.event
        at_us = BEGAN_US + position * 1_000_000
        facts.append(Recorded(position, at_us, row.stream, row.version, act, event))
    return facts


def row_per_stream(
    evolve: Callable[[Any, RecordedEvent], Any], facts: Sequence[RecordedEvent]
) -> list[RecordedEvent]:
    """Fold facts into rows; those that made it fail."""
    rows: dict[str, Any] = {}
    failed: list[RecordedEvent] = []
    for fact in facts:
        try:
            rows[fact.stream] = evolve(rows.get(fact.stream), fact)
        except OverflowError:
            failed.append(fact)
    return failed


def everything_else(facts: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The same for the read models that keep something else than a row per stream."""
    balances: dict[str, statement_entries.RunningBalance] = {}
    stands: dict[str, movements.BillBalance] = {}
    waits: dict[Any, int] = {}
    failed: list[RecordedEvent] = []
    for fact in facts:
        patient_bills.evolve(fact)
        premium.evolve(waits, fact)
        entry = statement_entries.evolve(balances.get(fact.stream, statement_entries.NOTHING), fact)
        if entry is not None:
            balances[fact.stream] = entry.balance
        try:
            move = movements.evolve(stands.get(fact.stream), fact)
        except OverflowError:
            failed.append(fact)
            continue
        if move is not None:
            stands[fact.stream] = movements.BillBalance(
                move.institution, move.settled_on, move.sums
            )
    return failed


def judged(facts: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The same for the auditors' rules, each fact judged by itself."""
    known = SignalState(homes={}, owners={}, months={}, journals={}, newest="")
    failed: list[RecordedEvent] = []
    for fact in facts:
        try:
            evaluate(known, observe(known, [fact]))
        except OverflowError:
            failed.append(fact)
    return failed


@pytest.mark.parametrize("topic", STORED)
def test_every_fold_takes_every_extreme(topic: str) -> None:
    """Right behind the beginning of its stream; a fold never judges."""
    evolve = KINDS[TOPIC_PREFIX[topic.partition(".")[0]]].evolve
    opening = opening_of(topic)
    begun = None if topic == opening else evolve(None, STORED[opening])

    found = [evolve(begun, event) for event in extremes(topic)]

    assert None not in found


def test_every_topic_has_extremes() -> None:
    """Of every event that is stored; those without members have none."""
    empty = {topic for topic, event in CLASSES.items() if not event.__dataclass_fields__}
    assert empty == {topic for topic in CLASSES if not list(extremes(topic))}


@pytest.mark.parametrize("rounds", [75])
def test_a_long_life_is_taken_whole(rounds: int) -> None:
    """Thousands of events of one person, whatever came before each of them."""
    facts = facts_of(Life().rows(rounds))

    assert 1000 < sum(fact.stream.startswith("acc_") for fact in facts)
    assert {type(fact.event) for fact in facts} == set(CLASSES.values())
    assert [] == everything_else(facts)
    assert [] == judged(facts)
    for evolve in ROW_PER_STREAM:
        assert [] == row_per_stream(evolve, facts)


@pytest.mark.slow
def test_a_life_of_five_thousand_events_is_taken_whole() -> None:
    """The same for a person who never ends."""
    test_a_long_life_is_taken_whole(320)


def test_extremes_fail_by_their_moments_alone() -> None:
    """What has no day in Beijing cannot be shown on one; nothing else is too much for a rule."""
    log = odd_log((topic, event) for topic in STORED for event in extremes(topic))
    facts = facts_of(log.rows)
    failed = [*everything_else(facts), *judged(facts)]
    for evolve in ROW_PER_STREAM:
        failed += row_per_stream(evolve, facts)

    assert {fact.position for fact in failed} <= log.odd.keys()
    assert all(any(year in _years(fact.event) for year in IN_TIME) for fact in failed)


def _years(event: Event) -> set[int]:
    """The years of every moment that an event or its claim tells."""
    parts = [event, getattr(event, "claim", None)]
    told = [getattr(p, name) for p in parts if p for name in p.__dataclass_fields__]
    return {value.year for value in told if isinstance(value, date)}


def test_a_life_folds_to_what_its_streams_are() -> None:
    """What does not fold is what no rule allows: a refund of a bill that was taken back."""
    states: dict[str, Any] = {}
    failed: set[str] = set()
    for row in Life().rows(75):
        try:
            event = decode(row.topic, row.state).event
            states[row.stream] = kind_of(row.stream).evolve(states.get(row.stream), event)
        except AssertionError:
            failed.add(row.topic)

    assert failed <= {"settlement.part-refunded/1"}
