"""A lean HTTP client process: one request under way per connection, counted.

`python -m tests.bench.client PORT TOKEN CONNECTIONS SECONDS FAMILIES FIRST [VISITS]` prints how
many good answers came and in how many seconds; any other answer stops it. With a file of visits
it settles them by 2207, the national way.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

import uvloop
from typing_extensions import override

from aggregates.vocabulary import BEIJING
from service.clock import monotonic_s
from tests.bench.families import HOSPITAL, TREATED_AT, Family, bill, families
from tests.bench.visiting import BILLS


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


def national(token: str, visit: str, family: Family, number: int, batch: int) -> bytes:
    """The same by the national protocol: 2207 for a charge batch of a visit."""
    total_fen = bill(family, number).total_fen
    values = {
        "psn_no": family.patient,
        "mdtrt_cert_type": "02",
        "mdtrt_cert_no": f"ID-{family.patient}",
        "med_type": "11",
        "medfee_sumamt": f"{total_fen // 100}.{total_fen % 100:02d}",
        "psn_setlway": "01",
        "mdtrt_id": visit,
        "chrg_bchno": str(batch),
        "acct_used_flag": "1",
        "insutype": "310",
    }
    sent_at = TREATED_AT.astimezone(BEIJING) + timedelta(seconds=number)
    head = {
        "infno": "2207",
        "msgid": f"{HOSPITAL.subject}{sent_at:%Y%m%d%H%M%S}{int(family.patient[1:]):04d}",
        "mdtrtarea_admvs": "990000",
        "insuplc_admdvs": "990000",
        "recer_sys_code": "MBS_LOCAL",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "001",
        "opter_name": "bench",
        "inf_time": f"{sent_at:%Y-%m-%d %H:%M:%S}",
        "fixmedins_code": HOSPITAL.subject,
        "fixmedins_name": "bench",
        "input": {"data": values},
    }
    body = json.dumps(head).encode()
    return (
        b"POST /fsi/api/rsfComIfsService/callService HTTP/1.1\r\nhost: bench\r\n"
        b"content-type: application/json\r\nauthorization: Bearer %b\r\n"
        b"content-length: %d\r\n\r\n%b" % (token.encode(), len(body), body)
    )


Ask = Callable[[Family, int], bytes | None]
"""The nth request of a family; None where there is nothing more to ask."""


class Connection(asyncio.Protocol):
    """Sends the next request when an answer is complete."""

    def __init__(self, ask: Ask, living: list[Family], first: int, end: float) -> None:
        """Settle for these families in turn until the end."""
        self._ask = ask
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
        if not head.startswith(b"HTTP/1.1 201") and not body.startswith(b'{"infcode":0'):
            self.done.set_exception(RuntimeError(self._buffer.decode()))
            return
        self._buffer = b""
        self.count += 1
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        asked = self._ask(self._living[self._at], self._number)
        if monotonic_s() > self._end or asked is None:
            self._transport.close()
            self.done.set_result(None)
            return
        self._transport.write(asked)
        self._at += 1
        if self._at == len(self._living):
            self._at, self._number = 0, self._number + 1


def asking_of(token: str, first: int, visits: str | None) -> Ask:
    """What is asked: native settlements, or 2207 for the visits of a file."""
    if visits is None:
        return partial(request, token)
    numbers: list[str] = json.loads(Path(visits).read_text(encoding="utf-8"))

    def ask(family: Family, number: int) -> bytes | None:
        batch = number - first
        visit = numbers[int(family.patient.removeprefix("F"))]
        return national(token, visit, family, number, batch) if batch < BILLS else None

    return ask


async def load(
    port: int, ask: Ask, size: int, seconds: float, living: list[Family], first: int
) -> None:
    """Load a server on this machine, bounded in connections and time."""
    began = monotonic_s()
    loop = asyncio.get_running_loop()
    share = -(-len(living) // size)
    opened: list[Connection] = []
    for at in range(0, len(living), share):
        mine = living[at : at + share]
        made = partial(Connection, ask, mine, first, began + seconds)
        opened.append((await loop.create_connection(made, "127.0.0.1", port))[1])
    await asyncio.gather(*(connection.done for connection in opened))
    print(sum(connection.count for connection in opened), monotonic_s() - began)


if __name__ == "__main__":
    _, port_, token_, size_, seconds_, count_, first_, *visits_ = sys.argv
    asking = asking_of(token_, int(first_), visits_[0] if visits_ else None)
    uvloop.run(
        load(int(port_), asking, int(size_), float(seconds_), families(int(count_)), int(first_))
    )
