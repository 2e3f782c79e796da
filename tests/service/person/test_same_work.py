"""A request about a stranger reads as much as one about nobody, so timing reveals nothing."""

from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest
from typing_extensions import override

from aggregates.binding.events import Caps
from aggregates.policy.choices import PremiumType
from aggregates.refusals import RefusalError
from aggregates.vocabulary import (
    Insurance,
    KinshipEvidence,
    LinkEvidence,
    Relation,
    StreamId,
    Use,
)
from service.account import accounts
from service.adapters.tax_authority import Tax
from service.binding import bindings
from service.binding import kinship as relatives
from service.binding.deduction_order import change_order, look_at_order
from service.caller import agency, person
from service.clock import business_clock
from service.context import ServiceContext, furnish
from service.credential_link import opening
from service.ledger.command import Reply
from service.ledger.memory_store import MemoryStore
from service.ledger.store import ReadResult
from service.person.lookup import IdCard
from service.person.search import Wanted, search
from service.policy import publish
from service.premium import premiums
from service.regions.policy_book import load
from service.vault import Personal, Vault
from tests.service.adapters.test_kinship_registry import REGIONS
from tests.service.settlement.settled_family import REGION, asked, move_in

Case = Callable[[ServiceContext, str], Awaitable[object]]
KEYS = Vault(bytes(32), bytes(32))
ASKER, SOMEBODY, NOBODY = "S1", "X1", "NOBODY"
PAPERS = (KinshipEvidence.DOCUMENT, "HK-1")
OFFER = bindings.Offer(
    relation=Relation.CHILD, uses=(Use.CARE,), caps=Caps(), valid_from=None, valid_until=None
)


class Counting(MemoryStore):
    """A ledger in memory that counts its reads."""

    def __init__(self) -> None:
        """Begin with no reads."""
        super().__init__()
        self.reads: list[tuple[int, int, int]] = []

    @override
    async def read(
        self,
        streams: Iterable[StreamId],
        names: Iterable[bytes],
        persons: Iterable[StreamId] = (),
    ) -> ReadResult:
        sizes = [len(tuple(each)) for each in (streams, names, persons)]
        self.reads.append((sizes[0], sizes[1], sizes[2]))
        return await super().read(streams, names, persons)


async def link(context: ServiceContext, number: str) -> object:
    wish = opening.OpenLink(
        guardian=None,
        member=number,
        relation=Relation.PARENT,
        evidence=LinkEvidence.FACE,
        reference="F-1",
    )
    return await opening.open_link(context, asked(person(KEYS, ASKER)), wish)


async def invite(context: ServiceContext, number: str) -> object:
    wish = bindings.Invite(sponsor=None, beneficiary=number, offer=OFFER)
    return await bindings.invite(context, asked(person(KEYS, ASKER)), wish)


async def invite_by_document(context: ServiceContext, number: str) -> Reply:
    wish = bindings.Invite(sponsor=None, beneficiary=number, offer=OFFER, evidence=PAPERS)
    return await bindings.invite(context, asked(person(KEYS, ASKER)), wish)


async def invite_by_card(context: ServiceContext, number: str) -> Reply:
    card = IdCard(f"ID-{number}", "test")
    wish = bindings.Invite(sponsor=None, beneficiary=card, offer=OFFER, evidence=PAPERS)
    return await bindings.invite(context, asked(person(KEYS, ASKER)), wish)


async def invite_by_another_name(context: ServiceContext, number: str) -> Reply:
    card = IdCard(f"ID-{number}", "another")
    wish = bindings.Invite(sponsor=None, beneficiary=card, offer=OFFER, evidence=PAPERS)
    return await bindings.invite(context, asked(person(KEYS, ASKER)), wish)


async def look_at_it(context: ServiceContext, _: str) -> object:
    return await bindings.look_at_binding(context, person(KEYS, ASKER), _newest(context))


async def take_it_back(context: ServiceContext, _: str) -> object:
    return await bindings.release(context, asked(person(KEYS, ASKER)), _newest(context), "told")


