"""Credential links as the service keeps them: counted once, never money, never a code in clear."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from aggregates.link import SLOTS, Link
from aggregates.link_events import CodeShown
from aggregates.refusals import CodeExpiredError
from aggregates.settlement_events import Settled
from aggregates.vocabulary import Insurance, LinkEvidence, LinkStatus, Relation, StreamId
from service import accounts, links
from service.caller import institution, person
from service.claims import Identity, SettleBill
from service.house import House
from service.ledger.memory import MemoryStore
from service.ledger.rows import kind_of
from service.persons import Keys, Personal
from service.quote import quote
from tests.cases.house_driver import HouseDriver
from tests.cases.reading import Bound, CapsInYuan, Person, Step, yuan
from tests.cases.reading import Counter as Till
from tests.cases.world import P0, Outcome
from tests.service.household import AGENCY, PATIENT, REGION, SPONSORS, a_house, asked, move_in

HOSPITAL = institution(Till().code)
MEMBERS = tuple(f"M{number}" for number in range(12))


# ---------------------------------------------------------------- never money


class Life(NamedTuple):
    """A family and a bill, drawn."""

    own_fen: int | None
    sponsors: tuple[tuple[int, int | None], ...]
    guardian_fen: int
    personal_fen: int
    relation: Relation


fen = st.integers(0, 30_000)
lives = st.builds(
    Life,
    st.none() | fen,
    st.lists(st.tuples(fen, st.none() | fen), max_size=3).map(tuple),
    fen,
    st.integers(0, 60_000),
    st.sampled_from(Relation),
)


async def come(driver: HouseDriver, life: Life) -> None:
    """The patient A, his sponsors, and a guardian G of his who sponsors nobody."""
    await driver.furnish((P0,))
    driver.clock.at = datetime(2026, 3, 2, 2, tzinfo=UTC)
    await must(driver, Step(do="designate", counter=Till()))
    insurance = Insurance.RESIDENT if life.own_fen is None else Insurance.EMPLOYEE
    money = {"A": life.own_fen or 0, "G": life.guardian_fen}
    money |= {f"S{number}": own for number, (own, _) in enumerate(life.sponsors)}
    for who, own_fen in money.items():
        is_patient = who == "A"
        opening = Person(insurance=insurance if is_patient else Insurance.EMPLOYEE)
        await must(driver, Step(do="open", who=who, person=opening))
        if own_fen:
            await must(driver, Step(do="credit", who=who, amount=yuan(own_fen)))
    for number, (_, cap) in enumerate(life.sponsors):
        offer = Bound(sponsor=f"S{number}", caps=CapsInYuan(per_settlement=cap))
        await must(driver, Step(do="relate", by=offer.sponsor, relation=offer.relation))
        await must(driver, Step(do="invite", offer=offer))
        await must(driver, Step(do="confirm", binding=f"S{number}>A"))


async def must(driver: HouseDriver, step: Step, **before: Outcome) -> Outcome:
    outcome = await driver.do(step, before)
    assert outcome.refused is None, (step, outcome)
    return outcome


async def quoted(driver: HouseDriver, life: Life, named: Identity) -> dict[str, Any]:
    """What settling would answer, without the word that stands for the claim's own bytes."""
    bill = SettleBill(
        beneficiary=named,
        visit="v",
        charge_batch="1",
        med_type="11",
        treated_at=driver.clock.at,
        total_fen=life.personal_fen,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=bytes(32),
    )
    assert driver.house is not None
    answer = json.loads((await quote(driver.house, HOSPITAL, bill)).answer)
    del answer["plan_hash"]
    return dict(answer)


