"""Lists that follow the log: bindings, and an institution's settlements."""

from datetime import date
from typing import Any, NamedTuple, Protocol

from asyncpg import Pool

from aggregates.refusals import UnknownError
from aggregates.vocabulary import BindingStatus, SettlementStatus, StreamId
from projections import binding as binding_views
from projections.binding import BindingRow, Wanted
from projections.settlement import settlements as settlement_views
from projections.settlement.settlements import SettlementRow
from service.accounts import find_person, find_readable
from service.answers import caps_answer, day, yuan
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.house import House
from service.ledger.command import Decision, OverloadedError
from service.ledger.view import View
from service.reveal import persons_of
from service.seen import note

WAIT_S = 1.0
"""How long a list waits to show the log as it stood when it was asked for, in seconds."""
HEAD_WAIT_S = 5.0
"""How long an answer waits that must show all of it, in seconds."""


class Following(Protocol):
    """What a list waits for."""

    async def wait_for(self, position: int, timeout_s: float) -> bool:
        """Wait until the read models show the log up to a position."""
        ...

    async def position(self) -> int:
        """Up to where they show it."""
        ...


class Shelf(NamedTuple):
    """Where lists are read, and who keeps them up with the log."""

    pool: Pool
    follower: Following


class Asked(NamedTuple):
    """Which page is wanted, and the position it must show at least."""

    cursor: str | None
    limit: int
    min_position: int | None


class Listed(NamedTuple):
    """A page: items, the next cursor, and the position it is as of."""

    items: list[dict[str, Any]]
    following: str | None
    position: int


async def bindings(
    house: House, shelf: Shelf, caller: Caller, status: str | None, asked: Asked
) -> Listed:
    """The bindings a caller may see: his own, his region's, or all for an auditor.

    Raises:
        CursorInvalidError: not a cursor; ValueError: no such status.
    """
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)
    wanted = Wanted(
        house.clock(), BindingStatus(status) if status else None, asked.cursor, asked.limit
    )
    position = await reach(house, shelf, asked)
    if caller.role is Role.PERSON:
        account_id = await account_of(house, caller, caller.subject)
        page = await binding_views.of_party(shelf.pool, account_id, wanted)
    elif caller.role is Role.AGENCY and caller.region is not None:
        page = await binding_views.of_region(shelf.pool, caller.region, wanted)
    else:
        page = await binding_views.of_all(shelf.pool, wanted)
    sides = [side for row in page.rows for side in (row.sponsor, row.beneficiary)]
    persons = await persons_of(house, sides)
    numbers = {stream: person and person.person_no for stream, person in persons.items()}
    return Listed([_binding(row, numbers) for row in page.rows], page.next, position)


class BillName(NamedTuple):
    """How an institution names a bill."""

    visit: str
    charge_batch: str


async def settlements_of_bill(
    house: House, shelf: Shelf, caller: Caller, bill: BillName, asked: Asked
) -> Listed:
    """What became of a bill of the caller's, the newest attempt first; one page, no cursor.

    Raises:
        UnknownError: the institution is not known here.
    """
    check_role(caller, Role.INSTITUTION)
    institution = await _institution(house, caller, None)
    position = await reach(house, shelf, asked)
    rows = await settlement_views.of_claim(shelf.pool, institution, *bill, asked.limit)
    note([row.settlement for row in rows])
    return Listed([_settlement(row) for row in rows], None, position)


async def settlements_of_day(
    house: House, shelf: Shelf, caller: Caller, code: str | None, day_on: date, asked: Asked
) -> Listed:
    """What an institution's bills of a business day became, newest first.

    `code` names the institution for an auditor; an institution sees its own.

    Raises:
        UnknownError: no such institution, or not the caller; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.INSTITUTION, Role.AUDITOR)
    institution = await _institution(house, caller, code)
    position = await reach(house, shelf, asked)
    page = await settlement_views.of_day(shelf.pool, institution, day_on, asked.cursor, asked.limit)
    note([row.settlement for row in page.rows])
    return Listed([_settlement(row) for row in page.rows], page.next, position)


async def _institution(house: House, caller: Caller, code: str | None) -> StreamId:
    if caller.role is Role.INSTITUTION:
        if code not in (None, caller.subject):
            raise UnknownError
        code = caller.subject
    name = house.keys.name("institution", code or "")
    found: list[StreamId | None] = []

    def decide(view: View, _: object) -> Decision:
        found.append(view.find(name))
        return Decision(answer=b"")

    await house.ask(caller, decide)
    if found[-1] is None:
        raise UnknownError
    note([found[-1]])
    return found[-1]


async def account_of(house: House, caller: Caller, person_no: str) -> StreamId:
    """The account of a person number whose lists this caller may read.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    found: list[StreamId] = []

    def decide(view: View, _: object) -> Decision:
        if caller.role is Role.AUDITOR:
            found.append(find_person(view, house.keys, person_no))
        else:
            found.append(find_readable(view, house.keys, caller, person_no))
        return Decision(answer=b"")

    await house.ask(caller, decide)
    if not found:
        raise UnknownError
    return found[-1]


async def reach_head(house: House, shelf: Shelf) -> int:
    """Wait until the read models show all that is in the log now; the position they show.

    What is held against somebody's books cannot be answered from a part of ours.

    Raises:
        OverloadedError: they did not come that far in `HEAD_WAIT_S`.
    """
    if not await shelf.follower.wait_for(await house.store.position(), HEAD_WAIT_S):
        raise OverloadedError
    return await shelf.follower.position()


async def reach(house: House, shelf: Shelf, asked: Asked) -> int:
    """Wait for the log's head as it is now, or for what the caller asks for; how far it came."""
    head = await house.store.position()
    await shelf.follower.wait_for(max(head, asked.min_position or 0), WAIT_S)
    return await shelf.follower.position()


def _binding(row: BindingRow, numbers: dict[StreamId, str | None]) -> dict[str, Any]:
    return {
        "binding_id": row.binding,
        "sponsor": numbers.get(row.sponsor),
        "beneficiary": numbers.get(row.beneficiary),
        "relation": row.relation.lower(),
        "uses": list(row.uses),
        "caps": caps_answer(row.caps),
        "status": row.status,
        "valid_from": day(row.active_from or row.valid_from),
        "valid_until": day(row.valid_until),
        "version": row.version,
    }


def _settlement(row: SettlementRow) -> dict[str, Any]:
    is_refused = row.status is SettlementStatus.REFUSED
    return {
        "settlement_id": row.settlement,
        "status": row.status,
        "outcome": "not_applied" if is_refused else "applied",
        "code": row.refusal,
        "visit": row.visit,
        "charge_batch": row.charge_batch,
        "day": day(row.day),
        "total": yuan(row.total_fen),
        "fund_pay": yuan(row.fund_pay_fen),
        "personal": yuan(row.total_fen - row.fund_pay_fen),
        "own": yuan(row.own_fen),
        "aid": yuan(row.aid_fen),
        "cash": yuan(row.cash_fen),
        "recorded_at": rfc3339(row.recorded_at),
        "cancelled_at": None if row.cancelled_at is None else rfc3339(row.cancelled_at),
        "version": row.version,
        "position": row.position,
    }
