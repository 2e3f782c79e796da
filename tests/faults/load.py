"""Counters that send claims over plain sockets, and a journal of what they were told."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from service.clock import monotonic_s
from tests.faults.services import PATIENTS

PATH = "/v1/settlements"
ANSWER_S = 60.0
IDLE_MAX_S = 2.0
"""A connection that was idle longer is made anew: a server closes it after five seconds."""
LOST = (OSError, EOFError, TimeoutError)


class Answer(NamedTuple):
    """An HTTP answer."""

    status: int
    is_replayed: bool
    body: bytes

    def stored(self) -> bytes:
        """The body as the ledger keeps it: without its position."""
        return self.body[: self.body.rindex(b',"position":')] + b"}"


def claim(number: int, key: str, fen: int) -> bytes:
    """A claim of one of the patients; half of every bill is the fund's."""
    amounts = [f"{amount // 100}.{amount % 100:02d}" for amount in (2 * fen, fen)]
    body = {
        "beneficiary": {"type": "person_no", "value": PATIENTS[number % len(PATIENTS)]},
        "visit": key,
        "charge_batch": "1",
        "med_type": "11",
        "treated_at": "2026-03-02T10:15:00+08:00",
        "total": amounts[0],
        "fund_pay": amounts[1],
    }
    return json.dumps(body).encode()


@dataclass
class Journal:
    """What was sent, by key, and what was acknowledged; the rest is in doubt."""

    sent: dict[str, bytes] = field(default_factory=dict)
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    told: "Counter[int | str]" = field(default_factory=Counter)

    def in_doubt(self) -> list[str]:
        """Keys that nobody answered."""
        return [key for key in self.sent if key not in self.acknowledged]

    def note(self, key: str, answer: Answer) -> None:
        """Keep an answer; a key is never told two things."""
        self.told[answer.status] += 1
        if answer.status == 503:
            return
        assert answer.status == 201, answer
        stored = answer.stored()
        assert self.acknowledged.setdefault(key, stored) == stored, "a key is told one thing"


class Client:
    """One connection at a time, to whichever port it is told."""

    def __init__(self, token: str) -> None:
        """Know how to say who we are."""
        self._token = token
        self._port, self._used_s = 0, 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, port: int, key: str, body: bytes, path: str = PATH) -> Answer:
        """Send a body under a key.

        Raises:
            OSError, EOFError, TimeoutError: no answer; it may have been applied.
        """
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._post(port, key, body, path)
        except LOST:
            self.hang_up()
            raise

    async def _post(self, port: int, key: str, body: bytes, path: str) -> Answer:
        now_s = monotonic_s()
        if self._streams is None or self._port != port or now_s - self._used_s > IDLE_MAX_S:
            self.hang_up()
            self._streams = await asyncio.open_connection("127.0.0.1", port)
            self._port = port
        reader, writer = self._streams
        self._used_s = now_s
        lines = (
            f"POST {path} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self._token}",
            "Content-Type: application/json",
            f"Idempotency-Key: {key}",
            f"Content-Length: {len(body)}",
        )
        writer.write("\r\n".join((*lines, "", "")).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        told = await reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split(" ")[1]), "idempotency-replayed" in headers, told)

    def hang_up(self) -> None:
        """Close without a word."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


class Load:
    """Clients that send claims to the ports that are open, until told to stop.

    A client that gets no answer asks again with the same key every second time; the other
    times it leaves the key in doubt and goes on.
    """

    def __init__(self, token: str, ports: Callable[[], list[int]], journal: Journal) -> None:
        """Send to these ports; `journal` keeps what is told."""
        self._token, self._ports = token, ports
        self.journal = journal
        self.stop = asyncio.Event()
        self._numbers = itertools.count()

    async def run(self, clients: int, fen: int, pause_s: float) -> None:
        """Send claims of so many fen until told to stop, each client with a pause in between."""
        await asyncio.gather(*(self._client(number, fen, pause_s) for number in range(clients)))

    async def _client(self, client_number: int, fen: int, pause_s: float) -> None:
        client = Client(self._token)
        ports = self._alternating(client_number)
        while not self.stop.is_set():
            number = next(self._numbers)
            key = f"key-{number}"
            self.journal.sent[key] = claim(number, key, fen)
            is_answered = await self._ask(client, next(ports), key)
            while not is_answered and number % 2:
                await asyncio.sleep(10 * pause_s)
                is_answered = await self._ask(client, next(ports), key)
            await asyncio.sleep(pause_s)
        client.hang_up()

    def _alternating(self, first: int) -> Iterator[int]:
        """The open ports in turn; 0 where none is."""
        for number in itertools.count(first):
            ports = self._ports()
            yield ports[number % len(ports)] if ports else 0

    async def _ask(self, client: Client, port: int, key: str) -> bool:
        """Ask once; whether it was answered for good."""
        if port == 0:
            return False
        try:
            answer = await client.post(port, key, self.journal.sent[key])
        except LOST as error:
            self.journal.told[type(error).__name__] += 1
            return False
        self.journal.note(key, answer)
        return answer.status == 201


async def ask_again(token: str, port: int, journal: Journal) -> int:
    """Ask with every key in doubt until it is answered; how many had been applied before."""
    client = Client(token)
    applied = 0
    for key in journal.in_doubt():
        answer = await client.post(port, key, journal.sent[key])
        while answer.status == 503:
            answer = await client.post(port, key, journal.sent[key])
        journal.note(key, answer)
        applied += answer.is_replayed
    client.hang_up()
    return applied
