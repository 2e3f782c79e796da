"""Compare the ledger's bills of a day with an institution's list of them (对账).

Every bill of either side is in exactly one class, or equal on both sides (reliability.md I16,
policy.md S64). Amounts in fen. The order of the institution's list does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from typing import NamedTuple

from aggregates.vocabulary import SettlementStatus, StreamId

VOID = frozenset({SettlementStatus.CANCELLED, SettlementStatus.REVERSED})
"""A bill with such a status counts for nothing: whether it is listed is no difference."""


class BillTotals(NamedTuple):
    """The number of bills, their total in fen, and each payer's part of it."""

    bills: int
    total_fen: int
    fund_pay_fen: int
    own_fen: int
    aid_fen: int
    cash_fen: int

    def plus(self, other: "BillTotals") -> "BillTotals":
        """The sum of both."""
        return BillTotals(*(mine + more for mine, more in zip(self, other, strict=True)))

    def negated(self) -> "BillTotals":
        """Every number with the other sign."""
        return BillTotals(*(-number for number in self))


NOTHING = BillTotals(0, 0, 0, 0, 0, 0)


def together(sums: Iterable[BillTotals]) -> BillTotals:
    """The sum of all."""
    return reduce(BillTotals.plus, sums, NOTHING)


class Totals(NamedTuple):
    """A day's sums by the institution, in fen; None is a sum that it does not state."""

    bills: int | None = None
    total_fen: int | None = None
    fund_pay_fen: int | None = None
    own_fen: int | None = None
    aid_fen: int | None = None
    cash_fen: int | None = None


def agrees(ours: BillTotals, stated: Totals) -> bool:
    """Whether every stated sum is the ledger's, to the fen."""
    return all(their in (None, our) for our, their in zip(ours, stated, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBill:
    """A bill of the ledger at a day's end; `key_digest` is that of its Idempotency-Key.

    Amounts returned on the same day are subtracted from its sums.
    """

    settlement: StreamId
    key_digest: str
    status: SettlementStatus
    sums: BillTotals


class ListedBill(NamedTuple):
    """One line of an institution's list, identified by its settlement, its key, or both."""

    settlement: str | None
    key: str | None
    key_digest: str | None
    status: SettlementStatus
    total_fen: int
    aid_fen: int


class Listing(NamedTuple):
    """All lines of one bill in an institution's list: `times` lines and their summed amounts.

    `status` is None if the lines have different ones.
    """

    settlement: str | None
    key: str | None
    status: SettlementStatus | None
    total_fen: int
    aid_fen: int
    times: int


class BillMismatch(StrEnum):
    """How the two sides differ about a bill: the first class that fits."""

    DUPLICATE = "DUPLICATE"
    SERVICE_ONLY = "SERVICE_ONLY"
    INSTITUTION_ONLY = "INSTITUTION_ONLY"
    STATUS = "STATUS"
    AMOUNT = "AMOUNT"


class BillDifference(NamedTuple):
    """A bill that differs between the two sides."""

    mismatch: BillMismatch
    bill: LedgerBill | None
    listing: Listing | None


class Comparison(NamedTuple):
    """How many of the ledger's bills are equal, and every difference.

    Differences are in the order of the ledger's bills, then by name what only the list has.
    """

    equal: int
    differences: tuple[BillDifference, ...]


def compare(bills: Sequence[LedgerBill], items: Iterable[ListedBill]) -> Comparison:
    """Compare a day's bills with an institution's list.

    A line belongs to the bill of its `settlement`, else of its key. A bill with several lines
    is DUPLICATE, whatever else differs. A cancelled or reversed bill need not be listed, and
    its amounts are not compared.
    """
    listed, unmatched = _matched(bills, items)
    compared = [_difference(bill, listed.get(bill.settlement)) for bill in bills]
    differences = [difference for difference in compared if difference is not None]
    for name in sorted(unmatched):
        listing = _listing(unmatched[name])
        mismatch = BillMismatch.DUPLICATE if listing.times > 1 else BillMismatch.INSTITUTION_ONLY
        differences.append(BillDifference(mismatch, None, listing))
    return Comparison(compared.count(None), tuple(differences))


ListedBills = dict[str, list[ListedBill]]


def _matched(
    bills: Sequence[LedgerBill], items: Iterable[ListedBill]
) -> tuple[ListedBills, ListedBills]:
    """Lines by the ledger's bill that they name, and by name the lines of no such bill."""
    by_id: Mapping[str, LedgerBill] = {bill.settlement: bill for bill in bills}
    by_key = {bill.key_digest: bill for bill in bills if bill.key_digest}
    listed: ListedBills = {}
    unmatched: list[ListedBill] = []
    for item in items:
        bill = by_id.get(item.settlement or "") or by_key.get(item.key_digest or "")
        if bill is None:
            unmatched.append(item)
        else:
            listed.setdefault(bill.settlement, []).append(item)
    return listed, _by_name(unmatched)


def _by_name(lines: Sequence[ListedBill]) -> ListedBills:
    """Lines by settlement; a line with only a key joins the line that has both."""
    settlements: dict[str, str] = {}
    for item in lines:
        if item.key is not None and item.settlement is not None:
            earlier = settlements.setdefault(item.key, item.settlement)
            settlements[item.key] = min(earlier, item.settlement)
    named: ListedBills = {}
    for item in lines:
        key = item.key or ""
        alone = f"settlement {settlements[key]}" if key in settlements else f"key {key}"
        name = f"settlement {item.settlement}" if item.settlement is not None else alone
        named.setdefault(name, []).append(item)
    return named


def _difference(bill: LedgerBill, lines: list[ListedBill] | None) -> BillDifference | None:
    is_void = bill.status in VOID
    if lines is None:
        return None if is_void else BillDifference(BillMismatch.SERVICE_ONLY, bill, None)
    listing = _listing(lines)
    if listing.times > 1:
        return BillDifference(BillMismatch.DUPLICATE, bill, listing)
    if listing.status is not bill.status:
        return BillDifference(BillMismatch.STATUS, bill, listing)
    ours = (bill.sums.total_fen, bill.sums.aid_fen)
    if ours != (listing.total_fen, listing.aid_fen) and not is_void:
        return BillDifference(BillMismatch.AMOUNT, bill, listing)
    return None


def _listing(lines: Sequence[ListedBill]) -> Listing:
    statuses = {line.status for line in lines}
    return Listing(
        settlement=min((line.settlement for line in lines if line.settlement), default=None),
        key=min((line.key for line in lines if line.key), default=None),
        status=statuses.pop() if len(statuses) == 1 else None,
        total_fen=sum(line.total_fen for line in lines),
        aid_fen=sum(line.aid_fen for line in lines),
        times=len(lines),
    )
