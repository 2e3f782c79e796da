"""Two services on one PostgreSQL, their business clocks up to 10 s apart, over New Years (D3)."""

import asyncio
import hashlib
import itertools
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest

from aggregates.account.events import Credited
from aggregates.account.state import Account
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import BEIJING, StreamId
from api.http.tokens import days_from_now, issue, make_issuer
from service.caller import Role
from service.clock import machine_now, monotonic_s, new_secret, of_micros
from service.context import open_postgres
from service.ledger.codec import Recorded, kind_of
from service.ledger.postgres.store import PostgresStore
from service.settings import Settings
from tests.api.programs import run
from tests.faults.load import LOST, Client
from tests.faults.services import ROOT, START_S, environment
from tests.faults.skewed_service import FileClock
from tests.service.one_time import check_log
from tests.service.settlement.settled_family import HOSPITAL, PATIENT, SPONSORS, move_in

OPERATIONS, CLIENTS, SET_EVERY = 10_000, 8, 40
BEGAN_AT = datetime(2026, 12, 31, 12, tzinfo=BEIJING)
SKEW_MAX_MS = 5_000
"""Either way from the true time, so that two clocks are up to 10 s apart."""
PASSES_S = (0, 0, 0, 1, 1, 5, 60, 900, 86_400, 10 * 86_400)
PAGE = 5_000
T = TypeVar("T")


class Chance:
    """Choices that a seed repeats."""

    def __init__(self, seed: int) -> None:
        """Begin with a seed."""
        self._seed = seed
        self._drawn = itertools.count()

    def below(self, end: int) -> int:
        """A number from 0 on, below another."""
        drawn = hashlib.sha256(f"{self._seed}:{next(self._drawn)}".encode()).digest()
        return int.from_bytes(drawn) % end

    def choice(self, of: Sequence[T]) -> T:
        """One of several."""
        return of[self.below(len(of))]


class Clocks:
    """The files that say how wrong each service's clock is."""

    def __init__(self, place: Path, chance: Chance) -> None:
        """Both are right."""
        self.files = [place / f"clock-{number}" for number in range(2)]
        self._chance = chance
        self._ahead_s = (BEGAN_AT - machine_now()).total_seconds()
        self.apart_s: list[float] = []
        self._write([0.0, 0.0])

    def set(self) -> None:
        """Time goes on, and both clocks are set, forward or back."""
        self._ahead_s += self._chance.choice(PASSES_S)
        skews = [(self._chance.below(2 * SKEW_MAX_MS + 1) - SKEW_MAX_MS) / 1000 for _ in self.files]
        self.apart_s.append(abs(skews[0] - skews[1]))
        self._write(skews)

    def _write(self, skews: list[float]) -> None:
        for file, skew in zip(self.files, skews, strict=True):
            fresh = file.with_suffix(".new")
            fresh.write_text(f"{self._ahead_s + skew:f}", encoding="ascii")
            fresh.replace(file)


class Counters:
    """Clients that do whatever comes to their mind, at whichever service."""

    def __init__(self, ports: list[int], tokens: tuple[str, str], chance: Chance) -> None:
        """Know where to ask, as the hospital and as the agency."""
        self.chance, self._ports = chance, ports
        self._tokens = tokens
        self._numbers = itertools.count()
        self.holds: list[str] = []
        self.settled: list[str] = []
        self.told: Counter[tuple[str, int]] = Counter()

    async def run(self, clocks: Clocks, numbers: "itertools.count[int]") -> None:
        """One operation after the other."""
        clients = [Client(token) for token in self._tokens]
        while (number := next(numbers)) < OPERATIONS:
            if number % SET_EVERY == 0:
                clocks.set()
            await self._one(number, clients)
        for client in clients:
            client.hang_up()

    async def _one(self, number: int, clients: list[Client]) -> None:
        what, path, body = self._choose(number)
        client = clients[what == "credit"]
        port = self.chance.choice(self._ports)
        sent = (port, f"key-{number}", json.dumps(body).encode(), path)
        try:
            answer = await client.post(*sent)
        except LOST:  # an idle connection was hung up
            answer = await client.post(*sent)
        self.told[what, answer.status] += 1
        assert answer.status in {200, 201, 409, 422}, (what, answer)
        if answer.status == 201:
            told = json.loads(answer.body)
            if what == "hold":
                self.holds.append(told["hold_id"])
            elif what in {"bill", "capture"}:
                self.settled.append(told["settlement_id"])

    def _choose(self, number: int) -> tuple[str, str, dict[str, object]]:
        chance = self.chance
        what = chance.choice(
            ("bill", "hold", "hold", "capture", "capture", "refund", "cancel", "credit")
        )
        fen = chance.choice((100, 500, 1_000, 2_500, 5_000))
        if what == "capture" and self.holds:
            return what, f"/v1/holds/{chance.choice(self.holds[-12:])}/capture", {}
        if what in {"refund", "cancel"} and self.settled:
            of = f"/v1/settlements/{chance.choice(self.settled[-40:])}"
            if what == "refund":
                return what, f"{of}/refunds", {"amount": yuan(1 + chance.below(fen))}
            return what, f"{of}/cancellation", {"reason": "told"}
        if what == "credit":
            who = chance.choice((PATIENT, *SPONSORS))
            return what, f"/v1/accounts/{who}/credits", {"amount": yuan(fen)}
        bill: dict[str, object] = {
            "beneficiary": {"type": "person_no", "value": PATIENT},
            "visit": f"visit-{number - chance.below(20)}",
            "charge_batch": "1",
            "med_type": "11",
            "treated_at": "2026-03-02T10:15:00+08:00",
            "total": yuan(fen),
            "fund_pay": "0.00",
        }
        if what == "hold":
            seconds = chance.choice((1, 2, 3, 5, 8, 60, 86_400))
            return what, "/v1/holds", bill | {"expires_in": seconds}
        return "bill", "/v1/settlements", bill


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


