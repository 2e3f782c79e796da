"""Families for measuring: one to three payers each, caps and orders on, money that runs dry."""

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from aggregates.binding.binding import Offer
from aggregates.binding.events import Caps
from aggregates.vocabulary import (
    Bucket,
    InstitutionKind,
    InstitutionStatus,
    Insurance,
    Relation,
    Use,
)
from service import institution as institutions
from service.account import accounts
from service.binding import deduction_order
from service.binding import register_confirmed as register
from service.binding.parties import Invite
from service.caller import Caller, Request, agency, institution, person
from service.context import ServiceContext
from service.ledger.command import Reply
from service.person.credentials import Identity
from service.settlement.claims import SettleBill
from service.vault import Personal

REGION = "990000"
AGENCY = agency("bench", REGION)
HOSPITAL = institution("H99000000001")
BOUND_AT = datetime(2025, 1, 1, 1, tzinfo=UTC)
TREATED_AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
OWN_FEN, SPONSOR_FEN, CAP_FEN = 12_000, 15_000, 2_500
TOGETHER = 2_000
AMOUNTS_FEN = (1_050, 2_399, 4_800, 6_425, 9_999)


class Family(NamedTuple):
    """A patient and his sponsors, by person number."""

    patient: str
    sponsors: tuple[str, ...]


def families(count: int) -> list[Family]:
    """Families of one, two and three payers in turn."""
    return [Family(f"F{n}", tuple(f"F{n}S{s}" for s in range(n % 3))) for n in range(count)]


async def move_in(context: ServiceContext, living: Iterable[Family]) -> int:
    """Open, credit, bind and order everybody; the fen brought in."""
    request = _requests()
    await institutions.designate(
        context,
        next(request),
        institutions.Designate(
            code=HOSPITAL.subject,
            name="bench",
            kind=InstitutionKind.HOSPITAL,
            region=REGION,
            status=InstitutionStatus.ACTIVE,
            opened_regions=(),
            sensitive=False,
        ),
    )
    todo: list[Awaitable[Reply]] = []
    fen = 0
    for family in living:
        for number in (family.patient, *family.sponsors):
            amount = OWN_FEN if number == family.patient else SPONSOR_FEN
            fen += amount
            todo += [
                _open(context, next(request), number),
                _credit(context, next(request), number, amount),
            ]
        todo += [_bind(context, next(request), family, sponsor) for sponsor in family.sponsors]
        if len(family.sponsors) > 1:
            asked = next(request)._replace(caller=person(context.vault, family.patient))
            order = tuple(reversed(family.sponsors))
            todo.append(deduction_order.change_order(context, asked, family.patient, order, None))
        if len(todo) > TOGETHER:
            await _all(todo)
    await _all(todo)
    return fen


async def _all(todo: list[Awaitable[Reply]]) -> None:
    for reply in await asyncio.gather(*todo):
        assert reply.refusal is None, reply
    todo.clear()


def _requests() -> "itertools.starmap[Request]":
    return itertools.starmap(
        lambda n: Request(AGENCY, f"in:{n}", hashlib.sha256(b"%d" % n).digest(), "bench"),
        ((n,) for n in itertools.count()),
    )


async def _open(context: ServiceContext, request: Request, number: str) -> Reply:
    opening = accounts.OpenAccount(
        personal=Personal(number, "bench", f"ID-{number}"),
        insurance=Insurance.EMPLOYEE,
        region=REGION,
        status="NORMAL",
        flags=(),
    )
    return await accounts.open_account(context, request, opening)


async def _credit(context: ServiceContext, request: Request, number: str, amount_fen: int) -> Reply:
    money = accounts.CreditAccount(
        person_no=number, amount_fen=amount_fen, bucket=Bucket.CURRENT, reference=None
    )
    return await accounts.credit(context, request, money)


async def _bind(context: ServiceContext, request: Request, family: Family, sponsor: str) -> Reply:
    offer = Offer(
        relation=Relation.CHILD,
        uses=(Use.CARE,),
        caps=Caps(per_settlement_fen=CAP_FEN, per_day_fen=4 * CAP_FEN, per_year_fen=100 * CAP_FEN),
        valid_from=None,
        valid_until=None,
    )
    invite = Invite(sponsor=sponsor, beneficiary=family.patient, offer=offer)
    agreed = register.Register(invite=invite, confirmed_at=BOUND_AT)
    return await register.register(context, request, agreed)


def bill(family: Family, number: int) -> SettleBill:
    """The nth bill of a family."""
    total_fen = 2 * AMOUNTS_FEN[number % len(AMOUNTS_FEN)]
    return SettleBill(
        beneficiary=Identity("person_no", family.patient),
        visit=f"{family.patient}-{number}",
        charge_batch="1",
        med_type="11",
        treated_at=TREATED_AT,
        total_fen=total_fen,
        fund_pay_fen=total_fen // 2,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=b"",
    )


def settling(caller: Caller, visit: str) -> Request:
    """A settlement's request; the visit is its key."""
    return Request(caller, visit, hashlib.sha256(visit.encode()).digest(), "bench")
