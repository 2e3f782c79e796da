"""Compare an institution's statement of some days with the ledger (对总账、对明细账).

A settled bill is one row and its refund another. A reversed bill (冲正) has no row on either
side. Amounts in fen, negative for money that was returned.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from aggregates.vocabulary import StreamId


class BillVerdict(StrEnum):
    """The result of comparing one row."""

    EQUAL = "EQUAL"
    OURS_ONLY = "OURS_ONLY"
    THEIRS_ONLY = "THEIRS_ONLY"
    DIFFERENT = "DIFFERENT"


class StatementRow(NamedTuple):
    """A row of the ledger: a bill, or with `is_refund` its refund.

    `beside_fen` is another sum that an institution may book as paid from accounts.
    """

    settlement: StreamId
    is_refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int
    beside_fen: int


class Booked(NamedTuple):
    """A row of the institution; `settlement` is None if the ledger has no such bill."""

    settlement: StreamId | None
    number: str
    visit: str
    person_no: str
    is_refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class Compared(NamedTuple):
    """A row of one side or both, with its verdict."""

    verdict: BillVerdict
    entry: StatementRow | None
    booked: Booked | None


class StatedSums(NamedTuple):
    """An institution's sums in fen; None is a sum that it does not state."""

    bills: int | None
    total_fen: int | None
    fund_fen: int | None
    account_fen: int | None


def agrees(entries: Sequence[StatementRow], stated: StatedSums, *, without_refunds: bool) -> bool:
    """Whether stated sums are the ledger's. Without refunds, refunded bills may count or not.

    Institutions count a refunded bill as nothing or as two rows: both are right.
    """
    bills = [entry for entry in entries if not entry.is_refund]
    readings = [(entries, {len(entries), 2 * len(bills) - len(entries)})]
    if without_refunds:
        gone = {entry.settlement for entry in entries if entry.is_refund}
        standing = [entry for entry in bills if entry.settlement not in gone]
        readings = [(bills, {len(bills)}), (standing, {len(standing)})]
    return any(_has_sums(rows, counts, stated) for rows, counts in readings)


def _has_sums(rows: Sequence[StatementRow], counts: set[int], stated: StatedSums) -> bool:
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
    """Every row of both sides once: the ledger's in their order, then the institution's own.

    Without refunds no refund is a row, and a fully refunded bill is one only if the institution
    has it: institutions list such a bill or leave it out, and both are right.
    """
    if without_refunds:
        entries, booked = _without_refunds(list(entries), list(booked))
    theirs: dict[tuple[StreamId | None, bool], list[Booked]] = {}
    unmatched: list[Booked] = []
    for row in booked:
        if row.settlement is None:
            unmatched.append(row)
        else:
            theirs.setdefault((row.settlement, row.is_refund), []).append(row)
    compared: list[Compared] = []
    for entry in entries:
        rows = theirs.pop((entry.settlement, entry.is_refund), [])
        if not rows:
            compared.append(Compared(BillVerdict.OURS_ONLY, entry, None))
            continue
        first, *again = rows
        compared.append(Compared(_verdict(entry, first), entry, first))
        unmatched += again  # a second row of the same bill is the institution's alone
    unmatched += [row for rows in theirs.values() for row in rows]
    return compared + [Compared(BillVerdict.THEIRS_ONLY, None, row) for row in unmatched]


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