async def without_and_with(life: Life) -> None:
    driver = HouseDriver()
    try:
        await come(driver, life)
        without = await quoted(driver, life, Identity("person_no", "A"))
        await must(driver, Step(do="link", by="G", who="A", relation=life.relation))
        linked = await quoted(driver, life, Identity("person_no", "A"))
        shown = await must(driver, Step(do="show", link="G>A"))
        by_code = await quoted(driver, life, Identity("e_credential", shown.code))
        assert to_json(without) == to_json(linked) == to_json(by_code)

        bill = Step(do="settle", shown="shown", personal=yuan(life.personal_fen), visit="v")
        paid = await must(driver, bill, shown=shown)
        await must(driver, Step(do="cancel", quoted="paid"), paid=paid)
        await must(driver, replace(bill, shown=""))
        first, second = settled_in(driver.house)
        assert shown_in(driver.house)[0].code == first.claim.credential
        assert None is second.claim.credential
        assert first.claim == replace(second.claim, credential=first.claim.credential)
        for member in ("payers", "reasons", "own_fen", "aid_fen", "cash_fen", "own_after_fen"):
            assert getattr(first, member) == getattr(second, member)
        assert (life.guardian_fen, 0) == await driver.left("G")
    finally:
        await driver.close()


@settings(max_examples=40, deadline=None)
@given(lives)
def test_a_link_changes_no_fen_of_any_bill(life: Life) -> None:
    """Whoever is linked and whoever shows the code, the split is the same to the byte (R203)."""
    with asyncio.Runner() as loop:
        loop.run(without_and_with(life))


# ---------------------------------------------------------------- never in clear


def settled_in(house: House | None) -> list[Settled]:
    assert house is not None
    assert isinstance(house.store, MemoryStore)
    return [r.event for r in house.store.log if isinstance(r.event, Settled)]


def shown_in(house: House | None) -> list[CodeShown]:
    assert house is not None
    assert isinstance(house.store, MemoryStore)
    return [r.event for r in house.store.log if isinstance(r.event, CodeShown)]


@pytest.fixture
async def driver() -> AsyncIterator[HouseDriver]:
    """A family of a patient and a guardian, linked, on a ledger in memory."""
    driver = HouseDriver()
    await come(driver, Life(2_000, (), 9_000, 1_000, Relation.CHILD))
    await must(driver, Step(do="link", by="G", who="A"))
    yield driver
    await driver.close()


async def test_a_code_is_stored_nowhere(driver: HouseDriver) -> None:
    """Neither log, nor heads, nor names, nor stored answers hold the code that was answered."""
    shown = await must(driver, Step(do="show", link="G>A", key="k1"))
    bill = Step(do="settle", shown="shown", personal="10.00", key="k2")
    await must(driver, bill, shown=shown)
    assert driver.house is not None
    store = driver.house.store
    assert isinstance(store, MemoryStore)
    held = repr((store.log, store.heads, store.keys, store.names))

    assert 40 == len(shown.code)
    assert shown.code not in held
    assert shown.code.lower() not in held
    assert driver.house.keys.name("e_credential", shown.code).hex() in held
    assert shown.code == (await must(driver, Step(do="show", link="G>A", key="k1"))).code


async def test_only_the_ledgers_own_key_makes_its_codes(driver: HouseDriver) -> None:
    """Who has every stored byte and another key makes other codes; each request has its own."""
    shown = [
        (await must(driver, Step(do="show", link="G>A", key=key))).code for key in ("k1", "k2")
    ]
    assert driver.house is not None
    link = driver.links.id_of("G>A")
    words = [f"{link}\0person:G\0{key}" for key in ("k1", "k2")]
    others = Keys(bytes(32), bytes([1] * 32))

    assert shown == [driver.house.keys.token(word) for word in words]
    assert set() == set(shown) & {others.token(word) for word in words}
    assert 2 == len(set(shown))


async def test_a_display_joins_its_settlements(driver: HouseDriver) -> None:
    """The digest of the display is that of the claim; guardian, member, time, channel are told."""
    shown = await must(driver, Step(do="show", link="G>A"))
    await must(driver, Step(do="settle", shown="shown", personal="1.00"), shown=shown)
    await must(driver, Step(do="settle", who="A", credential="shown", personal="1.00"), shown=shown)
    await must(driver, Step(do="settle", who="A", personal="1.00"))
    assert driver.house is not None
    (display,) = [r for r in driver.house.store.log if isinstance(r.event, CodeShown)]  # type: ignore[attr-defined]

    code = display.event.code
    assert [code, code, None] == [s.claim.credential for s in settled_in(driver.house)]
    assert driver.clock.at == display.event.shown_at
    assert ("person:G", "cases") == (display.act.actor, display.act.channel)
    link = await driver.house.store.history(display.stream)
    opened = link[0].event
    assert (opened.guardian, opened.member) == (  # type: ignore[union-attr]
        display.event.guardian,
        display.event.member,
    )


