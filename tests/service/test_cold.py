"""A process that remembers nothing decides like one that remembers all."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregates.binding.binding import Offer
from aggregates.binding.events import Caps
from aggregates.refusals import SponsorInvalidError
from aggregates.vocabulary import Bucket, Insurance, Relation, Use
from service.account.accounts import CreditAccount, OpenAccount, credit, open_account
from service.binding import bindings, deduction_order
from service.binding import register_confirmed as register
from service.binding.parties import Invite
from service.caller import person
from service.clock import business_clock
from service.context import ServiceContext, furnish
from service.ids import stream_of
from service.ledger.command import KeyReusedError
from service.ledger.memory_store import MemoryStore
from service.regions.policy_book import load
from service.vault import Personal, load_keys
from tests.service.settlement.settled_family import AGENCY, PATIENT, asked, move_in, settled

REGIONS = Path(__file__).parents[2] / "service" / "regions"
BOUND_AT = datetime(2025, 1, 1, tzinfo=UTC)
MANY = tuple(f"M{n}" for n in range(20))


def a_context_on(store: MemoryStore, place: Path) -> ServiceContext:
    return furnish(store, load_keys(place / "keys.json"), load(REGIONS), business_clock())


async def bind(context: ServiceContext, number: str) -> None:
    personal = Personal(number, "test", f"ID-{number}")
    opening = OpenAccount(
        personal=personal,
        insurance=Insurance.EMPLOYEE,
        region="990000",
        status="NORMAL",
        flags=(),
    )
    await open_account(context, asked(), opening)
    money = CreditAccount(person_no=number, amount_fen=100, bucket=Bucket.CURRENT, reference=None)
    await credit(context, asked(), money)
    offer = Offer(
        relation=Relation.SIBLING, uses=(Use.CARE,), caps=Caps(), valid_from=None, valid_until=None
    )
    invite = Invite(sponsor=number, beneficiary=PATIENT, offer=offer)
    agreed = register.Register(invite=invite, confirmed_at=BOUND_AT)
    assert (await register.register(context, asked(), agreed)).refusal is None


async def test_a_cold_process_settles_for_a_large_family(tmp_path: Path) -> None:
    """Twenty sponsors are read in few steps, right after a start."""
    store = MemoryStore()
    before = a_context_on(store, tmp_path)
    await move_in(before)
    for number in MANY:
        await bind(before, number)
    await before.close()
    after = a_context_on(store, tmp_path)

    reply = await settled(after, "large", fen=1000 + 2 * 2000 + len(MANY) * 100)

    await after.close()
    assert reply.refusal is None
    assert b'"cash":"0.00"' in reply.answer


async def test_a_used_key_is_answered_though_it_could_not_be_decided_now(tmp_path: Path) -> None:
    """The order was set, its sponsor left, and the same request hears what it heard."""
    context = a_context_on(MemoryStore(), tmp_path)
    await move_in(context)
    mine = person(context.vault, PATIENT)
    request = asked(mine, "order")
    first = await deduction_order.change_order(context, request, PATIENT, ("S1", "S2"), 0)
    listed = await context.store.read((), (context.vault.name("person_no", PATIENT),))
    (account_id,) = listed.names.values()
    state = (await context.store.read((account_id,), ())).heads[account_id].state
    links = {link.sponsor: link.binding for link in state.sponsors}  # type: ignore[union-attr]
    for binding in links.values():
        await bindings.release(context, asked(AGENCY), stream_of("bnd", binding), "over")

    again = await deduction_order.change_order(context, request, PATIENT, ("S1", "S2"), 0)

    assert (first.answer, True) == (again.answer, again.is_replayed)
    with pytest.raises(SponsorInvalidError):
        await deduction_order.change_order(context, asked(mine), PATIENT, ("S1", "S2"), 1)
    other = asked(mine, "order")._replace(digest=b"another")
    with pytest.raises(KeyReusedError):
        await deduction_order.change_order(context, other, PATIENT, ("S2", "S1"), 0)
    await context.close()
