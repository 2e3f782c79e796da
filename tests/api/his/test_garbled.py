"""Whatever is sent, the answer is a clear one, nothing is stored wrong, and nobody has to wait."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.http.texts import PROBLEM_TEXTS
from service.ledger.postgres.store import PostgresStore
from service.read_models.parking import parked
from service.read_models.projector import LIVE, positions
from service.replay.run import replay
from tests.api.clients import NATION, Desk
from tests.api.his.client import His
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.garble import PEOPLE, Garbler
from tests.api.his.judge import bills, misread_money

SEED = 20260302
ERR_MSG_MAX = 200
FOLLOWED_S = 60
RICH = "200000.00"


@pytest.mark.deepened
async def test_garbled_messages_harm_nobody(
    desk_on_postgres: Desk,
    dsn: str,
    request: pytest.FixtureRequest,
    tell: Callable[[str], None],
) -> None:
    """400 messages, and 20,000 with `--slow`: no internal error, no parked event, no lost fen."""
    count = 20_000 if request.config.getoption("--slow") else 400
    desk = desk_on_postgres
    desk.limits.callers.per_minute = desk.limits.addresses.per_minute = 0
    told, garbler = Told([await a_hospital(desk), await a_pharmacy(desk)]), Garbler(SEED)
    before = await enrich(desk)
    for number in range(count):
        one = garbler.message()
        answer = await desk.front.post(one.path, content=one.body)
        kind = answer.headers["content-type"]
        assert "" == told.hear(answer.status_code, kind, answer.content), (number, one)
        if answer.content.startswith(b'{"infcode":0'):
            garbler.learn(one.msgid, answer.json()["output"])

    live = [await told.paid_by_accounts(name) for name in told.settled.values()]
    assert before - sum(live) == await all_money(desk)
    store = desk.context.store
    assert isinstance(store, PostgresStore)
    head = await store.position()
    await follow(store, head)
    assert [] == await parked(store.pool, [target.name for target in LIVE])
    report = await replay(dsn, desk.context.vault)
    assert [] == report.found.kept
    tell(f"garbled: {count} messages, {told.heard.most_common(6)}; {len(live)} bills, head {head}")


async def enrich(desk: Desk) -> int:
    """Give the employees money for a long day; what is then on all accounts, in fen."""
    for number in ("P1", "S1"):
        credited = await desk.post(NATION, f"/v1/accounts/{number}/credits", {"amount": RICH})
        assert 201 == credited.status_code, credited.text
    return await all_money(desk)


async def follow(store: PostgresStore, head: int) -> None:
    """Wait until every read model shows the whole log."""
    for _ in range(FOLLOWED_S * 10):
        if head <= min((await positions(store.pool, list(LIVE))).values()):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the read models stay behind")


class Told:
    """What was answered, and the bills that were made."""

    def __init__(self, systems: list[His]) -> None:
        """Nothing was heard yet."""
        self.systems = systems
        self.heard: Counter[str] = Counter()
        self.settled: dict[str, dict[str, str]] = {}

    def hear(self, status: int, kind: str, body: bytes) -> str:
        """What is wrong with an answer; an empty text if nothing is."""
        if status != 200:
            return f"HTTP {status}"
        if kind == "application/octet-stream":
            self.heard["a file"] += 1
            return ""
        reply = json.loads(body)
        if reply["infcode"] == 0:
            self.heard["good"] += 1
            return "; ".join(self._book(reply["output"]))
        code = json.loads(reply["exp_content"])["code"]
        self.heard[code] += 1
        is_ours = code not in PROBLEM_TEXTS or PROBLEM_TEXTS[code].status >= 500
        is_long = len(reply["err_msg"]) > ERR_MSG_MAX
        return f"{code}: {reply}" if is_ours or is_long or reply["infcode"] != -1 else ""

    def _book(self, output: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
        for bill in bills(output):
            yield from misread_money(bill)
            if bill.get("setl_id") and bill.get("medfee_sumamt", 0) > 0:
                names = ("psn_no", "mdtrt_id", "setl_id")
                self.settled[bill["setl_id"]] = {name: bill[name] for name in names}

    async def paid_by_accounts(self, name: dict[str, str]) -> int:
        """What a bill took from accounts in fen; 0 if it was taken back since."""
        for his in self.systems:
            reply = await his.send("5203", {"data": name})
            if reply["infcode"] == 0:
                info = reply["output"]["setlinfo"]
                return round(info["acct_pay"] * 100) if info["refd_setl_flag"] == "0" else 0
        raise AssertionError(name)


async def all_money(desk: Desk) -> int:
    """What is on all accounts, in fen."""
    return sum([round(float(await desk.balance(number)) * 100) for number in PEOPLE])
