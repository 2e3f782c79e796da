"""Credential links in the ledger: no code in plain text, and concurrent requests."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregates.credential_link.decisions import SLOTS
from aggregates.credential_link.events import CodeShown
from aggregates.credential_link.link import Link
from aggregates.refusals import AccountEndedError, CodeExpiredError
from aggregates.vocabulary import Insurance, LinkEvidence, Relation, StreamId
from service.account import accounts
from service.caller import person
from service.context import ServiceContext
from service.credential_link import closure, codes, confirmation, opening
from service.ledger.codec import kind_of
from service.ledger.memory_store import MemoryStore
from service.person.credentials import Identity
from service.vault import Personal, Vault
from service.visit.identify import identify
from tests.cases.reading import Step
from tests.cases.service_driver import ServiceDriver
from tests.service.credential_link.guardian_family import Life, come, must, settled_in
from tests.service.settlement.settled_family import (
    AGENCY,
    HOSPITAL,
    PATIENT,
    REGION,
    SPONSORS,
    a_context,
    asked,
    move_in,
)

MEMBERS = tuple(f"M{number}" for number in range(12))


# ---------------------------------------------------------------- no code in plain text


@pytest.fixture
async def driver() -> AsyncIterator[ServiceDriver]:
    """A family of a patient and a guardian, linked, on a ledger in memory."""
    driver = ServiceDriver()
    await come(driver, Life(2_000, (), 9_000, 1_000, Relation.CHILD))
    await must(driver, Step(do="link", by="G", who="A"))
    await must(driver, Step(do="agree", link="G>A"))
    yield driver
    await driver.close()


async def test_a_code_is_stored_nowhere(driver: ServiceDriver) -> None:
    """Log, heads, names and stored answers do not contain the code."""
    shown = await must(driver, Step(do="show", link="G>A", key="k1"))
    bill = Step(do="settle", shown="shown", personal="10.00", key="k2")
    await must(driver, bill, shown=shown)
    assert driver.context is not None
    store = driver.context.store
    assert isinstance(store, MemoryStore)
    stored = repr((store.log, store.heads, store.keys, store.names))

    assert 40 == len(shown.code)
    assert shown.code not in stored
    assert shown.code.lower() not in stored
    assert driver.context.vault.name("e_credential", shown.code).hex() in stored
    assert shown.code == (await must(driver, Step(do="show", link="G>A", key="k1"))).code


async def test_only_the_ledgers_own_key_makes_its_codes(driver: ServiceDriver) -> None:
    """With another key the codes differ; each request has its own."""
    shown = [
        (await must(driver, Step(do="show", link="G>A", key=key))).code for key in ("k1", "k2")
    ]
    assert driver.context is not None
    link = driver.links.id_of("G>A")
    words = [f"{link}\0person:G\0{key}" for key in ("k1", "k2")]
    others = Vault(bytes(32), bytes([1] * 32))

    assert shown == [driver.context.vault.token(word) for word in words]
    assert set() == set(shown) & {others.token(word) for word in words}
    assert 2 == len(set(shown))


async def test_a_display_joins_its_settlements(driver: ServiceDriver) -> None:
    """The display's digest is the claim's; guardian, member, time and channel are recorded."""
    shown = await must(driver, Step(do="show", link="G>A"))
    await must(driver, Step(do="settle", shown="shown", personal="1.00"), shown=shown)
    await must(driver, Step(do="settle", who="A", credential="shown", personal="1.00"), shown=shown)
    await must(driver, Step(do="settle", who="A", personal="1.00"))
    assert driver.context is not None
    (display,) = [r for r in driver.context.store.log if isinstance(r.event, CodeShown)]  # type: ignore[attr-defined]

    code = display.event.code
    assert [code, code, None] == [s.claim.credential for s in settled_in(driver.context)]
    assert driver.clock.at == display.event.shown_at
    assert ("person:G", "cases") == (display.act.actor, display.act.channel)
    link = await driver.context.store.history(display.stream)
    opened = link[0].event
    assert (opened.guardian, opened.member) == (  # type: ignore[union-attr]
        display.event.guardian,
        display.event.member,
    )


async def test_an_expired_code_leaves_its_key_free(driver: ServiceDriver) -> None:
    """A bill refused for an expired code is settled under the same key with a new one."""
    old = await must(driver, Step(do="show", link="G>A"))
    driver.clock.at = driver.clock.at.replace(hour=4)
    bill = Step(do="settle", shown="shown", personal="1.00", visit="v", key="bill")
    refused = await driver.do(bill, {"shown": old})
    fresh = await must(driver, Step(do="show", link="G>A"))

    assert CodeExpiredError.code() == refused.refused
    assert "1.00" == (await must(driver, bill, shown=fresh)).own


@pytest.mark.parametrize("status", ["DECEASED", "TRANSFERRED", "CLOSED"])
@pytest.mark.parametrize("who", ["A", "G"])
async def test_a_code_ends_with_either_account(
    driver: ServiceDriver, who: str, status: str
) -> None:
    """A code shown before a side's account ended is invalid, and the link can be closed."""
    shown = await must(driver, Step(do="show", link="G>A"))
    assert driver.context is not None
    code = Identity("e_credential", shown.code)
    patient = await identify(driver.context, HOSPITAL, code)
    await must(driver, Step(do="status", who=who, status=status))
    with pytest.raises(AccountEndedError):
        await identify(driver.context, HOSPITAL, code)

    assert "A" == patient.person.person_no
    refused = (await driver.do(Step(do="show", link="G>A"), {})).refused
    assert AccountEndedError.code() == refused
    await must(driver, Step(do="unlink", link="G>A", by="agency"))


