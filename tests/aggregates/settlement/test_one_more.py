"""One more sponsor never means more cash, save where `policy check` names the key."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from aggregates.binding.deduction_order import SET_BY_HAND
from aggregates.policy.choices import (
    CapOnExceed,
    CapScope,
    CapSetBy,
    OrderMissing,
    OrderStrategy,
    SinglePayerShortfall,
)
from aggregates.policy.edition import Edition
from aggregates.settlement.family import Family
from aggregates.settlement.settlement import split_claim
from aggregates.vocabulary import StreamId
from service.regions.one_more import costs_of_one_more
from tests.aggregates.settlement.families import P0, SHIPPED, Told, tellings

EASY = replace(
    P0,
    order=replace(
        P0.order,
        max_payers_per_settlement=None,
        order_missing=OrderMissing.FALLBACK,
        order_fallback=OrderStrategy.BIND_TIME_ASC,
    ),
)
SKIP_ORDER = replace(EASY, order=replace(EASY.order, order_missing=OrderMissing.SKIP))
ONE_PAYER = replace(
    EASY,
    order=replace(
        EASY.order, max_payers_per_settlement=1, order_strategy=OrderStrategy.BIND_TIME_DESC
    ),
)
ONE_THAT_COVERS = replace(
    ONE_PAYER,
    order=replace(
        ONE_PAYER.order, single_payer_shortfall=SinglePayerShortfall.SKIP_TO_FIRST_THAT_COVERS
    ),
)
SKIP_CAP = replace(
    EASY,
    money=replace(
        EASY.money,
        cap_per_day_fen=12_000,
        cap_scope=CapScope.PER_BENEFICIARY,
        cap_set_by=CapSetBy.REGION,
        cap_on_exceed=CapOnExceed.SKIP,
    ),
)
NAMED = {
    "order.order_missing": SKIP_ORDER,
    "order.max_payers_per_settlement": ONE_PAYER,
    "money.cap_on_exceed": SKIP_CAP,
}


def named(edition: Edition) -> list[str]:
    return [key for key, _ in costs_of_one_more(edition)]


def without(family: Family, sponsor_id: StreamId) -> Family:
    """The family before that sponsor was bound."""
    link = family.sponsors[sponsor_id].link
    order = family.account.order
    account = family.account._replace(
        sponsors=tuple(other for other in family.account.sponsors if other != link),
        order=None if order is None else tuple(b for b in order if b != link.binding),
    )
    sponsors = {who: s for who, s in family.sponsors.items() if who != sponsor_id}
    return family._replace(account=account, sponsors=sponsors)


def costs_more(told: Told) -> bool:
    """Whether some sponsor of the family makes the patient pay more than without him."""
    return any(
        split_claim(told.claim, without(told.family, who), told.place, told.now).split.cash_fen
        < told.split.cash_fen
        for who in told.family.sponsors
    )


def under(told: Told, edition: Edition) -> Told:
    """The same told under one edition of the patient and all sponsors."""
    sponsors = {who: s._replace(edition=edition) for who, s in told.family.sponsors.items()}
    family = told.family._replace(edition=edition, sponsors=sponsors)
    split = split_claim(told.claim, family, told.place, told.now).split
    return told._replace(family=family, split=split)


def cannot_be(family: Family) -> bool:
    """Whether the region would have refused the second sponsor of this family."""
    order = family.edition.order
    by_hand = order.order_strategy in SET_BY_HAND and family.account.order is None
    return by_hand and order.order_missing is OrderMissing.REJECT_BINDING


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_one_more_sponsor_never_means_more_cash(data: st.DataObject) -> None:
    """Under shipped and random editions whose keys `policy check` does not name."""
    told = data.draw(tellings(data.draw(st.sampled_from([None, None, *SHIPPED]))))
    editions = [told.family.edition, *(s.edition for s in told.family.sponsors.values())]
    shared = told.family.edition.money.cap_scope is CapScope.PER_BENEFICIARY
    skips = any(e.money.cap_on_exceed is CapOnExceed.SKIP for e in editions)
    if named(told.family.edition) or (shared and skips) or cannot_be(told.family):
        return

    assert not costs_more(told)


@pytest.mark.slow
@pytest.mark.parametrize("edition", [*SHIPPED, ONE_THAT_COVERS])
def test_every_edition_is_monotonic_or_named(edition: Edition) -> None:
    """Each edition by itself, for many families of it."""
    if named(edition):
        return

    @settings(max_examples=3_000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(told=tellings(edition))
    def law(told: Told) -> None:
        told = under(told, edition)
        assert cannot_be(told.family) or not costs_more(told)

    law()


@pytest.mark.parametrize("key", NAMED)
def test_each_named_key_can_cost_cash(key: str) -> None:
    """Under an edition with one named key, a sponsor makes some family pay more."""
    assert [key] == named(NAMED[key])

    told = find(
        tellings(NAMED[key]),
        lambda told: costs_more(under(told, NAMED[key])),
        settings=settings(max_examples=3_000, deadline=None, database=None),
    )

    assert costs_more(under(told, NAMED[key]))


def test_the_harmless_words_are_not_named() -> None:
    """SKIP where no cap is common or nobody sets the order, and one payer who covers the bill."""
    nobody_sets = replace(
        SKIP_ORDER.order, order_strategy=OrderStrategy.BIND_TIME_DESC, order_fallback=None
    )
    own_cap = replace(SKIP_CAP.money, cap_scope=CapScope.PER_BINDING)

    assert [] == named(EASY)
    assert [] == named(replace(SKIP_ORDER, order=nobody_sets))
    assert [] == named(replace(SKIP_CAP, money=own_cap))
    assert [] == named(ONE_THAT_COVERS)
