"""Batches: every claim has its own outcome, in order, once, however often the batch is sent."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.settlement.responses import BatchReply
from service.ledger.memory_store import MemoryStore
from service.ledger.store import OutcomeUnknownError
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    HOSPITAL,
    PHARMACY,
    Desk,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_institution,
    is_refused,
)
from tests.api.http.attacks import CLAIMS, Attack

PATH, ONE = "/v1/settlements:batch", "/v1/settlements"
TRACED = {"trace_id", "instance"}


def a_keyed(key: str, visit: str | None = None, **changes: object) -> dict[str, Any]:
    small = {"total": "0.10", "fund_pay": "0.00"} | changes
    return {"key": key} | a_claim(visit=visit or key, **small)


async def sent(desk: Desk, *claims: object) -> list[dict[str, Any]]:
    """The results of a batch's claims."""
    answer = await desk.send("POST", HOSPITAL, PATH, {"claims": claims})
    assert 200 == answer.status_code, answer.text
    BatchReply.model_validate(answer.json())
    items: list[dict[str, Any]] = answer.json()["items"]
    assert len(claims) == len(items)
    return items


def told(item: dict[str, Any]) -> tuple[int, str, str | None]:
    """Status and outcome of an item, and its code if it is a problem."""
    problem = item.get("problem", {})
    assert problem.get("status", 201) == item["status_code"]
    assert (problem or item["settlement"])["outcome"] == item["outcome"]
    return item["status_code"], item["outcome"], problem.get("code")


APPLIED = (201, "applied", None)


async def test_each_claim_has_its_own_outcome(desk: Desk) -> None:
    """Good, misshapen, unknown, refused, repeated and reused: answered in order, none stops any."""
    await a_family(desk)
    items = await sent(
        desk,
        a_keyed("k1"),
        a_keyed("k2", total="1.5"),
        17,
        a_keyed("k3", beneficiary={"type": "person_no", "value": "NOBODY"}),
        a_keyed("k4", visit="k1"),
        a_keyed("k1"),
        a_keyed("k1", total="0.20"),
        {name: value for name, value in a_keyed("k5").items() if name != "key"},
        a_keyed("k" * 65),
        a_keyed("k\x7f"),
        a_keyed("k6") | {"key": 6},
        a_keyed("k7"),
    )

    assert [
        APPLIED,
        (422, "not_applied", "AMOUNT_FORMAT"),
        (422, "not_applied", "FIELD_INVALID"),
        (404, "not_applied", "NOT_FOUND"),
        (409, "not_applied", "DUPLICATE_CLAIM"),
        APPLIED,
        (422, "not_applied", "IDEMPOTENCY_KEY_REUSED"),
        (400, "not_applied", "IDEMPOTENCY_KEY_REQUIRED"),
        (400, "not_applied", "IDEMPOTENCY_KEY_FORMAT"),
        (400, "not_applied", "IDEMPOTENCY_KEY_FORMAT"),
        (400, "not_applied", "IDEMPOTENCY_KEY_FORMAT"),
        APPLIED,
    ] == [told(item) for item in items]
    assert items[0]["settlement"] == items[5]["settlement"]
    assert [False, True, False] == [items[i]["replayed"] for i in (0, 5, 11)]
    names = ["k1", "k2", None, "k3", "k4", "k1", "k1", None, None, None, None, "k7"]
    assert names == [item["key"] for item in items]


@pytest.mark.parametrize(
    "attack",
    [a for a in CLAIMS if isinstance(a.body, dict) and not a.headers and a.who is HOSPITAL],
    ids=lambda a: a.row,
)
async def test_a_bad_claim_is_told_as_if_alone(desk: Desk, attack: Attack) -> None:
    """An item's problem is the one its claim gets from the settlement route, traces aside."""
    await a_family(desk)
    assert isinstance(attack.body, dict)
    alone = (await desk.post(HOSPITAL, ONE, attack.body, "k1")).json()
    item, neighbour = await sent(desk, {"key": "k1"} | attack.body, a_keyed("k2"))

    assert {n: v for n, v in alone.items() if n not in TRACED} == {
        n: v for n, v in item["problem"].items() if n not in TRACED
    }
    assert (attack.status, attack.code) == (item["status_code"], item["problem"]["code"])
    assert APPLIED == told(neighbour)


