"""An institution's books against ours: whoever is right, every row is told once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.reconciliation.fsi_statement import (
    BillVerdict,
    Booked,
    StatedSums,
    StatementRow,
    agrees,
    compare,
)
from aggregates.vocabulary import StreamId


def an_entry(number: int, fen: int = 1000, *, is_refund: bool = False) -> StatementRow:
    sign = -1 if is_refund else 1
    stream = StreamId(f"stl_{number:032x}")
    return StatementRow(stream, is_refund, sign * fen, sign * fen // 2, sign * 400, sign * 500)


def as_booked(entry: StatementRow) -> Booked:
    sums = (entry.total_fen, entry.fund_fen, entry.account_fen)
    return Booked(entry.settlement, "n", "v", "p", entry.is_refund, *sums)


entries = st.lists(st.integers(0, 50), unique=True, max_size=10).map(
    lambda numbers: (
        [an_entry(n) for n in numbers]
        + [an_entry(n, is_refund=True) for n in numbers if n % 3 == 0]
    )
)


@given(entries, st.data())
def test_every_row_is_told_once(ours: list[StatementRow], data: st.DataObject) -> None:
    """Any part of our rows booked: they are equal, the others ours alone, strangers theirs."""
    kept = data.draw(st.lists(st.sampled_from(ours), unique=True) if ours else st.just([]))
    strangers = [
        Booked(None, "x", "v", "p", is_refund=False, total_fen=1, fund_fen=1, account_fen=1)
    ] * data.draw(st.integers(0, 3))
    told = compare(ours, [*map(as_booked, kept), *strangers])
    verdicts = [one.verdict for one in told]

    assert len(kept) == verdicts.count(BillVerdict.EQUAL)
    assert len(ours) - len(kept) == verdicts.count(BillVerdict.OURS_ONLY)
    assert len(strangers) == verdicts.count(BillVerdict.THEIRS_ONLY)
    assert [] == [one for one in told if one.verdict is BillVerdict.DIFFERENT]


@given(entries)
def test_true_books_agree(ours: list[StatementRow]) -> None:
    """Sums of all rows, counted as rows or as what stands; left-out refunds either way."""
    sums = (sum(e.total_fen for e in ours), sum(e.fund_fen for e in ours))
    for account in (sum(e.account_fen for e in ours), sum(e.beside_fen for e in ours)):
        assert agrees(ours, StatedSums(len(ours), *sums, account), without_refunds=False)
        assert not agrees(
            ours, StatedSums(len(ours), sums[0] + 1, sums[1], account), without_refunds=False
        )
    bills = [entry for entry in ours if not entry.is_refund]
    whole = (sum(e.total_fen for e in bills), sum(e.fund_fen for e in bills), None)
    assert agrees(ours, StatedSums(len(bills), *whole), without_refunds=True)


@pytest.mark.parametrize("change", ["total_fen", "fund_fen", "account_fen"])
def test_a_fen_more_is_different(change: str) -> None:
    """Each of the three sums counts."""
    entry = an_entry(1)
    booked = as_booked(entry)
    wrong = booked._replace(**{change: getattr(booked, change) + 1})
    (told,) = compare([entry], [wrong])

    assert BillVerdict.DIFFERENT is told.verdict


def test_a_bill_that_is_booked_twice_is_theirs_the_second_time() -> None:
    """The first is equal; the second nobody here knows."""
    entry = an_entry(1)
    told = compare([entry], [as_booked(entry), as_booked(entry)])

    assert [BillVerdict.EQUAL, BillVerdict.THEIRS_ONLY] == [one.verdict for one in told]


@given(entries, st.data())
def test_left_out_refunds_are_no_rows(ours: list[StatementRow], data: st.DataObject) -> None:
    """Of either side; a bill that was given back whole is a row only if they have it."""
    bills = [entry for entry in ours if not entry.is_refund]
    gone = {entry.settlement for entry in ours if entry.is_refund}
    kept = data.draw(st.lists(st.sampled_from(bills), unique=True) if bills else st.just([]))
    refunds = [as_booked(entry) for entry in ours if entry.is_refund]
    told = compare(ours, [*map(as_booked, kept), *refunds], without_refunds=True)
    missing = [entry for entry in bills if entry not in kept and entry.settlement not in gone]

    assert {*kept} == {one.entry for one in told if one.verdict is BillVerdict.EQUAL}
    assert missing == [one.entry for one in told if one.verdict is BillVerdict.OURS_ONLY]
    assert len(kept) + len(missing) == len(told)


def test_a_bill_given_back_in_part_is_still_a_row() -> None:
    """Where refunds are left out too: it stands, and they do not have it."""
    part = an_entry(1)._replace(is_refund=True, total_fen=-10, fund_fen=0, account_fen=-10)
    (told,) = compare([an_entry(1), part], [], without_refunds=True)

    assert (BillVerdict.OURS_ONLY, an_entry(1)) == (told.verdict, told.entry)
