"""Every scenario over HTTP, through a real server, on PostgreSQL (policy.md §8, §3.2)."""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx
import psycopg
import pytest

from aggregates.policy.edition import Edition
from api.http.tokens import NATION, days_from_now, issue
from service.adapters.http_client import http_client
from service.caller import Role
from tests.api.real_server import Room
from tests.cases.http_driver import HttpDriver
from tests.cases.reading import Case, read_cases
from tests.cases.world import play
from tests.ledgers import TEMPLATE, of_database

CASES = {case.id: case for case in read_cases().values() if case.level != "process"}


def over_http(case: Case) -> object:
    """A case; those of other tables than policy.md §8 differ in the rules alone: they are slow."""
    is_slow = bool(case.given.shipped or case.given.policy) or not case.id.startswith("S")
    return pytest.param(case, id=case.id, marks=pytest.mark.slow if is_slow else ())


@pytest.fixture(scope="module")
def room(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The one server of all cases, on a ledger that each case finds empty."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE room TEMPLATE {TEMPLATE}")
        room = Room(tmp_path_factory.mktemp("room"), of_database(cluster, "room"))
        yield room
        room.close()
        connection.execute("DROP DATABASE room WITH (FORCE)")


@pytest.fixture(scope="module")
def tokens() -> dict[tuple[str, str], str]:
    """The tokens issued so far."""
    return {}


class Serving:
    """The room as one case finds it: with nothing in its ledger."""

    def __init__(self, room: Room, tokens: dict[tuple[str, str], str]) -> None:
        """Take the room over."""
        self.clock = room.clock
        self._room, self._tokens = room, tokens

    async def begin(self, editions: tuple[Edition, ...]) -> httpx.AsyncClient:
        """Serve an empty ledger with these rules; a client of it."""
        await self._room.furnish(editions)
        client = http_client(30)
        client.base_url = httpx.URL(self._room.address)
        return client

    async def load(self, line: Mapping[str, object]) -> tuple[str | None, dict[str, Any]]:
        """Import a line."""
        return await self._room.load(line)

    async def behave(self, word: str) -> None:
        """Let the tax side behave like this from now on."""
        await self._room.behave(word)

    async def resolve(self) -> None:
        """Take on every premium that the tax side has not answered."""
        await self._room.resolve()

    def bearer(self, role: str, subject: str) -> dict[str, str]:
        """The Authorization header of a caller."""
        who = role, subject
        if who not in self._tokens:
            ends_at = days_from_now(1)
            region = NATION if role == Role.AGENCY else None
            self._tokens[who] = issue(self._room.issuer, Role(role), subject, region, ends_at)
        return {"Authorization": f"Bearer {self._tokens[who]}"}


@pytest.fixture
async def driver(room: Room, tokens: dict[tuple[str, str], str]) -> AsyncIterator[HttpDriver]:
    """A client whose ledger is let go afterwards."""
    driver = HttpDriver(Serving(room, tokens))
    yield driver
    await driver.close()
    await room.vacate()


@pytest.mark.parametrize("case", list(map(over_http, CASES.values())))
async def test_the_service_answers_as_the_scenarios_say(case: Case, driver: HttpDriver) -> None:
    """What is given and what happens lead to what the scenario says."""
    await play(case, driver)
