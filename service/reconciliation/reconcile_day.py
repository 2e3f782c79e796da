"""Hold a day of ours against an institution's list of it (对账, policy.md S64). Changes nothing."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from aggregates.reconciliation.day import (
    BillDifference,
    BillTotals,
    Comparison,
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
    """What an institution says of a day: count, total, fund, own, aid and cash in fen."""
    return Totals(*stated)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedDay:
    """What an institution says of a day: its totals and, where it tells them, its bills."""

    institution: str
    day: date
    totals: Totals
    lines: tuple[ListedLine, ...] | None


class ComputedAnswer(NamedTuple):
    """An answer that no key keeps, and the position it is as of."""

    body: dict[str, Any]
    position: int


async def reconcile(
    context: ServiceContext, read_models: ReadModels, caller: Caller, stated: StatedDay
) -> ComputedAnswer:
    """Compare a day, for the institution itself or an agency of its region.

    A past day is answered the same at any time: what happened to its bills afterwards belongs
    to the day it happened on.

    Raises:
        UnknownError: no such institution, or not the caller's; DateInvalidError: the day is
        not there yet; OverloadedError: the read models are behind the log.
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
    """Give each bill that the institution did not list the key that it was settled with."""
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
        "totals": {"service": sums_answer(ours), "institution": _stated_answer(stated.totals)},
        "equal": None if compared is None else compared.equal,
        "differences": [] if compared is None else _differences_answer(compared),
        "returned": _returned_answer(day),
    }


def _items(vault: Vault, code: str, lines: Iterable[ListedLine]) -> Iterable[ListedBill]:
    caller = institution(code)
    for settlement, key, status, total_fen, aid_fen in lines:
        digest = None if key is None else key_digest(vault, caller, key)
        yield ListedBill(settlement, key, digest, status, total_fen, aid_fen)


def sums_answer(sums: BillTotals) -> dict[str, Any]:
    """How many bills, and their sums in yuan."""
    return {
        "count": sums.bills,
        "total": yuan(sums.total_fen),
        "fund_pay": yuan(sums.fund_pay_fen),
        "own": yuan(sums.own_fen),
        "aid": yuan(sums.aid_fen),
        "cash": yuan(sums.cash_fen),
    }


def _stated_answer(totals: Totals) -> dict[str, Any]:
    named = zip(("total", "fund_pay", "own", "aid", "cash"), totals[1:], strict=True)
    amounts = {name: None if fen is None else yuan(fen) for name, fen in named}
    return {"count": totals.bills} | amounts


def _differences_answer(compared: Comparison) -> list[dict[str, Any]]:
    return [_difference_answer(difference) for difference in compared.differences]


def _difference_answer(difference: BillDifference) -> dict[str, Any]:
    unlike, bill, listing = difference
    service = theirs = None
    if bill is not None:
        sums = sums_answer(bill.sums)
        del sums["count"]
        service = {"status": bill.status} | sums
    if listing is not None:
        theirs = {
            "status": listing.status,
            "total": yuan(listing.total_fen),
            "aid": yuan(listing.aid_fen),
            "listed": listing.times,
        }
    named = bill.settlement if bill is not None else listing and listing.settlement
    return {
        "class": unlike,
        "key": listing and listing.key,
        "settlement_id": named,
        "service": service,
        "institution": theirs,
    }


def _returned_answer(day: InstitutionDay) -> dict[str, Any]:
    items = []
    for settlement, settled_on, status, sums in day.returned:
        amounts = sums_answer(sums)
        del amounts["count"]
        told = {"settlement_id": settlement, "day": settled_on.isoformat(), "status": status}
        items.append(told | amounts)
    return sums_answer(together(one.sums for one in day.returned)) | {"items": items}
