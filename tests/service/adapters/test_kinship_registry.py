"""The kinship registry on a socket, and its effect on invitations."""

import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from aggregates.binding.binding import Offer
from aggregates.binding.events import Caps
from aggregates.binding.kinship import KinshipRecorded
from aggregates.refusals import KinshipUnprovenError, UnknownError
from aggregates.vocabulary import Relation, Use
from service.adapters.kinship_registry import Registry, RegistryUnavailableError
from service.binding.bindings import invite
from service.binding.parties import Invite
from service.caller import person
from service.clock import business_clock, monotonic_s
from service.context import ServiceContext, furnish
from service.ledger.memory_store import MemoryStore
from service.regions.policy_book import load
from service.vault import load_keys
from tests.service.settlement.settled_family import asked, move_in

pytestmark = pytest.mark.thorough

REGIONS = Path(__file__).parents[3] / "service" / "regions"
FACTS = {"S1": "child", "S2": "sibling"}
START_S = 30.0


def a_sandbox(place: Path, words: dict[str, str]) -> tuple[str, "subprocess.Popen[bytes]"]:
    lines = [
        json.dumps({"person": f"ID-{sponsor}", "relative": "ID-P1", "relation": word})
        for sponsor, word in words.items()
    ]
    facts = place / "facts.ndjson"
    facts.write_text("\n".join(lines))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api.sandbox.kinship", str(port), str(facts)]
    root = Path(__file__).parents[3]
    process = subprocess.Popen(command, cwd=root)
    end = monotonic_s() + START_S
    while monotonic_s() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
    return f"http://127.0.0.1:{port}/kinship", process


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A registry that answers as the test says."""
    url, process = a_sandbox(tmp_path, getattr(request, "param", FACTS))
    yield url
    process.kill()  # a late one would answer first
    process.wait(20)


@pytest.fixture
async def context(sandbox: str, tmp_path: Path) -> AsyncIterator[ServiceContext]:
    """A family without bindings, and a registry."""
    store, keys = MemoryStore(), load_keys(tmp_path / "keys.json")
    context = furnish(store, keys, load(REGIONS), business_clock())
    await move_in(context, sponsors=())
    client = httpx.AsyncClient(timeout=1.0, trust_env=False)
    context.registry = Registry(sandbox, client)
    yield context
    await context.close()


def an_offer(relation: Relation) -> Invite:
    offer = Offer(
        relation=relation, uses=(Use.CARE,), caps=Caps(), valid_from=None, valid_until=None
    )
    return Invite(sponsor=None, beneficiary="P1", offer=offer)


async def invited(context: ServiceContext, sponsor: str, relation: Relation) -> str | None:
    request = asked(person(context.vault, sponsor))
    return (await invite(context, request, an_offer(relation))).refusal


async def test_the_registrys_word_is_kept_in_the_log(context: ServiceContext) -> None:
    """A registered kinship is recorded for both persons, and the invitation is accepted."""
    refusal = await invited(context, "S1", Relation.CHILD)

    assert isinstance(context.store, MemoryStore)
    relations = [
        r.event.relation for r in context.store.log if isinstance(r.event, KinshipRecorded)
    ]
    assert refusal is None
    assert sorted(relations) == [Relation.CHILD, Relation.PARENT]


async def test_another_word_of_the_registry_proves_nothing(context: ServiceContext) -> None:
    """A registered sibling cannot be invited as a child."""
    assert await invited(context, "S2", Relation.CHILD) == KinshipUnprovenError.code()


@pytest.mark.parametrize("sandbox", [{}], indirect=True)
async def test_a_registry_that_knows_nothing_proves_nothing(context: ServiceContext) -> None:
    """Without an entry in the registry imported kinships count."""
    assert await invited(context, "S1", Relation.CHILD) == KinshipUnprovenError.code()


@pytest.mark.parametrize(
    "sandbox", [{"S1": word} for word in ("slow", "broken", "down")], indirect=True
)
async def test_a_registry_that_fails_stops_nothing_else(context: ServiceContext) -> None:
    """After a late or invalid answer nothing is applied."""
    assert isinstance(context.store, MemoryStore)
    before = len(context.store.log)

    with pytest.raises(RegistryUnavailableError):
        await invited(context, "S1", Relation.CHILD)

    assert before == len(context.store.log)


async def test_a_registry_that_is_not_there_stops_nothing_else(context: ServiceContext) -> None:
    """Without a server nothing is applied."""
    context.registry = Registry("http://127.0.0.1:9/kinship")

    with pytest.raises(RegistryUnavailableError):
        await invited(context, "S1", Relation.CHILD)


async def test_the_registry_is_not_asked_about_strangers(context: ServiceContext) -> None:
    """An invitation in another's name is refused before the registry is asked."""
    assert isinstance(context.store, MemoryStore)
    before = len(context.store.log)
    request = asked(person(context.vault, "S2"))

    with pytest.raises(UnknownError):
        await invite(context, request, replace(an_offer(Relation.CHILD), sponsor="S1"))

    assert before == len(context.store.log)