@asynccontextmanager
async def services(dsn: str, place: Path, files: list[Path]) -> AsyncIterator[list[int]]:
    """Two services, each with a wrong clock; the ports that they listen on."""
    told = environment(
        GONGJI_DATABASE_URL=dsn,
        GONGJI_DATA=str(place),
        GONGJI_TOKEN_KEYS=str(place / "issuer.json"),
        GONGJI_DEADLINE_S="60",
    )
    started: list[asyncio.subprocess.Process] = []
    ports: list[int] = []
    try:
        for file in files:
            words = (sys.executable, "-P", "-m", "tests.faults.skewed_service", str(file))
            process = await asyncio.create_subprocess_exec(
                *words, cwd=ROOT, env=told, stdout=asyncio.subprocess.PIPE
            )
            started.append(process)
            assert process.stdout is not None
            async with asyncio.timeout(START_S):
                said = await process.stdout.readline()
            ports.append(int(said.split()[1]))
        yield ports
    finally:
        for process in started:
            if process.returncode is None:
                process.terminate()
            await process.wait()


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_ten_thousand_operations(
    dsn: str, tmp_path: Path, tell: Callable[[str], None]
) -> None:
    """No share is below zero, every sum is exact, nothing fails inside; it says what it did."""
    seed = int(os.environ.get("GONGJI_SEED", "0")) or int.from_bytes(new_secret(4))
    chance = Chance(seed)
    clocks = Clocks(tmp_path, chance)
    settings = Settings.read({"GONGJI_DATA": str(tmp_path)})
    context = await open_postgres(settings, dsn, FileClock(clocks.files[0]))
    await move_in(context)
    await context.close()
    issuer = tmp_path / "issuer.json"
    make_issuer(issuer)
    tokens = (
        issue(issuer, Role.INSTITUTION, HOSPITAL.subject, None, days_from_now(1)),
        issue(issuer, Role.AGENCY, "test", "990000", days_from_now(1)),
    )
    began_s = monotonic_s()
    async with services(dsn, tmp_path, clocks.files) as ports:
        counters = Counters(ports, tokens, chance)
        numbers = itertools.count()
        await asyncio.gather(*(counters.run(clocks, numbers) for _ in range(CLIENTS)))
    took_s = monotonic_s() - began_s
    log, lines = await judged(dsn)
    said = await asyncio.to_thread(
        run, "replay", GONGJI_DATABASE_URL=dsn, GONGJI_DATA=str(tmp_path)
    )

    assert counters.told["capture", 201] > OPERATIONS // 100
    each = ", ".join(f"{what} {status}: {n}" for (what, status), n in sorted(counters.told.items()))
    tell(
        f"skewed clocks (seed {seed}): {counters.told.total()} operations at 2 services in"
        f" {took_s:.0f} s, clocks set {len(clocks.apart_s)} times, up to"
        f" {max(clocks.apart_s):.1f} s apart; {each}; {len(log)} events to"
        f" {log[-1].recorded_at // 1_000_000 - log[0].recorded_at // 1_000_000} s later; {lines};"
        f" 0 shares below zero, 0 internal errors; replay: {said.strip().splitlines()[-1]}"
    )


async def judged(dsn: str) -> tuple[list[Recorded], str]:
    """The log, and the sums of what came in and where it is.

    Raises:
        AssertionError: fen were made or lost, or a law is broken.
    """
    store = PostgresStore(dsn)
    await store.open()
    log: list[Recorded] = []
    while page := await store.page(len(log), PAGE):
        log += page
    await store.close()
    states: dict[StreamId, object] = {}
    for one in log:
        states[one.stream] = kind_of(one.stream).evolve(states.get(one.stream), one.event)
    check_log(log, states.values())
    came_in = sum(one.event.amount_fen for one in log if isinstance(one.event, Credited))
    left = sum(state.balance_fen for state in states.values() if isinstance(state, Account))
    stays = [s.stay for s in states.values() if isinstance(s, Settlement) and s.stay is not None]
    paid = sum(stay.own_fen + stay.aid_fen for stay in stays)
    assert came_in == left + paid
    years = len({of_micros(one.recorded_at).year for one in log})
    assert years > 1
    return log, f"{came_in} fen came in, {left} left, {paid} paid, in {years} years"
