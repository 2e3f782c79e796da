"""A replay's report as lines for a terminal."""

from collections import Counter

from service.replay.differences import KEPT_MAX
from service.replay.money_conservation import Money
from service.replay.run import ReplayReport
from service.serializers import yuan

NOT_AGAIN = (
    "taken as told: what the tax side said, what parties agreed on, quotes, who had a bill's name;"
    " grants are looked at for their life cycle alone"
)
"""Decisions that a replay does not make again, because their inputs are not in the log."""


def summary(report: ReplayReport) -> list[str]:
    """A line for every difference, then the counts of what was compared."""
    counts = report.counts
    lines = [difference.line() for difference in report.found.kept]
    if report.found.count > KEPT_MAX:
        lines.append(f"… and {report.found.count - KEPT_MAX} differences more")
    lines += [
        f"position {report.position}: {counts.events} events folded",
        f"decided again: {_listed(counts.decided)}",
        f"folded only: {_listed(counts.folded)}",
        NOT_AGAIN,
        _money(report.money),
    ]
    if report.is_whole:
        lines += [
            f"compared: {report.heads} heads, {report.keys} keys of bills, {report.names} names",
            _tables(report),
        ]
    else:
        lines.append("not the end of the log: what is stored now was not compared")
    lines.append(f"differences: {report.found.count}")
    return lines


def _money(money: Money) -> str:
    places = (
        f"{yuan(money.accounts_fen)} on accounts",
        f"{yuan(money.pools_fen)} in family pools",
        f"{yuan(money.suspense_fen)} kept aside",
        f"{yuan(money.owed_fen)} for bills",
        f"{yuan(money.premiums_fen)} for premiums",
        f"{yuan(money.paid_out_fen)} paid out",
    )
    return f"money in yuan: {' + '.join(places)} = {yuan(money.came_in_fen)} that came in"


def _tables(report: ReplayReport) -> str:
    if report.tables is None:
        return "read models: not compared (a rebuild is at work, or the log is damaged)"
    rows = sum(report.tables.values())
    return f"read models: {len(report.tables)} tables made again, {rows} rows differ"


def _listed(counted: Counter[str]) -> str:
    return ", ".join(f"{topic} {count}" for topic, count in sorted(counted.items())) or "nothing"