def _newest(context: ServiceContext) -> StreamId:
    assert isinstance(context.store, Counting)
    return next(r.stream for r in reversed(context.store.log) if r.stream.startswith("bnd_"))


async def pay_premium(context: ServiceContext, number: str) -> object:
    async with httpx.AsyncClient() as client:
        context.tax = Tax("http://tax.invalid", client, 1.0)
        wish = premiums.PayPremium(
            sponsor=None, payee=number, insurance=PremiumType.RESIDENT_BASIC, year=2027
        )
        return await premiums.pay(context, asked(person(KEYS, ASKER)), wish)


async def set_order(context: ServiceContext, number: str) -> object:
    return await change_order(context, asked(person(KEYS, ASKER)), number, (), 0)


async def name_in_order(context: ServiceContext, number: str) -> object:
    return await change_order(context, asked(person(KEYS, ASKER)), ASKER, (number,), 0)


async def enter_kin(context: ServiceContext, number: str) -> object:
    fact = relatives.RecordKinship(person_no=ASKER, relative=number, relation=Relation.CHILD)
    return await relatives.record_kinship(context, asked(agency("a", REGION)), fact)


async def confirm_kin(context: ServiceContext, number: str) -> object:
    fact = relatives.RecordKinship(person_no=ASKER, relative=number, relation=Relation.CHILD)
    return await relatives.confirm_kinship(context, asked(agency("a", REGION)), fact)


async def see_account(context: ServiceContext, number: str) -> object:
    return await accounts.look_at_account(context, person(KEYS, ASKER), number)


async def see_order(context: ServiceContext, number: str) -> object:
    return await look_at_order(context, person(KEYS, ASKER), number)


async def search_by_number(context: ServiceContext, number: str) -> object:
    return await search(context, agency("a", REGION), Wanted(number, None))


async def search_by_card(context: ServiceContext, number: str) -> object:
    return await search(context, agency("a", REGION), Wanted(None, f"ID-{number}"))


ALONE: tuple[Case, ...] = (
    link,
    invite,
    invite_by_document,
    invite_by_card,
    invite_by_another_name,
    pay_premium,
    set_order,
    name_in_order,
    enter_kin,
    confirm_kin,
    see_account,
    see_order,
    search_by_number,
    search_by_card,
)
AFTER: tuple[Case, ...] = (*ALONE, look_at_it, take_it_back)
"""What a sponsor may request once the invitation is open."""


async def work(case: Case, number: str, *, is_invited: bool) -> list[tuple[int, int, int]]:
    """The reads of a process that has just started: it has the rules, and nobody's account."""
    store = Counting()
    first = furnish(store, KEYS, load(REGIONS), business_clock())
    await move_in(first, sponsors=())
    far = accounts.OpenAccount(
        personal=Personal(SOMEBODY, "test", "ID-X1"),
        insurance=Insurance.EMPLOYEE,
        region="542500",
        status="NORMAL",
        flags=(),
    )
    await accounts.open_account(first, asked(agency("nation", None)), far)
    if is_invited:
        await invite_by_document(first, number)
    await first.appender.close()
    cold = furnish(store, KEYS, load(REGIONS), business_clock())
    await publish(cold)
    store.reads.clear()
    try:
        await case(cold, number)
    except RefusalError:
        pass
    finally:
        await cold.close()
    return store.reads


@pytest.mark.parametrize("case", ALONE)
async def test_somebody_costs_what_nobody_costs(case: Case) -> None:
    """A cold process makes as many queries, for as many rows."""
    somebody = await work(case, SOMEBODY, is_invited=False)

    assert somebody
    assert somebody == await work(case, NOBODY, is_invited=False)


@pytest.mark.parametrize("case", AFTER)
async def test_the_invited_cost_what_nobody_costs(case: Case) -> None:
    """With an open invitation a request reads as much about somebody as about nobody."""
    somebody = await work(case, SOMEBODY, is_invited=True)

    assert somebody
    assert somebody == await work(case, NOBODY, is_invited=True)
