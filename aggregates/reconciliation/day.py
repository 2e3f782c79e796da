"""A day's bills of ours held against an institution's own list of them (对账).

Every bill that one side knows is in exactly one class or equal on both sides (reliability.md
I16, policy.md S64). Amounts in fen. The order of the institution's list changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from aggregates.vocabulary import SettlementStatus, StreamId

TAKEN_BACK = frozenset({SettlementStatus.CANCELLED, SettlementStatus.REVERSED})
"""A bill that stands so counts for nothing: it is no difference whether it is listed."""


class BillTotals(NamedTuple):
    """How many bills, and what they come to: whole, and who paid which part, in fen."""

    bills: int
    total_fen: int
    fund_pay_fen: int
    own_fen: int
    aid_fen: int
    cash_fen: int

    def plus(self, other: "BillTotals") -> "BillTotals":
        """Both together."""
        return BillTotals(*(one + more for one, more in zip(self, other, strict=True)))

    def negated(self) -> "BillTotals":
        """The same the other way round."""
        return BillTotals(*(-one for one in self))


NOTHING = BillTotals(0, 0, 0, 0, 0, 0)


def together(sums: Iterable[BillTotals]) -> BillTotals:
    """All of them added up."""
    whole = NOTHING
    for one in sums:
        whole = whole.plus(one)
    return whole


class Totals(NamedTuple):
    """A day's sums as an institution has them, in fen; None where it did not say."""

    bills: int | None = None
    total_fen: int | None = None
    fund_pay_fen: int | None = None
    own_fen: int | None = None
    aid_fen: int | None = None
    cash_fen: int | None = None


def agrees(ours: BillTotals, stated: Totals) -> bool:
    """Whether all that the institution said of a day is so, to the fen."""
    return all(said is None or said == fen for fen, said in zip(ours, stated, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerBill:
    """A bill of ours as it stands at a day's end; `key_digest` names the key it came under.

    What was taken back on the day is not in its sums any more.
    """

    settlement: StreamId
    key_digest: str
    status: SettlementStatus
    sums: BillTotals


class ListedBill(NamedTuple):
    """One line of an institution's list: named by its settlement, its key, or both."""

    settlement: str | None
    key: str | None
    key_digest: str | None
    status: SettlementStatus
    total_fen: int
    aid_fen: int


class Listing(NamedTuple):
    """All that an institution lists of one bill: `times` lines, their amounts together.

    `status` is None where its lines do not agree.
    """

    settlement: str | None
    key: str | None
    status: SettlementStatus | None
    total_fen: int
    aid_fen: int
    times: int


class BillMismatch(StrEnum):
    """In what the two sides differ about a bill: one class for each bill, the first that fits."""

    DUPLICATE = "DUPLICATE"
    SERVICE_ONLY = "SERVICE_ONLY"
    INSTITUTION_ONLY = "INSTITUTION_ONLY"
    STATUS = "STATUS"
    AMOUNT = "AMOUNT"


class BillDifference(NamedTuple):
    """A bill that is not the same on both sides."""

    unlike: BillMismatch
    bill: LedgerBill | None
    listing: Listing | None


class Comparison(NamedTuple):
    """How many of our bills are equal, and every difference.

    Differences stand in the order of our bills, then what only the institution lists, by name.
    """

    equal: int
    differences: tuple[BillDifference, ...]


def compare(bills: Sequence[LedgerBill], items: Iterable[ListedBill]) -> Comparison:
    """Hold our bills of a day against an institution's list. Never stops at a difference.

    A line is the bill with its `settlement`, else the one with its key. A line that is listed
    again is DUPLICATE, whatever else may be wrong with it. A bill that we know as taken back
    whole counts for nothing, so it need not be listed, and its amounts are not compared.
    """
    listed, strangers = _matched(bills, items)
    met = [_held_against(bill, listed.get(bill.settlement)) for bill in bills]
    found = [difference for difference in met if difference is not None]
    for name in sorted(strangers):
        listing = _listing(strangers[name])
        unlike = BillMismatch.DUPLICATE if listing.times > 1 else BillMismatch.INSTITUTION_ONLY
        found.append(BillDifference(unlike, None, listing))
    return Comparison(met.count(None), tuple(found))


ListedBills = dict[str, list[ListedBill]]


def _matched(
    bills: Sequence[LedgerBill], items: Iterable[ListedBill]
) -> tuple[ListedBills, ListedBills]:
    """Lines by the bill of ours that they name; and the strangers among them, by their name."""
    by_id: Mapping[str, LedgerBill] = {bill.settlement: bill for bill in bills}
    by_key = {bill.key_digest: bill for bill in bills if bill.key_digest}
    listed: ListedBills = {}
    strangers: list[ListedBill] = []
    for item in items:
        bill = by_id.get(item.settlement or "") or by_key.get(item.key_digest or "")
        if bill is None:
            strangers.append(item)
        else:
            listed.setdefault(bill.settlement, []).append(item)
    return listed, _by_name(strangers)


def _by_name(strangers: Sequence[ListedBill]) -> ListedBills:
    """Lines by settlement; a line with a key alone joins the one that has both."""
    settlements: dict[str, str] = {}
    for item in strangers:
        if item.key is not None and item.settlement is not None:
            known = settlements.setdefault(item.key, item.settlement)
            settlements[item.key] = min(known, item.settlement)
    named: ListedBills = {}
    for item in strangers:
        key = item.key or ""
        alone = f"settlement {settlements[key]}" if key in settlements else f"key {key}"
        name = f"settlement {item.settlement}" if item.settlement is not None else alone
        named.setdefault(name, []).append(item)
    return named


def _held_against(bill: LedgerBill, lines: list[ListedBill] | None) -> BillDifference | None:
    is_taken_back = bill.status in TAKEN_BACK
    if lines is None:
        return None if is_taken_back else BillDifference(BillMismatch.SERVICE_ONLY, bill, None)
    listing = _listing(lines)
    if listing.times > 1:
        return BillDifference(BillMismatch.DUPLICATE, bill, listing)
    if listing.status is not bill.status:
        return BillDifference(BillMismatch.STATUS, bill, listing)
    ours = (bill.sums.total_fen, bill.sums.aid_fen)
    if ours != (listing.total_fen, listing.aid_fen) and not is_taken_back:
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
