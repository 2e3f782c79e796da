"""What holds of the model itself, whatever the rules, the money and the bills."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.money_model import family, holding, laws, refunds, settling
from tests.money_model.bills import Bill, Line, need_of
from tests.money_model.cascade import prorate
from tests.money_model.chance import CATEGORIES, PARTS, easy_rules, fens, hard_rules
from tests.money_model.money import Money
from tests.money_model.rules import Rules
from tests.money_model.towns import town
from tests.money_model.world import World

moneys = st.builds(Money, fens, fens)
lines = st.lists(
    st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(PARTS), fens), min_size=1, max_size=5
)
asked = st.integers(0, 400) | lines
purses = st.lists(moneys, min_size=1, max_size=4)
shares = st.lists(st.integers(0, 100), min_size=1, max_size=3)


def bill_of(said: int | list[tuple[str, str, int]], visit: str = "v") -> Bill:
    if isinstance(said, int):
        return Bill("A", visit, said)
    return Bill("A", visit, tuple(Line(str(at), *one) for at, one in enumerate(said)))


def world_of(rules: Rules, moneys: list[Money]) -> World:
    names = ["A", *(f"S{number}" for number in range(1, len(moneys)))]
    world = town(dict.fromkeys(names, "0.00"), rules)
    for name, money in zip(names, moneys, strict=True):
        assert not world.credit(name, money)
    for number, binding in world.bindings.items():
        binding.bound_at += timedelta(minutes=number)
    return world


def part(world: World, percent: int) -> int:
    """So many hundredths of what stays of the settlement."""
    stays = world.settled["k"].stays
    return (stays.own + stays.aid + stays.cash) * percent // 100


@given(rules=easy_rules, purses=purses, said=asked, percents=shares)
def test_what_stays_is_the_smaller_bill(
    rules: Rules, purses: list[Money], said: int | list[tuple[str, str, int]], percents: list[int]
) -> None:
    """I7: after refunds everybody has paid what he would have paid of the rest alone."""
    world, again = world_of(rules, purses), world_of(rules, purses)
    assert not settling.settle(world, "k", bill_of(said))
    for percent in percents:
        assert not refunds.refund(world, "k", part(world, percent))
        laws.check(world)
    back = world.settled["k"].back
    rest: int | list[tuple[str, str, int]] = (
        said - sum(back.values())
        if isinstance(said, int)
        else [(*line[:2], line[2] - back.get(str(at), 0)) for at, line in enumerate(said)]
    )
    assert not settling.settle(again, "k", bill_of(rest))

    was, now = world.settled["k"].stays, again.settled["k"].split
    assert [s.money for s in now.shares] == [s.money for s in was.shares]
    assert now.cash == was.cash
    assert [p.money for p in again.people.values()] == [p.money for p in world.people.values()]


@given(rules=easy_rules, purses=purses, said=st.integers(0, 400), percent=st.integers(0, 100))
def test_of_a_bill_in_scope_the_last_payer_gets_back_first(
    rules: Rules, purses: list[Money], said: int, percent: int
) -> None:
    """I7: without lines a refund is cash first, then the last sponsor, own money last."""
    world = world_of(rules, purses)
    assert not settling.settle(world, "k", bill_of(said))
    was, back = world.settled["k"].split, part(world, percent)
    assert not refunds.refund(world, "k", back)
    stays = world.settled["k"].stays

    amounts = [*(share.money.fen for share in was.shares), was.cash]
    expected: list[int] = []
    for amount in reversed(amounts):
        expected.insert(0, amount - min(amount, back))
        back -= amount - expected[0]
    assert expected == [*(share.money.fen for share in stays.shares), stays.cash]


@given(rules=hard_rules, purses=purses, said=asked, percents=shares, capture=st.integers(0, 120))
def test_no_fen_is_lost(
    rules: Rules,
    purses: list[Money],
    said: int | list[tuple[str, str, int]],
    percents: list[int],
    capture: int,
) -> None:
    """Held, captured, refunded, cancelled: every law holds, and in the end all is back."""
    world = world_of(rules, purses)
    before = [person.money for person in world.people.values()]
    asked = bill_of(said)
    assert not holding.hold(world, "h", asked, timedelta(hours=1))
    laws.check(world)
    exceeds = capture > 100
    final = asked._replace(lines=asked.personal + 1 if exceeds else asked.personal * capture // 100)
    done = not holding.capture(world, "h", "k", final)
    assert done == (not exceeds)
    if exceeds:
        assert not settling.settle(world, "k", asked)
    for percent in percents:
        refunds.refund(world, "k", part(world, percent))
        laws.check(world)
    assert not settling.cancel(world, "k")
    laws.check(world)

    assert before == [person.money for person in world.people.values()]
    assert 0 == family.spent(world, "year", ("PER_BENEFICIARY", "A"), None)


@given(rules=hard_rules, purses=purses, said=asked, percent=st.integers(0, 100))
def test_a_proportional_refund_is_exact(
    rules: Rules, purses: list[Money], said: int | list[tuple[str, str, int]], percent: int
) -> None:
    """To the fen, no more than was paid, and within one fen of everybody's proportion."""
    world = world_of(rules, purses)
    asked = bill_of(said)
    split = settling.plan(world, asked)
    total = need_of(asked, rules, {}).fen
    fen = total * percent // 100
    stays = prorate(split, fen) if total else split

    assert total - fen == stays.own + stays.aid + stays.cash
    for was, now in zip(split.shares, stays.shares, strict=True):
        back = was.money.fen - now.money.fen
        assert 0 <= back <= was.money.fen
        assert abs(back * total - was.money.fen * fen) < max(1, total)
