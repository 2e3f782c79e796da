"""The report of a rehearsal as JSON and as lines for a terminal. Amounts are in whole fen."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.rehearsal.draft import Draft
from service.rehearsal.picture import Bar, Panel, picture_of
from service.rehearsal.tally import PAYERS, BillCost, ChangedBill, PaidSums, RehearsalTally
from service.serializers import signed_yuan

Report = dict[str, Any]
TITLES = {
    "person_class": "人员类别 · person class",
    "relation": "关系 · relation",
    "place": "就医地 · place of care",
    "month": "月份 · month",
}


def report_of(draft: Draft, tally: RehearsalTally, scope: dict[str, str | None]) -> Report:
    """Everything that a rehearsal found; `scope` is what was asked for, as text."""
    found, total = tally.by(), tally.total()
    by = {
        name: [{"key": key} | sums.answer() for key, sums in sorted(groups.items())]
        for name, groups in found.items()
    }
    return {
        "draft": {"code": draft.code, "editions": draft.ids()},
        **scope,
        "decided": dict(sorted(tally.decided.items())),
        "changed": {kind: count for kind, count in sorted(tally.changed.items()) if count},
        "differences": tally.changed.total() + tally.reason_changed + tally.refused.total(),
        "reason_changed": tally.reason_changed,
        "refused": dict(sorted(tally.refused.items())),
        "not_followed": tally.not_followed,
        "total": total.answer(),
        "by": by,
        "largest": [_changed(bill) for bill in tally.largest()],
        "picture": picture_of(f"{draft.code} {draft.ids()[-1]}", _panels(found)),
    }


def _panels(found: Mapping[str, Mapping[str, PaidSums]]) -> Iterator[Panel]:
    cash = PAYERS.index("cash")
    for name, groups in found.items():
        if name == "relation":  # a relative pays no cash: what he pays more
            bars = [
                Bar(key, sum(sums.drafted) - sum(sums.recorded))
                for key, sums in sorted(groups.items())
            ]
        else:
            bars = [
                Bar(key, sums.drafted[cash] - sums.recorded[cash])
                for key, sums in sorted(groups.items())
            ]
        yield Panel(TITLES[name], bars)


def _changed(bill: ChangedBill) -> Report:
    return {
        "settlement_id": bill.settlement,
        "position": bill.position,
        "recorded": _cost(bill.recorded),
        "draft": _cost(bill.drafted),
    }


def _cost(cost: BillCost) -> Report:
    own, aid, cash, _ = cost.fen
    return {"own": own, "aid": aid, "cash": cash, "code": cost.code}


def lines_of(report: Report) -> Iterator[str]:
    """The report for a terminal."""
    decided = ", ".join(f"{count} {kind}" for kind, count in report["decided"].items())
    yield f"decided again under {report['draft']['editions'][-1]}: {decided or 'nothing'}"
    bills = report["total"]
    yield (
        f"{bills['changed']} of {bills['bills']} bills cost somebody else something,"
        f" {report['reason_changed']} change a reason"
    )
    yield from _sums("all", bills["fen"])
    for code, count in report["refused"].items():
        yield f"refused by the draft: {count} {code}"
    for name, groups in report["by"].items():
        for group in groups:
            yield from _sums(f"{name} {group['key']}", group["fen"])
    for bill in report["largest"]:
        was, now = bill["recorded"], bill["draft"]
        costs = ", ".join(
            f"{payer} {signed_yuan(was[payer])} -> {signed_yuan(now[payer])}"
            for payer in ("own", "aid", "cash")
        )
        yield f"{bill['settlement_id']} at {bill['position']}: {costs}"
    if report["not_followed"]:
        yield f"{report['not_followed']} events took money that is not there under the draft"
    yield f"differences: {report['differences']}"


def _sums(name: str, fen: Report) -> Iterator[str]:
    more = {payer: sums["more"] for payer, sums in fen.items() if sums["more"]}
    if more:
        said = ", ".join(f"{payer} {signed_yuan(amount)}" for payer, amount in more.items())
        yield f"{name} pays more: {said}"