async def test_a_member_twice_spoils_its_claim_alone(desk: Desk) -> None:
    """A claim with a member twice is refused; its neighbour is settled."""
    await a_family(desk)
    good = json.dumps(a_keyed("k2"))
    twice = json.dumps(a_keyed("k1")).replace('"total": ', '"total": "9.00", "total": ')
    inside = json.dumps(a_keyed("k3")).replace('"type": ', '"type": "id_card", "type": ')
    raw = f'{{"claims": [{twice}, {good}, {inside}]}}'.encode()
    answer = await desk.send("POST", HOSPITAL, PATH, raw)

    refused = (400, "not_applied", "JSON_DUPLICATE_KEY")
    assert [refused, APPLIED, refused] == [told(item) for item in answer.json()["items"]]


ENVELOPES: dict[str, tuple[int, str, bytes]] = {
    "no JSON": (400, "JSON_INVALID", b'{"claims": ['),
    "NaN": (400, "JSON_INVALID", b'{"claims": [NaN]}'),
    "UTF-16": (400, "JSON_INVALID", '{"claims": []}'.encode("utf-16")),
    "5,000 digits": (400, "JSON_INVALID", b'{"claims": [%b]}' % (b"9" * 5000)),
    "depth": (400, "JSON_TOO_DEEP", b'{"claims":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "claims twice": (400, "JSON_DUPLICATE_KEY", b'{"claims": [], "claims": []}'),
    "no claims": (422, "FIELD_REQUIRED", b"{}"),
    "an array": (422, "FIELD_INVALID", b"[]"),
    "not a list": (422, "FIELD_INVALID", b'{"claims": {}}'),
    "a member more": (422, "UNKNOWN_FIELD", b'{"claims": [], "key": "k"}'),
    "1,001 claims": (422, "TOO_MANY_LINES", b'{"claims": [%b]}' % b",".join([b"1"] * 1001)),
    "4 MiB and more": (413, "BODY_TOO_LARGE", b'{"claims": []}' + b" " * 4_194_304),
}


@pytest.mark.parametrize(("status", "code", "body"), ENVELOPES.values(), ids=ENVELOPES)
async def test_a_bad_envelope_settles_nothing(
    desk: Desk, status: int, code: str, body: bytes
) -> None:
    """A malformed batch is one problem, and the ledger does not change."""
    await a_family(desk)
    before = desk.stands()

    is_refused(await desk.send("POST", HOSPITAL, PATH, body), status, code)
    plain = {"Content-Type": "text/plain"}
    is_refused(await desk.send("POST", HOSPITAL, PATH, body, plain), 415, "MEDIA_TYPE")
    assert before == desk.stands()


async def test_only_institutions_send_batches(desk: Desk) -> None:
    """Other roles and callers without a token are refused; an empty batch has an empty answer."""
    await a_family(desk)
    batch = {"claims": [a_keyed("k1")]}
    for who in (AGENCY, a_person("P1")):
        is_refused(await desk.send("POST", who, PATH, batch), 403, "NOT_PERMITTED")
    is_refused(await desk.send("POST", AUDITOR, PATH, batch), 403, "READ_ONLY_ROLE")
    nobody = await desk.front.post(PATH, json=batch)
    is_refused(nobody, 401, "UNAUTHENTICATED")
    assert [] == await sent(desk)


async def test_a_key_means_the_same_everywhere(desk: Desk) -> None:
    """A claim of a batch is replayed at the settlement route and found by key, and the reverse."""
    await a_family(desk)
    (first,) = await sent(desk, a_keyed("k1"))
    claim = {name: value for name, value in a_keyed("k1").items() if name != "key"}
    again = await desk.post(HOSPITAL, ONE, claim, "k1")
    assert (first["settlement"], "true") == (again.json(), again.headers["idempotency-replayed"])
    found = await desk.get(HOSPITAL, f"{ONE}?key=k1")
    assert first["settlement"]["settlement_id"] == found.json()["settlement_id"]

    alone = await a_settlement(desk, "k2", visit="alone")
    (item,) = await sent(desk, {"key": "k2"} | a_claim(visit="alone"))
    assert (alone, True) == (item["settlement"], item["replayed"])
    await an_institution(desk, PHARMACY)
    theirs = await desk.send("POST", PHARMACY, PATH, {"claims": [a_keyed("k1")]})
    assert theirs.json()["items"][0]["replayed"] is False


async def test_problems_speak_the_callers_language(desk: Desk) -> None:
    """An item's text is English if the request asks for it, and the batch is not stored."""
    await a_family(desk)
    english = {"Accept-Language": "en"}
    answer = await desk.send("POST", HOSPITAL, PATH, {"claims": [1]}, english)

    assert answer.json()["items"][0]["problem"]["detail"].isascii()
    assert "no-store" == answer.headers["cache-control"]


async def test_an_unknown_outcome_is_found_out(desk: Desk) -> None:
    """If the commit's answer is lost the batch is looked up, and applied once."""
    await a_family(desk)
    assert isinstance(desk.context.store, MemoryStore)
    desk.context.store.fail_next = OutcomeUnknownError("cut")
    items = await sent(desk, *(a_keyed(f"k{n}") for n in range(20)))

    assert {APPLIED} == {told(item) for item in items}
    assert "18.00" == await desk.balance("P1")


GOOD, BROKEN, REPEATS, DUPLICATES, REUSED = 600, 100, 100, 100, 100


def a_thousand() -> list[dict[str, Any]]:
    """A thousand claims, good ones between others, each group in its order."""
    good = [a_keyed(f"good-{n}") for n in range(GOOD)]
    broken = [a_keyed(f"broken-{n}", total="0.1") for n in range(BROKEN)]
    repeats = [a_keyed(f"good-{n}") for n in range(REPEATS)]
    duplicates = [a_keyed(f"again-{n}", visit=f"good-{n}") for n in range(DUPLICATES)]
    reused = [a_keyed(f"good-{n}", visit="another") for n in range(REUSED)]
    mixed = list(good[:100])
    for n in range(100):
        mixed += [*good[100 + 5 * n : 105 + 5 * n], broken[n], repeats[n], duplicates[n], reused[n]]
    assert 1000 == len(mixed)
    return mixed


async def test_a_thousand_claims_are_settled_once(desk_on_postgres: Desk) -> None:
    """A full batch of all kinds in PostgreSQL; sent again it changes nothing."""
    desk = desk_on_postgres
    await a_family(desk)
    claims = a_thousand()
    items = await sent(desk, *claims)

    assert [claim["key"] for claim in claims] == [item["key"] for item in items]
    codes = [item.get("problem", {}).get("code") for item in items]
    assert GOOD + REPEATS == codes.count(None)
    assert BROKEN == codes.count("AMOUNT_FORMAT")
    assert DUPLICATES == codes.count("DUPLICATE_CLAIM")
    assert REUSED == codes.count("IDEMPOTENCY_KEY_REUSED")
    fresh = [i["settlement"]["position"] for i in items if i.get("replayed") is False]
    assert (GOOD, sorted(fresh)) == (len(fresh), fresh), "in the log as in the batch"
    assert ("0.00", "460.00") == (await desk.balance("P1"), await desk.balance("S1"))
    head = await desk.context.store.position()
    again = await sent(desk, *claims)

    assert head == await desk.context.store.position()
    assert [i.get("settlement") for i in items] == [i.get("settlement") for i in again]
    assert {None, True} == {item.get("replayed") for item in again}
    assert [told(item) for item in items] == [told(item) for item in again]


async def test_a_lost_answer_is_asked_for_again(desk_on_postgres: Desk) -> None:
    """A batch that was cut off half-way is sent again: every claim is settled exactly once."""
    desk = desk_on_postgres
    await a_family(desk)
    claims = [a_keyed(f"k{n}") for n in range(500)]
    began = await desk.context.store.position()
    call = asyncio.create_task(desk.send("POST", HOSPITAL, PATH, {"claims": claims}))
    while await desk.context.store.position() == began:  # noqa: ASYNC110 -- the log tells nobody
        await asyncio.sleep(0)
    call.cancel()
    lost = await asyncio.gather(call, return_exceptions=True)
    assert not isinstance(lost[0], httpx.Response)
    items = await sent(desk, *claims)

    assert {APPLIED} == {told(item) for item in items}
    assert "470.00" == await desk.balance("S1")
    found = await desk.get(HOSPITAL, f"{ONE}?key=k499")
    assert items[-1]["settlement"]["settlement_id"] == found.json()["settlement_id"]
