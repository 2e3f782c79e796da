"""What happens at once, behind the front door, with a core system, and to whom it is told."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from aggregates.policy.choices import HisDisclosure
from api.http.asgi import Receive, Scope, Send
from service.adapters.pooled_fund import CoreSystem, Funds, load_table
from service.context import furnish
from service.ledger.memory_store import MemoryStore
from service.person.masking import masked
from service.read_models.reader import ReadModels
from service.regions.policy_book import PolicyBook
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    BOOK,
    HOME,
    HOSPITAL,
    LEDGER_KEYS,
    NOW,
    Desk,
    NoFollower,
    a_binding,
    an_account,
    at_a_desk,
)
from tests.api.his.client import ENTRANCE, His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy, move_in
from tests.cases.outcome import StoppedClock


async def a_charged_visit(his: His, amount: str = "128.50", person: str = "P1") -> str:
    visit = await his.register(person)
    await his.ask("2204", {"feedetail": [his.fee(visit, person, "1", amount)]})
    return visit


async def settled(his: His, visit: str, msgid: str) -> bool:
    reply = await his.send("2207", his.bill(visit, "P1", "128.50"), msgid)
    return bool(reply["infcode"] == 0)


async def test_the_same_message_twice_at_once_is_one(desk: Desk) -> None:
    """Ten twins in flight: one bill, one reply, ten times."""
    his = await a_hospital(desk)
    visit, msgid = await a_charged_visit(his), his.msgid()
    sent = his.bill(visit, "P1", "128.50")
    replies = await asyncio.gather(*(his.ask("2207", sent, msgid) for _ in range(10)))

    assert all(reply == replies[0] for reply in replies)
    assert "455.75" == await desk.balance("S1")


async def test_two_cashiers_settle_a_bill_once(desk: Desk) -> None:
    """Ten messages for one visit and batch at once: one is carried out, nine are told of it."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    sent = his.bill(visit, "P1", "128.50")
    replies = await asyncio.gather(*(his.send("2207", sent) for _ in range(10)))
    (good,) = (reply for reply in replies if reply["infcode"] == 0)
    told = [json.loads(reply["exp_content"]) for reply in replies if reply["infcode"] != 0]

    assert 9 == len(told)
    assert {good["output"]["setlinfo"]["setl_id"]} == {one["setl_id"] for one in told}
    assert "455.75" == await desk.balance("S1")


@pytest.mark.parametrize("first", ["2207", "2601"])
async def test_a_reversal_at_the_same_moment_is_final(desk: Desk, first: str) -> None:
    """Whichever is first on the way, in the end nobody paid."""
    his = await a_hospital(desk)
    visit, msgid = await a_charged_visit(his), his.msgid()
    undo = {"data": {"psn_no": "P1", "omsgid": msgid, "oinfno": "2207"}}
    both = [his.send("2207", his.bill(visit, "P1", "128.50"), msgid), his.send("2601", undo)]
    await asyncio.gather(*(both if first == "2207" else reversed(both)))

    assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))
    assert not await settled(his, visit, msgid) or "500.00" == await desk.balance("S1")


async def test_the_plain_route_answers_alike(desk: Desk) -> None:
    """Behind the gateway the same message hears the same."""
    his = await a_hospital(desk)
    visit, msgid = await a_charged_visit(his), his.msgid()
    first = await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)
    raw = json.dumps(his.envelope("2207", his.bill(visit, "P1", "128.50"), msgid)).encode()
    behind = await desk.behind.post(ENTRANCE, content=raw)

    assert first == behind.json()["output"]
    assert "true" == behind.headers["idempotency-replayed"]


async def test_the_native_door_knows_the_bill(desk: Desk) -> None:
    """A bill by 2207 is found, and reversed, by its key as any other."""
    his = await a_hospital(desk)
    visit, msgid = await a_charged_visit(his), his.msgid()
    await his.ask("2207", his.bill(visit, "P1", "128.50"), msgid)
    found = await desk.get(HOSPITAL, f"/v1/settlements?key=fsi:2207:{msgid}")
    undone = await desk.post(HOSPITAL, "/v1/reversals", {"key": f"fsi:2207:{msgid}"})

    assert ("44.25", "settled") == (found.json()["aid"], found.json()["status"])
    assert ("reversed", "44.25") == (undone.json()["status"], undone.json()["returned"]["aid"])


async def test_nobody_else_s_visit_can_be_touched(desk: Desk) -> None:
    """Another institution, and another person's number, find nothing there."""
    his, others = await a_hospital(desk), await a_pharmacy(desk)
    visit = await a_charged_visit(his)
    bill = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]
    name = {"mdtrt_id": visit, "setl_id": bill["setl_id"]}
    for who, person in ((others, "P1"), (his, "S1"), (his, "nobody")):
        for infno in ("2202", "5202", "5203", "2208"):
            with pytest.raises(RefusedError) as refused:
                await who.ask(infno, {"data": name | {"psn_no": person}})
            assert "NOT_FOUND" == refused.value.code


