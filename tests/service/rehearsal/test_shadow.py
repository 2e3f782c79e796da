"""An edition in shadow is decided beside the live one, and changes nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from aggregates.policy.edition import in_force, in_shadow
from service.context import furnish
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from service.regions.canonical import canonical, from_canonical
from service.regions.policy_checks import unsound
from service.rehearsal.shadow import Shadow
from service.settlement.settle import settle
from tests.aggregates.settlement.families import P0
from tests.bench.families import HOSPITAL, Family, bill, families, move_in, settling
from tests.cases.outcome import StoppedClock
from tests.service.rehearsal.lives import BEGAN_AT, KEYS
from tests.service.rehearsal.rehearsing import book_of

DAY = BEGAN_AT.date()
LATER = DAY + timedelta(days=30)
SHADOW = replace(
    P0,
    id="p0/shadow",
    effective_on=LATER,
    shadow_from=DAY,
    money=replace(P0.money, reserve_fen=14_500),
)


async def settled_beside(
    bills_max: int = 100,
    **changes: Any,  # noqa: ANN401 -- members of an edition
) -> tuple[Shadow, list[Any], int]:
    """Nine families' bills under P0 with an edition in shadow; what was told, and the log's end."""
    clock = StoppedClock()
    clock.at = BEGAN_AT
    context = furnish(MemoryStore(), KEYS, book_of((P0, replace(SHADOW, **changes))), clock)
    await publish(context)
    people: list[Family] = families(9)
    await move_in(context, people)
    told: list[Any] = []
    shadow = Shadow(context, told.append, bills_max)
    assert shadow.is_wanted()
    for number in range(4):
        for family in people:
            request = settling(HOSPITAL, f"{family.patient}-{number}")
            reply = await settle(context, request, bill(family, number))
            assert b'"policy_edition":"p0/2020-01"' in reply.answer
    end = await context.store.position()
    await shadow.look()
    assert end == await context.store.position() == shadow.position
    await shadow.look()
    await context.close()
    return shadow, told, end


async def test_bills_are_counted_and_differences_told() -> None:
    """Every bill once; a line where it would cost another sum, which stays the bill's whole."""
    shadow, told, _ = await settled_beside()

    assert 36 == shadow.decided["p0/shadow"]
    assert 0 < shadow.changed["p0/shadow"] == len(told) < 36
    for line in told:
        assert ["p0/shadow"] == line["editions"]
        assert line["recorded_fen"] != line["shadow_fen"]
        assert sum(line["recorded_fen"].values()) == sum(line["shadow_fen"].values())
        assert line["shadow_fen"]["cash"] > line["recorded_fen"]["cash"]


async def test_a_bound_stops_it() -> None:
    """After so many bills the edition is not tried any more."""
    shadow, _, _ = await settled_beside(bills_max=5)

    assert 5 == shadow.decided["p0/shadow"]
    assert shadow.is_over(SHADOW)


async def test_before_its_day_nothing_is_tried() -> None:
    """The shadow begins on its day."""
    shadow, told, _ = await settled_beside(shadow_from=DAY + timedelta(days=1))

    assert not shadow.decided
    assert [] == told


async def test_the_same_rules_differ_nowhere() -> None:
    """An edition that says the same has counts and no difference."""
    shadow, told, _ = await settled_beside(money=P0.money)

    assert (36, 0, []) == (shadow.decided["p0/shadow"], shadow.changed["p0/shadow"], told)


def test_a_shadow_ends_where_its_edition_begins() -> None:
    """From its day the edition is in force, and in no shadow; until then it is only in shadow."""
    both = (P0, SHADOW)
    eve = LATER - timedelta(days=1)

    assert (P0, SHADOW) == (in_force(both, eve), in_shadow(both, eve))
    assert (SHADOW, None) == (in_force(both, LATER), in_shadow(both, LATER))
    assert SHADOW == from_canonical(canonical(SHADOW))
    assert b"shadow" not in canonical(P0)
    assert [] == list(unsound(SHADOW))
    late = replace(SHADOW, shadow_from=LATER)
    assert [("shadow_from", "is not before effective_on")] == list(unsound(late))
