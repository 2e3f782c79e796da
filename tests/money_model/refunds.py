"""Giving back a part of a settlement (policy.md §3.4, §8.6)."""

from collections.abc import Mapping

from tests.money_model.bills import need_of, spread
from tests.money_model.cascade import Split, prorate, recast
from tests.money_model.returns import Paid, give_back
from tests.money_model.settling import closed
from tests.money_model.world import DONE, Settled, Words, World, words

Asked = int | Mapping[str, int]
"""A refund by amount, or by line; in fen."""

PARTIAL = ("PARTIAL_RECAST", "PARTIAL_PRORATA")


def refund(world: World, key: str, asked: Asked) -> Words:
    """Give a part back; what stays is what the mode of the edition says."""
    settled = world.settled[key]
    refused = refusals(world, settled, asked)
    if refused:
        return refused
    lines = _lines(settled, asked)
    back = {name: settled.back.get(name, 0) + lines.get(name, 0) for name in settled.bill.amounts()}
    stays = what_stays(settled, back, sum(lines.values()))
    for before, after in zip(settled.stays.shares, stays.shares, strict=True):
        given = before.money.less(after.money)
        paid = Paid(settled.rules, settled.settled_at, before.pooled)
        give_back(world, before.who, given, paid)
    settled.back, settled.stays, settled.status = back, stays, "part_refunded"
    return DONE


def refusals(world: World, settled: Settled, asked: Asked) -> Words:
    """Everything that is true against a refund."""
    if not settled.live:
        return words(f"ALREADY_{settled.status.upper()}")
    found = set()
    if closed(world, settled):
        found.add("REFUND_CLOSED")
    if mode_of(settled) is None:
        found.add("PARTIAL_REFUND_NOT_ALLOWED")
    if not isinstance(asked, int) and not set(asked) <= set(settled.bill.amounts()):
        found.add("LINES_MISMATCH")
    if _exceeds(settled, asked):
        found.add("REFUND_EXCEEDS")
    return frozenset(found)


def mode_of(settled: Settled) -> str | None:
    """The first partial mode that the edition lists."""
    return next((mode for mode in settled.rules["refund_mode"] if mode in PARTIAL), None)


def _exceeds(settled: Settled, asked: Asked) -> bool:
    left = {name: fen - settled.back.get(name, 0) for name, fen in settled.bill.amounts().items()}
    if isinstance(asked, int):
        return asked > sum(left.values())
    more = sum(asked.values()) > sum(left.values())
    return more or any(fen > left.get(name, fen) for name, fen in asked.items())


def _lines(settled: Settled, asked: Asked) -> dict[str, int]:
    if isinstance(asked, int):
        return spread(asked, settled.bill, settled.rules, settled.back)
    return dict(asked)


def what_stays(settled: Settled, back: Mapping[str, int], fen: int) -> Split:
    """What everybody still pays once so much more is given back."""
    if mode_of(settled) == "PARTIAL_PRORATA":
        return prorate(settled.stays, fen)
    need = need_of(settled.bill, settled.rules, back)
    return recast(settled.split, need, settled.rules["own_allocation"])