async def test_an_expired_code_leaves_its_key_free(driver: HouseDriver) -> None:
    """A bill that came with a code too old is settled under the same key with a fresh one."""
    old = await must(driver, Step(do="show", link="G>A"))
    driver.clock.at = driver.clock.at.replace(hour=4)
    bill = Step(do="settle", shown="shown", personal="1.00", visit="v", key="bill")
    refused = await driver.do(bill, {"shown": old})
    fresh = await must(driver, Step(do="show", link="G>A"))

    assert CodeExpiredError.code() == refused.refused
    assert "1.00" == (await must(driver, bill, shown=fresh)).own


# ---------------------------------------------------------------- at one instant


@pytest.fixture
async def houses(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[House, House]]:
    """Two houses on one ledger, with a guardian and many who could be his members."""
    async with a_house(dsn, tmp_path) as here, a_house(dsn, tmp_path) as there:
        await move_in(here, sponsors=())
        for number in MEMBERS:
            opening = accounts.OpenAccount(
                personal=Personal(number, "test", f"ID-{number}"),
                insurance=Insurance.RESIDENT,
                region=REGION,
                status="NORMAL",
                flags=(),
            )
            await accounts.open_account(here, asked(), opening)
        yield here, there


async def opened(house: House, guardian: str, member: str) -> str | None:
    command = links.OpenLink(
        guardian=guardian,
        member=member,
        relation=Relation.PARENT,
        evidence=LinkEvidence.FACE,
        reference="FACE-1",
    )
    reply = await links.open_link(house, asked(person(house.keys, guardian)), command)
    return reply.refusal


async def live_links(house: House) -> dict[StreamId, Link]:
    """Every live link of a log."""
    folded: dict[StreamId, Link] = {}
    for recorded in await house.store.page(0, 100_000):
        if recorded.stream.startswith("lnk_"):
            kind = kind_of(recorded.stream)
            folded[recorded.stream] = kind.evolve(folded.get(recorded.stream), recorded.event)
    return {stream: link for stream, link in folded.items() if link.status is LinkStatus.ACTIVE}


async def test_two_processes_link_five_and_no_sixth(houses: tuple[House, House]) -> None:
    """Many links of one guardian at once in two processes: five are made, each in its slot."""
    guardian = SPONSORS[0]
    both = zip(MEMBERS, itertools.cycle(houses), strict=False)
    told = await asyncio.gather(*(opened(house, guardian, member) for member, house in both))

    assert {None: 5, "LINK_LIMIT": 7} == Counter(told)
    live = await live_links(houses[1])
    assert list(SLOTS) == sorted(link.slot for link in live.values())
    assert 5 == len({link.member for link in live.values()})


async def test_two_processes_link_a_pair_once(houses: tuple[House, House]) -> None:
    """The same two linked in both processes at once, closed there, and linked anew here."""
    here, there = houses
    guardian, member = SPONSORS[0], PATIENT
    for _ in range(3):
        told = await asyncio.gather(
            *(opened(house, guardian, member) for house in (here, there, here, there))
        )
        assert [None] == [refusal for refusal in told if refusal is None]
        assert {"ALREADY_LINKED", None} == set(told)
        (link_id,) = await live_links(here)
        closing = asked(person(there.keys, member))
        assert None is (await links.close_link(there, closing, link_id, "told")).refusal
    assert {} == await live_links(there)


async def test_a_link_closed_there_shows_nothing_here(houses: tuple[House, House]) -> None:
    """A process that knows the link does not miss that another one closed it."""
    here, there = houses
    assert None is await opened(here, SPONSORS[0], PATIENT)
    (link_id,) = await live_links(here)
    guardian = person(here.keys, SPONSORS[0])
    assert None is (await links.show_code(here, asked(guardian), link_id)).refusal
    await links.close_link(there, asked(AGENCY), link_id, "told")

    assert "LINK_CLOSED" == (await links.show_code(here, asked(guardian), link_id)).refusal