# ---------------------------------------------------------------- concurrent requests


@pytest.fixture
async def contexts(
    dsn: str, tmp_path: Path
) -> AsyncIterator[tuple[ServiceContext, ServiceContext]]:
    """Two processes on one ledger, with a guardian and many possible members."""
    async with a_context(dsn, tmp_path) as here, a_context(dsn, tmp_path) as there:
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


async def opened(context: ServiceContext, guardian: str, member: str) -> str | None:
    command = opening.OpenLink(
        guardian=guardian,
        member=member,
        relation=Relation.PARENT,
        evidence=LinkEvidence.FACE,
        reference="FACE-1",
    )
    reply = await opening.open_link(context, asked(person(context.vault, guardian)), command)
    return reply.refusal


async def live_links(context: ServiceContext) -> dict[StreamId, Link]:
    """The open links of a log."""
    folded: dict[StreamId, Link] = {}
    for recorded in await context.store.page(0, 100_000):
        if recorded.stream.startswith("lnk_"):
            kind = kind_of(recorded.stream)
            folded[recorded.stream] = kind.evolve(folded.get(recorded.stream), recorded.event)
    return {stream: link for stream, link in folded.items() if link.closed_at is None}


async def test_two_processes_link_five_and_no_sixth(
    contexts: tuple[ServiceContext, ServiceContext],
) -> None:
    """Of many concurrent requests of one guardian five succeed, each in its slot."""
    guardian = SPONSORS[0]
    both = zip(MEMBERS, itertools.cycle(contexts), strict=False)
    replies = await asyncio.gather(*(opened(context, guardian, member) for member, context in both))

    assert {None: 5, "LINK_LIMIT": 7} == Counter(replies)
    live = await live_links(contexts[1])
    assert list(SLOTS) == sorted(link.slot for link in live.values())
    assert 5 == len({link.member for link in live.values()})


async def test_two_processes_link_a_pair_once(
    contexts: tuple[ServiceContext, ServiceContext],
) -> None:
    """Two persons linked in both processes at once, closed in one, linked again in the other."""
    here, there = contexts
    guardian, member = SPONSORS[0], PATIENT
    for _ in range(3):
        replies = await asyncio.gather(
            *(opened(context, guardian, member) for context in (here, there, here, there))
        )
        assert [None] == [refusal for refusal in replies if refusal is None]
        assert {"ALREADY_LINKED", None} == set(replies)
        (link_id,) = await live_links(here)
        closing = asked(person(there.vault, member))
        assert None is (await closure.close_link(there, closing, link_id, "told")).refusal
    assert {} == await live_links(there)


async def test_a_link_closed_there_shows_nothing_here(
    contexts: tuple[ServiceContext, ServiceContext],
) -> None:
    """A process with a cached link notices that another process closed it."""
    here, there = contexts
    assert None is await opened(here, SPONSORS[0], PATIENT)
    (link_id,) = await live_links(here)
    guardian = person(here.vault, SPONSORS[0])
    agreeing = asked(person(there.vault, PATIENT))
    assert None is (await confirmation.confirm_link(there, agreeing, link_id)).refusal
    assert None is (await codes.show_code(here, asked(guardian), link_id)).refusal
    await closure.close_link(there, asked(AGENCY), link_id, "told")

    assert "LINK_CLOSED" == (await codes.show_code(here, asked(guardian), link_id)).refusal
