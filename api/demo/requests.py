"""The demo's requests and their keys, and what is asked for before its day begins."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec

from aggregates.vocabulary import Bucket, Instant, Insurance
from api.demo.model import Bill, Bind, Family, Member, Place
from api.sandbox.terms import INSTITUTIONS
from service import institution as institutions
from service.account import accounts
from service.binding.kinship import RecordKinship, record_kinship
from service.caller import Caller, Request, agency, institution
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.settlement.queries import is_key_used
from service.vault import Personal

P = ParamSpec("P")
NATION = agency("demo", None)


def request_of(caller: Caller, name: str) -> Request:
    """A request whose key and body are known by a name of the demo's own."""
    return Request(caller, f"demo:{name}", digest_of(name), "demo")


def digest_of(name: str) -> bytes:
    """The digest that stands for a body with this name."""
    return hashlib.sha256(name.encode()).digest()


async def is_taken(house: ServiceContext, step: Place | Bill) -> bool:
    """Whether the demo has come to a place's designation, or to a bill."""
    if isinstance(step, Place):
        return await is_key_used(house, NATION, f"demo:institution:{step.code}")
    return await is_key_used(house, institution(step.place), f"demo:bill:{step.name}")


async def once(
    use_case: Callable[Concatenate[ServiceContext, Request, P], Awaitable[Reply]],
    house: ServiceContext,
    request: Request,
    *terms: P.args,
    **named: P.kwargs,
) -> Reply:
    """What a request was answered before, or what its use case answers now.

    Nothing is decided again: what was right then may be refused now.
    """
    known = await house.ask(request.caller, _nothing, asks=(request.caller.name, request.key))
    return known if known.is_replayed else await use_case(house, request, *terms, **named)


def _nothing(_: ReadSet, __: Instant) -> Decision:
    return Decision(answer=b"")


async def prepare(
    house: ServiceContext, places: tuple[Place, ...], families: tuple[Family, ...]
) -> None:
    """Designate the places, open every account, bring the money in, and register the kin."""
    first, *others = places
    await _designate(house, first)
    await asyncio.gather(*(_designate(house, place) for place in others))
    people = [(family.region, member) for family in families for member in family.members]
    await asyncio.gather(*(_open(house, region, member) for region, member in people))
    await asyncio.gather(*(_credit(house, member) for _, member in people))
    binds = [step for family in families for step in family.steps if isinstance(step, Bind)]
    await asyncio.gather(*(_relate(house, bind) for bind in binds))


async def _designate(house: ServiceContext, place: Place) -> None:
    designation = institutions.Designate(
        code=place.code,
        name=place.zh,
        kind=place.kind,
        region=place.region,
        status=place.status,
        opened_regions=(),
        sensitive=False,
        signature=INSTITUTIONS.get(place.code),
    )
    request = request_of(NATION, f"institution:{place.code}")
    await institutions.designate(house, request, designation)


async def _open(house: ServiceContext, region: str, member: Member) -> None:
    opening = accounts.OpenAccount(
        personal=Personal(member.number, member.zh, f"DEMO-{member.number}"),
        insurance=Insurance.RESIDENT if member.fen is None else Insurance.EMPLOYEE,
        region=region,
        status="NORMAL",
        flags=(),
    )
    await accounts.open_account(house, request_of(NATION, f"account:{member.number}"), opening)


async def _credit(house: ServiceContext, member: Member) -> None:
    for bucket, fen, name in (
        (Bucket.CURRENT, member.fen, f"credit:{member.number}"),
        (Bucket.PRIOR, member.prior_fen, f"prior:{member.number}"),
    ):
        if fen:
            money = accounts.CreditAccount(
                person_no=member.number, amount_fen=fen, bucket=bucket, reference=None
            )
            await accounts.credit(house, request_of(NATION, name), money)


async def _relate(house: ServiceContext, bind: Bind) -> None:
    fact = RecordKinship(person_no=bind.sponsor, relative=bind.beneficiary, relation=bind.relation)
    name = f"kinship:{bind.sponsor}:{bind.beneficiary}"
    await record_kinship(house, request_of(NATION, name), fact)
