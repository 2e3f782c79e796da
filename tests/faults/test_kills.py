"""kill -9 under load: of services, and of the database under them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest

from service.clock import monotonic_s
from tests.faults.load import Journal, Load, ask_again
from tests.faults.services import Pair, a_pair, family_fen
from tests.faults.verdict import verdict

pytestmark = pytest.mark.deepened

CLIENTS = 12
FEN, OWN_FEN, SPONSOR_FEN = 7, 20_000, 50_000
PAUSE_S = 0.01
BETWEEN_S = 0.3
PATIENCE_S = 100.0
IN_FLIGHT = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gongji-append'"
    " AND state = 'active' AND wait_event_type = 'Lock'"
)


@dataclass
class Campaign:
    """Two services under load, and the kills so far."""

    pair: Pair
    journal: Journal
    load: "asyncio.Task[None]"
    kills: int = 0
    in_flight: int = 0

    async def until(self, question: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until something is so, while the load goes on."""
        deadline = monotonic_s() + PATIENCE_S
        while not await question():
            assert not self.load.done(), self.load.result()
            assert monotonic_s() < deadline, f"{what}: {dict(self.journal.told)}"
            await asyncio.sleep(0.005)

    async def settled_some(self) -> None:
        """Wait until both services are up and answering again."""
        enough = len(self.journal.acknowledged) + 4 * CLIENTS

        async def is_enough() -> bool:
            return len(self.journal.acknowledged) >= enough

        await self.until(is_enough, "nothing is settled any more")
        await asyncio.sleep(BETWEEN_S)

    @asynccontextmanager
    async def appends_held(self, writers: int) -> AsyncIterator[None]:
        """Hold the log head until so many appends wait for it inside the database."""
        beside = await asyncpg.connect(self.pair.dsn)
        watching = await asyncpg.connect(self.pair.dsn)

        async def are_waiting() -> bool:
            return bool(await watching.fetchval(IN_FLIGHT) >= writers)

        try:
            await beside.execute("BEGIN; SELECT FROM log_head FOR UPDATE")
            await self.until(are_waiting, "no append is in flight")
            self.in_flight += 1
            yield
        finally:
            beside.terminate()
            watching.terminate()

    async def kill_guest(self) -> None:
        """Kill the second service while its append waits; the database finishes it or not."""
        async with self.appends_held(writers=2):
            await self.pair.second.kill()
        await self.pair.second.start()

    async def kill_host(self) -> None:
        """Kill the first service while its append waits; its database goes down with it."""
        async with self.appends_held(writers=2):
            await self.pair.first.kill()
        await self.pair.first.start()

    async def kill_blindly(self) -> None:
        """Kill one of them wherever it is."""
        service = (self.pair.first, self.pair.second)[self.kills % 2]
        await service.kill()
        await service.start()

    async def kill_postmaster(self) -> None:
        """Kill the database while both services wait for it; the next start recovers."""
        pid_file = self.pair.data / "postgres" / "postmaster.pid"
        async with self.appends_held(writers=2):
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        assert 1 == await self.pair.first.ended()
        await self.pair.first.start()


async def campaign(pair: Pair, kills: int, *kinds: Callable[[Campaign], Awaitable[None]]) -> str:
    """Kill so often, of each kind in turn, under load; then judge. The figures."""
    journal = Journal()
    load = Load(pair.token, pair.ports, journal)
    running = asyncio.create_task(load.run(CLIENTS, FEN, PAUSE_S))
    under = Campaign(pair, journal, running)
    try:
        for number in range(kills):
            await under.settled_some()
            await kinds[number % len(kinds)](under)
            under.kills += 1
        await under.settled_some()
    finally:
        load.stop.set()
        await running
    brought_in_fen = family_fen(OWN_FEN, SPONSOR_FEN)
    acknowledged = dict(journal.acknowledged)
    in_doubt = journal.in_doubt()
    log = await verdict(pair.dsn, acknowledged, brought_in_fen)
    visits = {event.claim.visit for event in log.settled.values()}
    applied = await ask_again(pair.token, pair.ports()[0], journal)
    assert applied == len(visits.intersection(in_doubt))
    after = await verdict(pair.dsn, journal.acknowledged, brought_in_fen)
    assert not journal.in_doubt()
    assert len(after.settled) == len(journal.sent) == len(journal.acknowledged)
    assert {key: journal.acknowledged[key] for key in acknowledged} == acknowledged
    return (
        f"{under.kills} kills, {under.in_flight} with an append in flight: acknowledged"
        f" {len(acknowledged)}, found {len(visits.intersection(acknowledged))}; in doubt"
        f" {len(in_doubt)}, of which applied {applied}, not applied {len(in_doubt) - applied},"
        f" all settled when asked again; answers {dict(journal.told)}"
    )


async def test_services_are_killed(is_slow: bool, tell: Callable[[str], None]) -> None:  # noqa: FBT001
    """Whoever is killed and when: what was acknowledged is there once, the rest once or not."""
    kinds = (Campaign.kill_guest, Campaign.kill_host, Campaign.kill_blindly)
    async with a_pair(OWN_FEN, SPONSOR_FEN) as pair:
        tell("kill -9 of services: " + await campaign(pair, 20 if is_slow else 3, *kinds))


async def test_the_postmaster_is_killed(is_slow: bool, tell: Callable[[str], None]) -> None:  # noqa: FBT001
    """The database dies under load: its service ends, the next start recovers, nothing is lost."""
    async with a_pair(OWN_FEN, SPONSOR_FEN) as pair:
        kills = 5 if is_slow else 1
        tell("kill -9 of the postmaster: " + await campaign(pair, kills, Campaign.kill_postmaster))
