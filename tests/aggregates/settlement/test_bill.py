"""Which part of a bill may be paid by whom (policy.md §3.2 `item_category_rule`, S09, S13, S14)."""

import pytest

from aggregates.account.state import AMOUNT_MAX_FEN
from aggregates.policy.choices import PayableBy
from aggregates.policy.edition import ItemTerms
from aggregates.refusals import (
    AmountMismatchError,
    AmountOutOfRangeError,
    LinesMismatchError,
    RefusalError,
)
from aggregates.settlement.bill import PayableParts, bill_of, personal_of
from aggregates.settlement.events import READING, Claim
from aggregates.vocabulary import Category, Part
from tests.aggregates.settlement.bills import a_claim, a_line
from tests.aggregates.settlement.families import P0

BOTH, OWN, NONE = PayableBy.OWN_AND_AID, PayableBy.OWN, PayableBy.NONE


@pytest.mark.parametrize(
    ("claim", "error"),
    [
        (a_claim(-1), AmountOutOfRangeError),
        (a_claim(AMOUNT_MAX_FEN + 1), AmountOutOfRangeError),
        (a_claim(100, fund_pay_fen=-1), AmountOutOfRangeError),
        (a_claim(100, fund_pay_fen=AMOUNT_MAX_FEN + 1), AmountOutOfRangeError),
        (a_claim(10, lines=(a_line(-5), a_line(15))), AmountOutOfRangeError),
        (a_claim(100, fund_pay_fen=101), AmountMismatchError),
        (a_claim(10_001, fund_pay_fen=7_501, lines=(a_line(2_501),)), LinesMismatchError),
        (a_claim(100, lines=()), LinesMismatchError),
    ],
)
def test_a_bill_that_does_not_add_up_is_refused(claim: Claim, error: type[RefusalError]) -> None:
    """Amounts are within their bounds and parts sum to the whole; nothing is rounded."""
    with pytest.raises(RefusalError) as refusal:
        bill_of(claim, P0.items)

    assert error is type(refusal.value)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (a_claim(0), 0),
        (a_claim(100, fund_pay_fen=100), 0),
        (a_claim(0, lines=()), 0),
        (a_claim(12_850, fund_pay_fen=6_425), 6_425),
        (a_claim(AMOUNT_MAX_FEN), AMOUNT_MAX_FEN),
        (a_claim(100, fund_pay_fen=40, lines=(a_line(60), a_line(0))), 60),
    ],
)
def test_the_personal_part_is_the_total_less_the_fund(claim: Claim, expected: int) -> None:
    """What the fund pays comes in and is never computed here (I1)."""
    assert expected == personal_of(claim)


def test_without_lines_everything_may_be_paid_by_all() -> None:
    """The whole personal part is in scope."""
    expected = PayableParts(
        personal_fen=60, shared_fen=60, own_only_fen=0, use_account=True, reading=READING
    )

    assert expected == bill_of(a_claim(100, fund_pay_fen=40), P0.items)


@pytest.mark.parametrize(
    ("category", "part", "shared_fen", "own_only_fen"),
    [
        (BOTH, BOTH, 60, 0),
        (BOTH, OWN, 0, 60),
        (OWN, BOTH, 0, 60),
        (OWN, OWN, 0, 60),
        (NONE, BOTH, 0, 0),
        (BOTH, NONE, 0, 0),
        (NONE, OWN, 0, 0),
        (OWN, NONE, 0, 0),
        (NONE, NONE, 0, 0),
    ],
)
def test_the_narrower_of_category_and_part_decides(
    category: PayableBy, part: PayableBy, shared_fen: int, own_only_fen: int
) -> None:
    """A line may be paid by whoever both allow."""
    items = ItemTerms(
        item_category_rule={Category.DRUG: category}, item_part_rule={Part.IN_SCOPE: part}
    )

    assert PayableParts(60, shared_fen, own_only_fen, True, READING) == bill_of(  # noqa: FBT003
        a_claim(60, lines=(a_line(60),)), items
    )


@pytest.mark.parametrize(
    ("category", "part"), [(Category.VACCINE, Part.IN_SCOPE), (Category.DRUG, Part.OVER_LIMIT)]
)
def test_what_the_region_does_not_list_nobody_pays(category: Category, part: Part) -> None:
    """A category or part that is not listed is not payable."""
    items = ItemTerms(
        item_category_rule={Category.DRUG: BOTH}, item_part_rule={Part.IN_SCOPE: BOTH}
    )
    bill = bill_of(a_claim(60, lines=(a_line(60, category, part),)), items)

    assert (60, 0, 0) == (bill.personal_fen, bill.shared_fen, bill.own_only_fen)


def test_lines_are_sorted_one_by_one() -> None:
    """Lines of three kinds are added up by who may pay them (S94, S95)."""
    lines = (
        a_line(4_500),
        a_line(1_000, Category.DEVICE, Part.FULL_SELF_PAY),
        a_line(1_990, Category.OTHER),
    )

    assert PayableParts(7_490, 4_500, 1_000, False, READING) == bill_of(  # noqa: FBT003
        a_claim(7_490, lines=lines, use_account=False), P0.items
    )
