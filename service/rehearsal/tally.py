"""What a rehearsal adds up: who pays how much more under the draft, and the largest changes.

Amounts are in whole fen. What goes back counts as paid less, so that the sums are what remains
paid. Held money is not counted: its settlement is.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from aggregates.vocabulary import StreamId

LARGEST = 10
SELF = "SELF"
"""The relation under which the patient's own account is counted."""
PAYERS = ("own", "aid", "cash", "premium")
"""What a sum is paid from; a premium is from a sponsor's account."""
Amounts = tuple[int, int, int, int]
"""Fen by `PAYERS`."""
NOTHING: Amounts = (0, 0, 0, 0)


class BillCost(NamedTuple):
    """What a decision costs whom, and why; `code` is a refusal.

    `relations` are the payers' amounts by their relation to the patient.
    """

    fen: Amounts
    relations: Mapping[str, int]
    reasons: tuple[object, ...] = ()
    code: str | None = None


class BillGroups(NamedTuple):
    """The groups of a decision: the patient's class, the place of care, the month."""

    person_class: str
    place: str
    month: str


class ChangedBill(NamedTuple):
    """A bill whose amounts change, and where the auditor finds it."""

    settlement: StreamId
    position: int
    recorded: BillCost
    drafted: BillCost


class PaidSums:
    """Sums of one group, recorded and under the draft; `bills` are those that it has."""

    __slots__ = ("bills", "changed", "drafted", "recorded")

    def __init__(self) -> None:
        self.bills = self.changed = 0
        self.recorded = [0, 0, 0, 0]
        self.drafted = [0, 0, 0, 0]

    def add(self, recorded: Amounts, drafted: Amounts, *, is_bill: bool) -> None:
        """Add one decision."""
        self.bills += is_bill
        self.changed += is_bill and recorded != drafted
        was, now = self.recorded, self.drafted
        was[0] += recorded[0]
        was[1] += recorded[1]
        was[2] += recorded[2]
        was[3] += recorded[3]
        now[0] += drafted[0]
        now[1] += drafted[1]
        now[2] += drafted[2]
        now[3] += drafted[3]

    def join(self, other: "PaidSums") -> None:
        """Add the sums of another group."""
        self.bills += other.bills
        self.changed += other.changed
        for at in range(len(PAYERS)):
            self.recorded[at] += other.recorded[at]
            self.drafted[at] += other.drafted[at]

    def answer(self) -> dict[str, Any]:
        """The group as JSON: each payer's sums, and how much more is paid under the draft."""
        sums = zip(PAYERS, self.recorded, self.drafted, strict=True)
        fen = {
            payer: {"recorded": was, "draft": now, "more": now - was} for payer, was, now in sums
        }
        return {"bills": self.bills, "changed": self.changed, "fen": fen}


class RehearsalTally:
    """The sums of a rehearsal; `decided` and `changed` count decisions by kind."""

    def __init__(self) -> None:
        self.decided: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.reason_changed = 0
        self.not_followed = 0
        self._groups: dict[BillGroups, PaidSums] = defaultdict(PaidSums)
        self._relations: dict[str, PaidSums] = defaultdict(PaidSums)
        self._largest: list[tuple[int, int, ChangedBill]] = []

    def count(
        self,
        kind: str,
        groups: BillGroups,
        recorded: BillCost,
        drafted: BillCost,
        found_at: tuple[StreamId, int],
    ) -> None:
        """Count a decision of a kind; what is held is not paid yet."""
        self.decided[kind] += 1
        self.changed[kind] += recorded.fen != drafted.fen
        self.reason_changed += recorded.reasons != drafted.reasons
        if drafted.code is not None:
            self.refused[drafted.code] += 1
        if kind == "holds":
            return
        is_bill = kind == "settlements"
        was, now = recorded.fen, drafted.fen
        self._groups[groups].add(was, now, is_bill=is_bill)
        self._add_relations(recorded.relations, drafted.relations, is_bill=is_bill)
        if is_bill and was != now:
            self._keep(ChangedBill(*found_at, recorded, drafted))

    def _add_relations(
        self, recorded: Mapping[str, int], drafted: Mapping[str, int], *, is_bill: bool
    ) -> None:
        for relation in recorded if recorded is drafted else recorded.keys() | drafted.keys():
            was = _placed(relation, recorded.get(relation, 0))
            now = _placed(relation, drafted.get(relation, 0))
            self._relations[relation].add(was, now, is_bill=is_bill)

    def _keep(self, bill: ChangedBill) -> None:
        pairs = zip(bill.recorded.fen, bill.drafted.fen, strict=True)
        item = (max(abs(now - was) for was, now in pairs), -bill.position, bill)
        if len(self._largest) < LARGEST:
            heapq.heappush(self._largest, item)
        else:
            heapq.heappushpop(self._largest, item)

    def total(self) -> PaidSums:
        """The sums of everybody."""
        total = PaidSums()
        for sums in self._groups.values():
            total.join(sums)
        return total

    def by(self) -> dict[str, dict[str, PaidSums]]:
        """The sums by each way to group."""
        found: dict[str, dict[str, PaidSums]] = {
            name: defaultdict(PaidSums) for name in BillGroups._fields
        }
        for groups, sums in self._groups.items():
            for name, key in zip(BillGroups._fields, groups, strict=True):
                found[name][key].join(sums)
        return found | {"relation": self._relations}

    def largest(self) -> list[ChangedBill]:
        """The bills that change most, the largest change first; of equal ones the earlier."""
        return [bill for _, _, bill in sorted(self._largest, key=lambda item: item[:2])[::-1]]


def _placed(relation: str, fen: int) -> Amounts:
    return (fen, 0, 0, 0) if relation == SELF else (0, fen, 0, 0)
