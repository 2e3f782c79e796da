"""Of somebody who is not the asker's, the service reads as much as of nobody: no time tells."""

from collections.abc import Awaitable, Callable, Iterable

import pytest
from typing_extensions import override

from aggregates.binding.events import Caps
from aggregates.refusals import RefusalError
from aggregates.vocabulary import Insurance, LinkEvidence, Relation, StreamId, Use
from service import credential_link as links
from service.account import accounts
from service.binding import bindings
from service.binding import kinship as relatives
from service.binding.deduction_order import look_at_order
from service.caller import agency, person
from service.clock import business_clock
from service.context import House, furnish
from service.ledger.memory_store import MemoryStore
from service.ledger.store import Found
from service.regions.policy_book import load
from service.vault import Keys, Personal
from tests.service.adapters.test_kinship_registry import REGIONS
from tests.service.settlement.settled_family import REGION, asked, move_in

Case = Callable[[House, str], Awaitable[object]]
KEYS = Keys(bytes(32), bytes(32))
ASKER, SOMEBODY, NOBODY = "S1", "X1", "NOBODY"


class Counting(MemoryStore):
    """A ledger in memory that counts how often it is read, and how much."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        super().__init__()
        self.reads: list[tuple[int, int, int]] = []

    @override
    async def read(
        self,
        streams: Iterable[StreamId],
        names: Iterable[bytes],
        persons: Iterable[StreamId] = (),
    ) -> Found:
        sizes = [len(tuple(each)) for each in (streams, names, persons)]
        self.reads.append((sizes[0], sizes[1], sizes[2]))
        return await super().read(streams, names, persons)


async def link(house: House, number: str) -> object:
    wish = links.OpenLink(
        guardian=None,
        member=number,
        relation=Relation.PARENT,
        evidence=LinkEvidence.FACE,
        reference="F-1",
    )
    return await links.open_link(house, asked(person(KEYS, ASKER)), wish)


async def invite(house: House, number: str) -> object:
    offer = bindings.Offer(
        relation=Relation.CHILD, uses=(Use.CARE,), caps=Caps(), valid_from=None, valid_until=None
    )
    wish = bindings.Invite(sponsor=None, beneficiary=number, offer=offer)
    return await bindings.invite(house, asked(person(KEYS, ASKER)), wish)


async def confirm_kin(house: House, number: str) -> object:
    fact = relatives.RecordKinship(person_no=ASKER, relative=number, relation=Relation.CHILD)
    return await relatives.confirm_kinship(house, asked(agency("a", REGION)), fact)


async def see_account(house: House, number: str) -> object:
    return await accounts.look_at_account(house, person(KEYS, ASKER), number)


async def see_order(house: House, number: str) -> object:
    return await look_at_order(house, person(KEYS, ASKER), number)


CASES = {case.__name__: case for case in (link, invite, confirm_kin, see_account, see_order)}


async def work(case: Case, number: str) -> list[tuple[int, int, int]]:
    """What a process that knows nothing yet reads."""
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
    await first.appender.close()
    store.reads.clear()
    cold = furnish(store, KEYS, load(REGIONS), business_clock())
    try:
        await case(cold, number)
    except RefusalError:
        pass
    finally:
        await cold.close()
    return store.reads


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_somebody_costs_what_nobody_costs(case: Case) -> None:
    """A cold process goes to the database as often, for as many things."""
    somebody, nobody = await work(case, SOMEBODY), await work(case, NOBODY)

    assert somebody
    assert somebody == nobody
