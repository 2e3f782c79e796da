"""The deduction order's version changes exactly when the order does, for every history."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.events import OrderChanged, SponsorLinked, SponsorUnlinked
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account
from aggregates.binding.deduction_order import CurrentOrder, change_order, current_order
from aggregates.vocabulary import Relation, StreamId
from tests.aggregates.binding.grants import NOW, an_account

MANY = 12
KINDS = ["bind", "release", "lapse", "sweep", "order"]
STEPS = st.tuples(st.sampled_from(KINDS), st.integers(0, 9))


class Life:
    """A beneficiary whose sponsors are linked, unlinked, and expire with and without an event."""

    def __init__(self) -> None:
        """Begin without sponsors."""
        self.account: Account = an_account()
        self.lapsed: set[StreamId] = set()
        self.bound = 0

    def current(self) -> CurrentOrder:
        """The order of the sponsors whose grant has not expired."""
        live = tuple(s for s in self.account.sponsors if s.binding not in self.lapsed)
        return current_order(self.account, live)

    def take(self, do: str, which: int) -> None:
        """Apply one change, if there is a sponsor for it."""
        linked = [link.binding for link in self.account.sponsors]
        live = [binding for binding in linked if binding not in self.lapsed]
        overdue = [binding for binding in linked if binding in self.lapsed]
        if do == "bind":
            self._bind()
        elif do == "release" and live:
            self._fold(SponsorUnlinked(binding=live[which % len(live)]))
        elif do == "lapse" and live:
            self.lapsed.add(live[which % len(live)])
        elif do == "sweep" and overdue:
            gone = SponsorUnlinked(binding=overdue[which % len(overdue)])
            self._fold(gone)
            self._fold(gone)  # recorded by the other side too
        elif do == "order":
            self._order(live[which % (len(live) + 1) :] + live[: which % (len(live) + 1)])

    def _bind(self) -> None:
        self.bound += 1
        self._fold(
            SponsorLinked(
                binding=StreamId(f"bnd_{self.bound}"),
                sponsor=StreamId(f"acc_{self.bound % 3}"),
                relation=Relation.PARENT,
                parent=None,
                linked_at=NOW.at + timedelta(seconds=self.bound),
            )
        )

    def _order(self, bindings: list[StreamId]) -> None:
        live = tuple(s for s in self.account.sponsors if s.binding not in self.lapsed)
        self._fold(change_order(self.account, live, bindings, self.current().version))

    def _fold(self, event: AccountEvent) -> None:
        self.account = evolve(self.account, event)


def check_step(life: Life, do: str, which: int) -> None:
    """The version rises exactly if the order changes or is set again."""
    before = life.current()
    life.take(do, which)
    after = life.current()
    has_moved = before.sponsors != after.sponsors or do == "order"
    assert has_moved == (after.version > before.version)
    assert after.version >= before.version


@given(st.lists(STEPS, max_size=60))
def test_the_version_moves_with_the_order(steps: list[tuple[str, int]]) -> None:
    """A different order has a higher version; the same order the same one, unless set again."""
    life = Life()
    for do, which in steps:
        check_step(life, do, which)


@given(st.lists(STEPS, max_size=60))
def test_all_live_sponsors_stand_in_the_order_once(steps: list[tuple[str, int]]) -> None:
    """A later sponsor follows the named ones; a former sponsor is not in the order."""
    life = Life()
    for do, which in steps:
        life.take(do, which)
        order, named = life.current().sponsors, life.account.order or ()
        if order is None:
            assert 0 == life.current().version
            continue
        live = [link for link in life.account.sponsors if link.binding not in life.lapsed]
        assert sorted(live) == sorted(order)
        first = [link.binding for link in order if link.binding in named]
        assert first == [binding for binding in named if binding in first]
        later = [link for link in order if link.binding not in named]
        assert [*order[: len(first)], *sorted(later, key=lambda s: s.linked_at)] == [*order]


@pytest.mark.parametrize("seed", range(3))
def test_a_long_life_keeps_the_law(seed: int) -> None:
    """Thousands of events on one account, never more than a dozen sponsors at once."""
    life, number = Life(), seed
    for _ in range(3_000):
        number = (number * 1_103_515_245 + 12_345) % 2**31  # a repeatable walk
        kinds = KINDS if len(life.account.sponsors) < MANY else KINDS[1:]
        check_step(life, kinds[(number >> 16) % len(kinds)], number >> 8)

    assert life.bound > MANY
    assert life.current().version > MANY


def test_an_invitation_that_ends_moves_no_order() -> None:
    """Unlinking a person who is no sponsor does not change the order."""
    account = evolve(an_account(), OrderChanged(bindings=()))
    gone = evolve(account, SponsorUnlinked(binding=StreamId("bnd_never")))

    assert 1 == account.order_version == gone.order_version
