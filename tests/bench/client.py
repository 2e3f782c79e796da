"""A lean HTTP client process: one request under way per connection, counted.

`python -m tests.bench.client PORT TOKEN CONNECTIONS SECONDS FAMILIES FIRST` prints how many
201 answers came and in how many seconds; any other answer stops it.
"""

import asyncio
import json
import sys
from functools import partial
from typing import cast

import uvloop
from typing_extensions import override

from service.clock import monotonic_s
from tests.bench.families import TREATED_AT, Family, bill, families


def request(token: str, family: Family, number: int) -> bytes:
    """One settlement as it goes over the wire."""
    asked = bill(family, number)
    body = json.dumps(
        {
            "beneficiary": {"type": "person_no", "value": family.patient},
            "visit": asked.visit,
            "charge_batch": "1",
            "med_type": "11",
            "treated_at": TREATED_AT.isoformat(),
            "total": f"{asked.total_fen // 100}.{asked.total_fen % 100:02d}",
            "fund_pay": f"{asked.fund_pay_fen // 100}.{asked.fund_pay_fen % 100:02d}",
        }
    ).encode()
    return (
        b"POST /v1/settlements HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
        b"authorization: Bearer %b\r\nidempotency-key: %b\r\ncontent-length: %d\r\n\r\n%b"
        % (token.encode(), asked.visit.encode(), len(body), body)
    )


class Connection(asyncio.Protocol):
    """Sends the next request when an answer is complete."""

    def __init__(self, token: str, living: list[Family], first: int, end: float) -> None:
        """Settle for these families in turn until the end."""
        self._token = token
        self._living = living
        self._number, self._at = first, 0
        self._end = end
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.count = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._send()

    @override
    def connection_lost(self, error: Exception | None) -> None:
        """Stop; a server that hangs up in the middle is an error."""
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server hung up"))

    @override
    def data_received(self, data: bytes) -> None:
        """Read an answer; go on when it is whole."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 201"):
            self.done.set_exception(RuntimeError(self._buffer.decode()))
            return
        self._buffer = b""
        self.count += 1
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        if monotonic_s() > self._end:
            self._transport.close()
            self.done.set_result(None)
            return
        self._transport.write(request(self._token, self._living[self._at], self._number))
        self._at += 1
        if self._at == len(self._living):
            self._at, self._number = 0, self._number + 1


async def load(
    port: int, token: str, size: int, seconds: float, living: list[Family], first: int
) -> None:
    """Load a server on this machine, bounded in connections and time."""
    began = monotonic_s()
    loop = asyncio.get_running_loop()
    share = -(-len(living) // size)
    opened: list[Connection] = []
    for at in range(0, len(living), share):
        mine = living[at : at + share]
        made = partial(Connection, token, mine, first, began + seconds)
        opened.append((await loop.create_connection(made, "127.0.0.1", port))[1])
    await asyncio.gather(*(connection.done for connection in opened))
    print(sum(connection.count for connection in opened), monotonic_s() - began)


if __name__ == "__main__":
    _, port_, token_, size_, seconds_, count_, first_ = sys.argv
    uvloop.run(
        load(int(port_), token_, int(size_), float(seconds_), families(int(count_)), int(first_))
    )
