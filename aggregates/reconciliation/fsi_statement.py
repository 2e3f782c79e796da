"""An institution's books of some days held against ours, bill by bill (对总账、对明细账).

A bill that was settled and given back is a row and a row the other way round. One that was
reversed (冲正) never was, for both sides. Amounts in fen, negative where money went back.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from aggregates.vocabulary import StreamId


class BillVerdict(StrEnum):
    """How a bill stands in both books."""

    EQUAL = "EQUAL"
    OURS_ONLY = "OURS_ONLY"
    THEIRS_ONLY = "THEIRS_ONLY"
    DIFFERENT = "DIFFERENT"


class StatementRow(NamedTuple):
    """A row of ours: a bill, or with `is_refund` what went back of it.

    `beside_fen` is another sum that an institution may book as paid from accounts.
    """

    settlement: StreamId
    is_refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int
    beside_fen: int


class Booked(NamedTuple):
    """A row of theirs. `settlement` is None where we know of no such bill."""

    settlement: StreamId | None
    number: str
    visit: str
    person_no: str
    is_refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class Compared(NamedTuple):
    """A row of either side or both, and what came of it."""

    verdict: BillVerdict
    entry: StatementRow | None
    booked: Booked | None


class StatedSums(NamedTuple):
    """Sums that an institution states; None where it did not."""

    bills: int | None
    total_fen: int | None
    fund_fen: int | None
    account_fen: int | None


def agrees(entries: Sequence[StatementRow], stated: StatedSums, *, without_refunds: bool) -> bool:
    """Whether stated sums are ours: of what stands, or where refunds are left out, of all bills.

    Institutions count a refunded bill as nothing, or as two rows: both are right.
    """
    bills = [entry for entry in entries if not entry.is_refund]
    readings = [(entries, {len(entries), 2 * len(bills) - len(entries)})]
    if without_refunds:
        gone = {entry.settlement for entry in entries if entry.is_refund}
        standing = [entry for entry in bills if entry.settlement not in gone]
        readings = [(bills, {len(bills)}), (standing, {len(standing)})]
    return any(_is(rows, counts, stated) for rows, counts in readings)


def _is(rows: Sequence[StatementRow], counts: set[int], stated: StatedSums) -> bool:
    accounts = {sum(r.account_fen for r in rows), sum(r.beside_fen for r in rows)}
    return (
        stated.bills in {None, *counts}
        and stated.total_fen in (None, sum(r.total_fen for r in rows))
        and stated.fund_fen in (None, sum(r.fund_fen for r in rows))
        and stated.account_fen in {None, *accounts}
    )


def compare(
    entries: Iterable[StatementRow], booked: Iterable[Booked], *, without_refunds: bool = False
) -> list[Compared]:
    """Every row of both sides once: ours in their order, then what only they have.

    Where refunds are left out no refund is a row, and a bill that was given back whole is one
    only if they have it: institutions leave it out or keep it, and both are right.
    """
    if without_refunds:
        entries, booked = _without_refunds(list(entries), list(booked))
    theirs: dict[tuple[StreamId | None, bool], list[Booked]] = {}
    strangers: list[Booked] = []
    for row in booked:
        if row.settlement is None:
            strangers.append(row)
        else:
            theirs.setdefault((row.settlement, row.is_refund), []).append(row)
    met: list[Compared] = []
    for entry in entries:
        rows = theirs.pop((entry.settlement, entry.is_refund), [])
        if not rows:
            met.append(Compared(BillVerdict.OURS_ONLY, entry, None))
            continue
        first, *again = rows
        met.append(Compared(_verdict(entry, first), entry, first))
        strangers += again  # a bill that is booked twice is theirs alone the second time
    strangers += [row for rows in theirs.values() for row in rows]
    return met + [Compared(BillVerdict.THEIRS_ONLY, None, row) for row in strangers]


def _without_refunds(
    entries: Sequence[StatementRow], booked: Sequence[Booked]
) -> tuple[list[StatementRow], list[Booked]]:
    left_fen: dict[StreamId, int] = {}
    for entry in entries:
        left_fen[entry.settlement] = left_fen.get(entry.settlement, 0) + entry.total_fen
    gone = {e.settlement for e in entries if e.is_refund and left_fen[e.settlement] == 0}
    theirs = [row for row in booked if not row.is_refund]
    gone -= {row.settlement for row in theirs if row.settlement is not None}
    return [e for e in entries if not e.is_refund and e.settlement not in gone], theirs


def _verdict(entry: StatementRow, row: Booked) -> BillVerdict:
    is_same = (entry.total_fen, entry.fund_fen) == (row.total_fen, row.fund_fen)
    is_account = row.account_fen in (entry.account_fen, entry.beside_fen)
    return BillVerdict.EQUAL if is_same and is_account else BillVerdict.DIFFERENT
