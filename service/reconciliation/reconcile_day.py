"""Compare a day with an institution's list of it (对账, policy.md S64). Read-only."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from aggregates.reconciliation.day import (
    BillDifference,
    BillTotals,
    ListedBill,
    Totals,
    agrees,
    compare,
    together,
)
from aggregates.refusals import DateInvalidError
from aggregates.vocabulary import SettlementStatus
from projections.settlement import movements
from projections.settlement.movements import InstitutionDay, of_day
from service.caller import Caller, Role, check_role, institution
from service.context import ServiceContext, key_digest
from service.institution import see_institution
from service.read_models.reader import ReadModels, reach_head
from service.serializers import yuan
from service.vault import Vault

KEYS = """
    SELECT stream, key FROM command_keys WHERE caller = $1 AND stream = ANY ($2::uuid[])
"""


class ListedLine(NamedTuple):
    """One line of an institution's list, named by its settlement, its key, or both. In fen."""

    settlement: str | None
    key: str | None
    status: SettlementStatus
    total_fen: int
    aid_fen: int


def totals_of(*stated: int | None) -> Totals:
    """An institution's totals of a day: count, then total, fund, own, aid and cash in fen."""
    return Totals(*stated)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedDay:
    """An institution's statement of a day: its totals and, if it lists them, its bills."""

    institution: str
    day: date
    totals: Totals
    lines: tuple[ListedLine, ...] | None


class ComputedAnswer(NamedTuple):
    """An answer that is not stored, and the log position that it is as of."""

    body: dict[str, Any]
    position: int


async def reconcile(
    context: ServiceContext, read_models: ReadModels, caller: Caller, stated: StatedDay
) -> ComputedAnswer:
    """Compare a day, for the institution itself or an agency of its region.

    The answer for a past day never changes: later changes of its bills belong to later days.

    Raises:
        UnknownError: no such institution, or not the caller's; DateInvalidError: the day is
        in the future; OverloadedError: the read models are behind the log.
    """
    check_role(caller, Role.INSTITUTION, Role.AGENCY)
    stream, _, now = await see_institution(context, caller, stated.institution)
    if stated.day > now.on:
        raise DateInvalidError(field="day")
    position = await reach_head(context, read_models, movements.TABLE)
    day = await of_day(read_models.pool, stream, stated.day)
    is_final = stated.day < now.on
    body = await asyncio.to_thread(_answer, context.vault, stated, day, is_final=is_final)
    await _name_by_key(read_models, institution(stated.institution), body["differences"])
    return ComputedAnswer(body, position)


async def _name_by_key(
    read_models: ReadModels, caller: Caller, differences: list[dict[str, Any]]
) -> None:
    """Add the settling key of each bill that the institution did not list."""
    unnamed = {d["settlement_id"]: d for d in differences if d["service"] and d["key"] is None}
    if unnamed:
        streams = [settlement[4:] for settlement in unnamed]
        for stream, key in await read_models.pool.fetch(KEYS, caller.name, streams):
            unnamed[f"stl_{stream.hex}"]["key"] = key


def _answer(
    vault: Vault, stated: StatedDay, day: InstitutionDay, *, is_final: bool
) -> dict[str, Any]:
    ours = together(bill.sums for bill in day.bills)
    compared = None
    if stated.lines is not None:
        compared = compare(day.bills, _items(vault, stated.institution, stated.lines))
    is_equal = agrees(ours, stated.totals) and not (compared and compared.differences)
    return {
        "institution": stated.institution,
        "day": stated.day.isoformat(),
        "final": is_final,
        "result": "equal" if is_equal else "different",
        "totals": {"service": sums_answer(ours), "institution": sums_answer(stated.totals)},
        "equal": None if compared is None else compared.equal,
        "differences": [_difference_answer(d) for d in compared.differences] if compared else [],
        "returned": _returned_answer(day),
    }


def _items(vault: Vault, code: str, lines: Iterable[ListedLine]) -> Iterable[ListedBill]:
    caller = institution(code)
    for settlement, key, status, total_fen, aid_fen in lines:
        digest = None if key is None else key_digest(vault, caller, key)
        yield ListedBill(settlement, key, digest, status, total_fen, aid_fen)


def sums_answer(sums: BillTotals | Totals) -> dict[str, Any]:
    """The number of bills, and their sums in yuan; None is a sum that was not stated."""
    return {"count": sums.bills} | _amounts(sums)


def _amounts(sums: BillTotals | Totals) -> dict[str, Any]:
    names = ("total", "fund_pay", "own", "aid", "cash")
    amounts = zip(names, sums[1:], strict=True)
    return {name: None if fen is None else yuan(fen) for name, fen in amounts}


def _difference_answer(difference: BillDifference) -> dict[str, Any]:
    mismatch, bill, listing = difference
    service = theirs = None
    if bill is not None:
        service = {"status": bill.status} | _amounts(bill.sums)
    if listing is not None:
        theirs = {
            "status": listing.status,
            "total": yuan(listing.total_fen),
            "aid": yuan(listing.aid_fen),
            "listed": listing.times,
        }
    settlement = bill.settlement if bill is not None else listing and listing.settlement
    return {
        "class": mismatch,
        "key": listing and listing.key,
        "settlement_id": settlement,
        "service": service,
        "institution": theirs,
    }


def _returned_answer(day: InstitutionDay) -> dict[str, Any]:
    items = [
        {"settlement_id": settlement, "day": settled_on.isoformat(), "status": status}
        | _amounts(sums)
        for settlement, settled_on, status, sums in day.returned
    ]
    return sums_answer(together(bill.sums for bill in day.returned)) | {"items": items}
