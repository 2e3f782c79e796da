"""A solver finds by itself which rules make one more sponsor cost cash, and proves the rest."""

from random import Random  # noqa: TID251 -- a fixed seed makes the bills of this test
from typing import Any

import pytest
import z3

from aggregates.binding.deduction_order import SET_BY_HAND
from aggregates.policy.choices import (
    AccountUnused,
    OrderMissing,
    OwnAllocation,
    SinglePayerShortfall,
)
from aggregates.settlement.bill import bill_of
from aggregates.settlement.family import payers_of
from aggregates.vocabulary import BindingStatus, Reason
from tests.aggregates.settlement import smt
from tests.aggregates.settlement.families import SHIPPED, an_edition
from tests.aggregates.settlement.test_remedies import a_bill_under

PLACES = [(count, at) for count in (2, 3) for at in range(count)]
CLOSED = {Reason.ORDER_NOT_SET}


@pytest.mark.parametrize(("count", "at"), PLACES)
def test_without_a_named_key_no_sponsor_costs_cash(count: int, at: int) -> None:
    """Proven for all amounts: no family of two or three, whoever of them is one more."""
    solver = z3.Solver()
    solver.add(smt.one_more_costs(count, at))
    solver.add(*(z3.Not(named) for named in smt.named_keys(smt.sponsors_of(count)).values()))

    assert z3.unsat == solver.check()


@pytest.mark.parametrize("key", smt.named_keys(smt.sponsors_of(2)))
def test_the_solver_finds_a_family_for_each_named_key(key: str) -> None:
    """With that key alone it finds a family that pays more by a sponsor: the SKIP among them."""
    named = smt.named_keys(smt.sponsors_of(2))
    solver = z3.Solver()
    solver.add(z3.Or(*(smt.one_more_costs(2, at) for at in range(2))))
    solver.add(*(z3.Not(term) for other, term in named.items() if other != key))

    assert z3.sat == solver.check()
    assert z3.is_true(solver.model().eval(named[key], model_completion=True))


@pytest.mark.deepened
def test_the_model_agrees_with_the_decision(request: pytest.FixtureRequest) -> None:
    """On generated bills of families and editions: own money, every sponsor, and cash."""
    count = 10_000 if request.config.getoption("--slow") else 200
    dice = Random(20_260_302)  # noqa: S311 -- no secret
    compared = 0
    while compared < count:
        edition = dice.choice([*SHIPPED, *(an_edition(dice) for _ in range(9))])
        told = a_bill_under(edition, dice)
        if bill_of(told.claim, edition.items).by_mask is not None:
            continue  # rules of buckets are not in the model
        compared += 1
        split = told.split()
        values, sponsors = values_of(told)
        model = smt.split_terms(smt.BILL, sponsors, smt.RULES, smt.ORDER_SET)
        found = [as_number(term, values) for term in (model.own, *model.aid, model.cash)]
        paid = [share.current_fen + share.prior_fen for share in split.payers]
        assert [*paid, split.cash_fen] == found, told


def as_number(term: Any, values: list[tuple[Any, Any]]) -> int:  # noqa: ANN401 -- z3 ships no types
    number: int = z3.simplify(z3.substitute(term, *values)).as_long()
    return number


def values_of(told: Any) -> tuple[list[tuple[Any, Any]], tuple[smt.SponsorTerms, ...]]:  # noqa: ANN401
    """The values of all variables for one bill, from what the decision is given."""
    family, edition = told.family, told.family.edition
    bill, payers = bill_of(told.claim, edition.items), payers_of(family, told.place, told.now)
    live = [
        link
        for link in family.account.sponsors
        if family.sponsors[link.sponsor].binding.status_at(told.now) is BindingStatus.ACTIVE
    ]
    order, sponsors = edition.order, smt.sponsors_of(len(payers.sponsors))
    most, common = order.max_payers_per_settlement, payers.aid_limit
    covers = SinglePayerShortfall.SKIP_TO_FIRST_THAT_COVERS
    closed = payers.aid_reason not in {None, *CLOSED} or bill.aid_closed is not None
    values: list[tuple[Any, object]] = [
        (smt.BILL.personal, bill.personal_fen),
        (smt.BILL.shared, bill.shared_fen),
        (smt.BILL.own_only, bill.own_only_fen),
        (smt.BILL.own_available, payers.own.available_fen),
        (smt.BILL.uses_account, bill.use_account),
        (
            smt.BILL.unused_stops_aid,
            edition.money.account_unused_means is AccountUnused.NO_ACCOUNT_NO_AID,
        ),
        (
            smt.BILL.ineligible_first,
            edition.money.own_allocation is OwnAllocation.INELIGIBLE_FIRST,
        ),
        (smt.BILL.closed, closed),
        (smt.RULES.by_hand, order.order_strategy in SET_BY_HAND and len(live) > 1),
        (smt.RULES.missing_skips, order.order_missing is not OrderMissing.FALLBACK),
        (smt.RULES.has_payers_max, most is not None),
        (smt.RULES.payers_max, most or 1),
        (smt.RULES.must_cover, order.single_payer_shortfall is covers),
        (smt.RULES.has_common_cap, common is not None),
        (smt.RULES.common_cap, common.left_fen if common else 0),
        (smt.ORDER_SET, family.account.order is not None),
    ]
    for terms, purse in zip(sponsors, payers.sponsors, strict=True):
        values += [
            (terms.closed, purse.reason is not None),
            (terms.available, purse.available_fen),
            (terms.has_cap, purse.limit_fen is not None),
            (terms.cap, purse.limit_fen or 0),
            (terms.skips, not purse.clamps),
        ]
    return [(term, as_term(value)) for term, value in values], sponsors


def as_term(value: object) -> Any:  # noqa: ANN401
    return z3.BoolVal(value) if isinstance(value, bool) else z3.IntVal(value)
