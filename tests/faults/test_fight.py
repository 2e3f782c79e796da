"""Two services on one database, and clients that fight over one family's last fen."""

import asyncio
import json
from collections.abc import Callable, Iterator

import pytest

from tests.faults.load import Client, Journal, claim
from tests.faults.services import Pair, a_pair, family_fen
from tests.faults.verdict import verdict

pytestmark = pytest.mark.deepened

CLIENTS = 64
FEN, OWN_FEN = 7, 101


async def test_the_last_fen(is_slow: bool, tell: Callable[[str], None]) -> None:  # noqa: FBT001
    """Under 64 clients at two services nothing is lost, doubled or overdrawn."""
    claims = 2000 if is_slow else 400
    sponsor_fen = FEN * claims // 4
    async with a_pair(OWN_FEN, sponsor_fen) as pair:
        journal = Journal()
        numbers = iter(range(claims))
        fights = [Fight(pair, journal, client) for client in range(CLIENTS)]
        await asyncio.gather(*(fight.run(numbers) for fight in fights))
        brought_in_fen = family_fen(OWN_FEN, sponsor_fen)
        log = await verdict(pair.dsn, journal.acknowledged, brought_in_fen)
        cancelled = sum(fight.cancelled for fight in fights)

        assert claims == len(journal.acknowledged) == len(log.settled)
        assert cancelled == len(log.cancelled) > 0
        assert log.paid_fen() + FEN * cancelled >= brought_in_fen, "it was for the last fen"
        tell(
            f"fight: {claims} claims, {CLIENTS} clients, 2 services: acknowledged"
            f" {len(journal.acknowledged)}, found {len(log.settled)}, cancelled {cancelled},"
            f" asked of both at once {sum(fight.doubled for fight in fights)}; brought in"
            f" {brought_in_fen} fen, paid {log.paid_fen()}; answers {dict(journal.told)}"
        )


class Fight:
    """One client of the fight: settles, asks both at once now and then, cancels now and then."""

    def __init__(self, pair: Pair, journal: Journal, number: int) -> None:
        """Begin with one of the two services."""
        self._pair, self._journal, self._number = pair, journal, number
        self._clients = [Client(pair.token), Client(pair.token)]
        self.cancelled = self.doubled = 0

    async def run(self, numbers: Iterator[int]) -> None:
        """Take numbers until there are none."""
        for number in numbers:
            await self._settle(number)
            if number % 20 == 7:
                await self._cancel(f"key-{number}")
        for client in self._clients:
            client.hang_up()

    async def _settle(self, number: int) -> None:
        key = f"key-{number}"
        body = self._journal.sent[key] = claim(number, key, FEN)
        ports = self._pair.ports()
        here = self._number % 2
        asked = [self._clients[here].post(ports[here], key, body)]
        if number % 10 == 3:
            self.doubled += 1
            asked.append(self._clients[1 - here].post(ports[1 - here], key, body))
        for answer in await asyncio.gather(*asked):
            self._journal.note(key, answer)
        while key not in self._journal.acknowledged:  # a busy service says 503: ask again
            self._journal.note(key, await self._clients[here].post(ports[here], key, body))

    async def _cancel(self, key: str) -> None:
        """Give a settlement's money back, through the other service."""
        there = 1 - self._number % 2
        settlement_id = json.loads(self._journal.acknowledged[key])["settlement_id"]
        path = f"/v1/settlements/{settlement_id}/cancellation"
        port = self._pair.ports()[there]
        answer = None
        while answer is None or answer.status == 503:
            reason = b'{"reason":"twin"}'
            answer = await self._clients[there].post(port, f"cancel-{key}", reason, path)
        assert answer.status in (200, 201), answer
        self.cancelled += 1