async def test_another_s_card_pays_nothing(desk: Desk) -> None:
    """Who shows somebody else's card is refused; so is a token that nobody confirms."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    with pytest.raises(RefusedError) as refused:
        await his.ask("2207", his.bill(visit, "P1", "128.50", mdtrt_cert_no="ID-S1"))

    assert "CREDENTIAL_MISMATCH" == refused.value.code
    token = {"mdtrt_cert_type": "01", "mdtrt_cert_no": "ec-token"}
    with pytest.raises(RefusedError) as unknown:
        await his.ask("2207", his.bill(visit, "P1", "128.50", **token))
    assert "CREDENTIAL_UNKNOWN" == unknown.value.code


async def test_a_core_system_s_word_is_settled_on(desk: Desk) -> None:
    """A region with a core system: its part is the fund's, and the rest is the family's."""

    async def core(_: Scope, receive: Receive, send: Send) -> None:
        asked = json.loads((await receive())["body"])
        total = sum(fee["amount_fen"] for fee in asked["fees"])
        part = {"category": "drug", "part": "in_scope", "amount_fen": total - 100}
        said = json.dumps({"fund_fen": 100, "personal": [part]}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said})

    client = httpx.AsyncClient(transport=httpx.ASGITransport(core))
    desk.context.funds = Funds(load_table(), {"990000": CoreSystem("http://core", client)})
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    info = (await his.ask("2207", his.bill(visit, "P1", "128.50")))["setlinfo"]

    assert (1.0, 127.5) == (info["fund_pay_sumamt"], info["acct_pay"])


@pytest.mark.parametrize(
    ("disclosure", "told"),
    [
        (HisDisclosure.TOTAL_ONLY, {}),
        (HisDisclosure.PER_PAYER_MASKED, {"name": "张*", "relation": "spouse"}),
        (HisDisclosure.PER_PAYER_FULL, {"name": "张敏", "relation": "spouse"}),
    ],
)
async def test_a_sponsor_is_named_as_the_region_lets_him_be(
    tmp_path: Path, disclosure: HisDisclosure, told: dict[str, Any]
) -> None:
    """Ranks and amounts always; names masked, whole or not at all; numbers never."""
    async with a_desk_that_discloses(tmp_path, disclosure) as desk:
        answer, payers = await settled_payers(await a_hospital(desk), "P1")

        assert [{"order": 1, "amount": "44.25"} | told] == payers
        assert b"ID-S1" not in answer


async def test_a_hospital_sees_the_mask_that_relatives_see(tmp_path: Path) -> None:
    """One rule masks every name (policy.md §6.2): a surname of two characters is shown whole."""
    async with a_desk_that_discloses(tmp_path, HisDisclosure.PER_PAYER_MASKED) as desk:
        await an_account(desk, "S2", "500.00", name="欧阳锋")
        await a_binding(desk, "S2", "R1")
        _, payers = await settled_payers(await a_hospital(desk), "R1")

        assert [masked("欧阳锋")] == [payer["name"] for payer in payers]


async def settled_payers(his: His, person: str) -> tuple[bytes, list[dict[str, Any]]]:
    """The answer of 2207 to a bill of 128.50, and what it says of each sponsor."""
    visit = await a_charged_visit(his, person=person)
    request = his.envelope("2207", his.bill(visit, person, "128.50"), his.msgid())
    answer = await his.wire(ENTRANCE, {}, json.dumps(request).encode())
    extra = json.loads(json.loads(answer)["output"]["setlinfo"]["exp_content"])
    return answer, extra["payers"]


@asynccontextmanager
async def a_desk_that_discloses(place: Path, disclosure: HisDisclosure) -> AsyncIterator[Desk]:
    """A desk whose region tells so much of sponsors."""
    clock = StoppedClock()
    clock.at = NOW
    (*_, edition) = BOOK.editions(HOME)
    privacy = dataclasses.replace(edition.privacy, his_disclosure=disclosure)
    book = PolicyBook({HOME: (dataclasses.replace(edition, privacy=privacy),)})
    context = furnish(MemoryStore(), LEDGER_KEYS, book, clock)
    async with at_a_desk(context, ReadModels(None, NoFollower()), clock, place) as desk:
        await move_in(desk)
        yield desk
    await context.close()


async def test_a_visit_is_its_patient_s_region_s(desk_on_postgres: Desk) -> None:
    """The agency where the patient is insured follows his visits; another one sees none."""
    desk = desk_on_postgres
    await a_charged_visit(await a_hospital(desk))
    seen = [
        {
            json.loads(line)["topic"]
            for line in (await desk.get(who, "/v1/events")).text.splitlines()
        }
        for who in (AGENCY, AGENCY_ELSEWHERE)
    ]

    assert {"visit.registered/1", "visit.fees-uploaded/1"} <= seen[0]
    assert set() == {topic for topic in seen[1] if topic.startswith("visit.")}


async def test_care_elsewhere_is_no_chronic_disease(desk: Desk) -> None:
    """5301 tells no filing for another place; of nobody it tells nothing at all."""
    his = await a_hospital(desk)
    filing = {"person_no": "P1", "place": "542500", "kind": "long_term", "from": "2026-01-01"}
    filed = await desk.post(AGENCY, "/v1/filings", filing)
    assert 201 == filed.status_code, filed.text
    with pytest.raises(RefusedError) as unknown:
        await his.ask("5301", {"data": {"psn_no": "nobody"}})

    assert {"feedetail": []} == await his.ask("5301", {"data": {"psn_no": "P1"}})
    assert "NOT_FOUND" == unknown.value.code
