"""A day's bills held against an institution's list: the classes, and what holds of any lists."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.reconciliation.day import (
    NOTHING,
    VOID,
    BillMismatch,
    BillTotals,
    Comparison,
    LedgerBill,
    ListedBill,
    Totals,
    agrees,
    compare,
    together,
)
from aggregates.vocabulary import SettlementStatus, StreamId

SETTLED, CANCELLED = SettlementStatus.SETTLED, SettlementStatus.CANCELLED
STATUSES = [s for s in SettlementStatus if s is not SettlementStatus.REFUSED]


def a_bill(
    number: int = 1, total_fen: int = 8000, aid_fen: int = 0, status: SettlementStatus = SETTLED
) -> LedgerBill:
    sums = BillTotals(1, total_fen, 0, 0, aid_fen, total_fen - aid_fen)
    return LedgerBill(
        settlement=StreamId(f"stl_{number}"),
        key_digest=f"digest of k{number}",
        status=status,
        sums=NOTHING if status in VOID else sums,
    )


def an_item(
    settlement: str | None = "stl_1",
    key: str | None = None,
    total_fen: int = 8000,
    aid_fen: int = 0,
    status: SettlementStatus = SETTLED,
) -> ListedBill:
    return ListedBill(settlement, key, key and f"digest of {key}", status, total_fen, aid_fen)


def listed_of(bill: LedgerBill) -> ListedBill:
    return ListedBill(
        bill.settlement, None, None, bill.status, bill.sums.total_fen, bill.sums.aid_fen
    )


GONE = a_bill(status=CANCELLED)
PAIRS: dict[str, tuple[list[LedgerBill], list[ListedBill], list[str]]] = {
    "nothing on either side": ([], [], []),
    "named by the settlement": ([a_bill()], [an_item()], []),
    "named by the key": ([a_bill()], [an_item(None, "k1")], []),
    "named by both": ([a_bill()], [an_item("stl_1", "k1")], []),
    "named by a later key": ([a_bill()], [an_item("stl_1", "retry")], []),
    "named by an unknown settlement and its key": ([a_bill()], [an_item("stl_9", "k1")], []),
    "not listed": ([a_bill()], [], ["SERVICE_ONLY"]),
    "not known": ([], [an_item()], ["INSTITUTION_ONLY"]),
    "a key of nobody": ([a_bill()], [an_item(None, "k9")], ["SERVICE_ONLY", "INSTITUTION_ONLY"]),
    "another total": ([a_bill()], [an_item(total_fen=8001)], ["AMOUNT"]),
    "another aid": ([a_bill()], [an_item(aid_fen=1)], ["AMOUNT"]),
    "another status": ([a_bill()], [an_item(status=CANCELLED)], ["STATUS"]),
    "status and amount": ([a_bill()], [an_item(status=CANCELLED, total_fen=0)], ["STATUS"]),
    "taken back, and not listed": ([GONE], [], []),
    "taken back on both sides": ([GONE], [an_item(status=CANCELLED)], []),
    "taken back here, listed as paid": ([GONE], [an_item()], ["STATUS"]),
    "listed twice": ([a_bill()], [an_item(), an_item()], ["DUPLICATE"]),
    "listed by settlement and by key": (
        [a_bill()],
        [an_item(), an_item(None, "k1")],
        ["DUPLICATE"],
    ),
    "listed twice with other sums": ([a_bill()], [an_item(), an_item(total_fen=1)], ["DUPLICATE"]),
    "a stranger listed twice": ([], [an_item(None, "k9"), an_item(None, "k9")], ["DUPLICATE"]),
    "a stranger by both and by key": (
        [],
        [an_item(None, "k9"), an_item("stl_9", "k9")],
        ["DUPLICATE"],
    ),
    "two strangers": ([], [an_item("stl_8"), an_item("stl_9", "k9")], ["INSTITUTION_ONLY"] * 2),
}


@pytest.mark.parametrize(("bills", "items", "expected"), PAIRS.values(), ids=PAIRS)
def test_each_bill_is_in_one_class(
    bills: list[LedgerBill], items: list[ListedBill], expected: list[str]
) -> None:
    """What is listed by settlement or key is compared; the first class that fits is told."""
    compared = compare(bills, items)

    assert expected == [difference.mismatch for difference in compared.differences]
    ours = sum(difference.bill is not None for difference in compared.differences)
    assert len(bills) == compared.equal + ours


def test_the_one_bill_that_the_institution_lost_is_found() -> None:
    """S64: 100 items of 8000.00 against 101 of 8044.25 is exactly the item of 44.25."""
    bills = [a_bill(number) for number in range(100)]
    lost = a_bill(100, total_fen=4425, aid_fen=4425)
    compared = compare([*bills, lost], [listed_of(bill) for bill in bills])

    ((mismatch, bill, listing),) = compared.differences
    assert (BillMismatch.SERVICE_ONLY, lost, None, 100) == (mismatch, bill, listing, compared.equal)
    ours = together(bill.sums for bill in (*bills, lost))
    assert (101, 804425) == (ours.bills, ours.total_fen)


def test_a_difference_shows_what_the_lines_say_together() -> None:
    """Lines of one bill are one difference: so often, with their sums; a status if they agree."""
    lines = [an_item(key="b", aid_fen=1), an_item(key="a", status=CANCELLED, total_fen=5)]
    ((_, bill, listing),) = compare([a_bill()], lines).differences

    assert a_bill() == bill
    assert listing is not None
    assert ("stl_1", "a", None) == (listing.settlement, listing.key, listing.status)
    assert (8005, 1, 2) == (listing.total_fen, listing.aid_fen, listing.times)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (Totals(), True),
        (Totals(2, 300, 100, 50, 60, 90), True),
        (Totals(2, 300), True),
        (Totals(1, 300), False),
        (Totals(2, 299), False),
        (Totals(2, 300, 100, 50, 60, 91), False),
        (Totals(aid_fen=0), False),
    ],
)
def test_totals_agree_to_the_fen(stated: Totals, expected: bool) -> None:  # noqa: FBT001
    """What the institution said is compared, what it did not say is not."""
    assert expected == agrees(BillTotals(2, 300, 100, 50, 60, 90), stated)


# ------------------------------------------------------------------ of any two lists

fens = st.integers(0, 3)
statuses = st.sampled_from(STATUSES)
bills_of_a_day = st.lists(
    st.builds(a_bill, st.integers(0, 7), fens, st.just(0), statuses),
    unique_by=lambda bill: bill.settlement,
    max_size=8,
)


@st.composite
def items_of_a_day(draw: st.DrawFn) -> ListedBill:
    """A line that often names one of our bills; what was taken back comes to nothing."""
    number, other = draw(st.integers(0, 11)), draw(st.integers(0, 11))
    names = [(f"stl_{number}", None), (None, f"k{number}"), (f"stl_{number}", f"k{other}")]
    settlement, key = draw(st.sampled_from(names))
    status = draw(statuses)
    total_fen = 0 if status in VOID else draw(fens)
    return an_item(settlement, key, total_fen, min(total_fen, draw(fens)), status)


lists_of_a_day = st.lists(items_of_a_day(), max_size=12)


def money(compared: Comparison) -> int:
    """What the differences come to: theirs less ours."""
    return sum(
        (d.listing.total_fen if d.listing else 0) - (d.bill.sums.total_fen if d.bill else 0)
        for d in compared.differences
    )


@given(bills_of_a_day, lists_of_a_day)
def test_the_classes_are_disjoint_and_cover_everything(
    bills: Sequence[LedgerBill], items: Sequence[ListedBill]
) -> None:
    """Each of our bills is equal or in one difference, each line in one class (I16)."""
    compared = compare(bills, items)
    ours = Counter(d.bill.settlement for d in compared.differences if d.bill)
    lines = sum(d.listing.times for d in compared.differences if d.listing)

    assert {1} >= set(ours.values())
    assert len(bills) == compared.equal + len(ours)
    assert 0 <= len(items) - lines <= compared.equal
    for mismatch, bill, listing in compared.differences:
        assert bill is not None or mismatch in (
            BillMismatch.INSTITUTION_ONLY,
            BillMismatch.DUPLICATE,
        )
        assert bill is None or mismatch is not BillMismatch.INSTITUTION_ONLY
        assert (listing is None) == (mismatch is BillMismatch.SERVICE_ONLY)
        assert (mismatch is BillMismatch.DUPLICATE) == (listing is not None and listing.times > 1)


@given(bills_of_a_day, lists_of_a_day)
def test_the_differences_explain_the_totals_to_the_fen(
    bills: Sequence[LedgerBill], items: Sequence[ListedBill]
) -> None:
    """Theirs less ours is what the differences come to, so what is equal agrees (I16)."""
    ours = sum(bill.sums.total_fen for bill in bills)
    theirs = sum(item.total_fen for item in items)

    assert theirs - ours == money(compare(bills, items))


@given(st.data(), bills_of_a_day, lists_of_a_day)
def test_the_order_of_the_list_changes_nothing(
    data: st.DataObject, bills: Sequence[LedgerBill], items: Sequence[ListedBill]
) -> None:
    """Twice, or in any order, the same list has the same answer (I16, F44)."""
    shuffled = data.draw(st.permutations(items))

    assert compare(bills, items) == compare(bills, items) == compare(bills, shuffled)


@given(bills_of_a_day)
def test_our_own_list_is_equal(bills: Sequence[LedgerBill]) -> None:
    """Who lists what we have differs in nothing."""
    compared = compare(bills, [listed_of(bill) for bill in bills])

    assert Comparison(len(bills), ()) == compared
