"""The hot route and the plain route behind it give the same answers."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from api.http.strict_body import check_members
from api.settlement.hot_route import read_claim
from tests.api.clients import (
    AGENCY,
    HOSPITAL,
    Desk,
    Who,
    a_claim,
    a_family,
    a_settlement,
)
from tests.api.http.attacks import CLAIMS, Attack, line

PATH = "/v1/settlements"
VOLATILE = {"settlement_id", "position", "trace_id", "instance", "own_balance_after", "settled_at"}
HEADERS = ("content-type", "cache-control", "x-content-type-options", "www-authenticate")


async def both(
    desk: Desk, who: Who, bodies: tuple[object, object], headers: dict[str, str]
) -> tuple[httpx.Response, httpx.Response]:
    """The answers of the hot and the plain route to a request."""
    told = {"Content-Type": "application/json"} | desk.bearer(who) | headers
    raw = [b if isinstance(b, bytes) else json.dumps(b).encode() for b in bodies]
    return (
        await desk.front.post(PATH, content=raw[0], headers=told),
        await desk.behind.post(PATH, content=raw[1], headers=told),
    )


def shape(response: httpx.Response) -> tuple[int, dict[str, Any], list[str | None]]:
    body = {name: None if name in VOLATILE else told for name, told in response.json().items()}
    return response.status_code, body, [response.headers.get(name) for name in HEADERS]


@pytest.mark.parametrize("attack", CLAIMS, ids=lambda a: a.row)
async def test_a_bad_request_is_refused_alike(desk: Desk, attack: Attack) -> None:
    """The same status, problem and headers at both routes for every bad claim."""
    await a_family(desk)
    headers = {"Idempotency-Key": "k1"} | attack.headers
    hot, plain = await both(desk, attack.who, (attack.body, attack.body), headers)

    assert shape(plain) == shape(hot)
    assert attack.code == hot.json()["code"]


GOOD: dict[str, dict[str, object]] = {
    "a claim": {},
    "with lines": {"lines": [line(amount="0.25"), line(line="2", amount="64.00")]},
    "a line that nobody pays": {"lines": [line(category="vaccine")]},
    "with no account used": {"use_account": False},
    "with a credential": {"credential": {"type": "person_no", "value": "P1"}},
    "of an odd kind": {"med_type": "99"},
    "of yesterday in UTC": {"treated_at": "2026-03-01T02:15:00Z"},
    "paid by the fund": {"fund_pay": "128.50"},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
async def test_a_claim_is_answered_alike(desk: Desk, changes: dict[str, object]) -> None:
    """The same members, amounts and headers at both routes, and each replays the other's."""
    await a_family(desk)
    first, second = (json.dumps(a_claim(visit=visit, **changes)) for visit in ("v1", "v2"))
    told = {"Content-Type": "application/json"} | desk.bearer(HOSPITAL)
    one, two = told | {"Idempotency-Key": "k1"}, told | {"Idempotency-Key": "k2"}
    hot = await desk.front.post(PATH, content=first, headers=one)
    await desk.post(HOSPITAL, f"{PATH}/{hot.json()['settlement_id']}/cancellation", {})
    plain = await desk.behind.post(PATH, content=second, headers=two)

    assert 201 == hot.status_code, hot.text
    assert shape(hot) == shape(plain)
    for first_answer, again in (
        (hot, await desk.behind.post(PATH, content=first, headers=one)),
        (plain, await desk.front.post(PATH, content=second, headers=two)),
    ):
        assert first_answer.content == again.content
        assert "true" == again.headers["idempotency-replayed"]


async def test_a_rules_refusal_is_told_alike(desk: Desk) -> None:
    """A duplicate claim is refused alike at both routes, also if replayed at the other."""
    await a_family(desk)
    await a_settlement(desk)
    claims = (a_claim(), a_claim())
    hot, plain = await both(desk, HOSPITAL, claims, {"Idempotency-Key": "k1"})

    assert 409 == hot.status_code
    assert shape(hot) == shape(plain)
    assert "true" == plain.headers["idempotency-replayed"]
    refused = await both(desk, AGENCY, claims, {"Idempotency-Key": "k2"})
    assert shape(refused[0]) == shape(refused[1])


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "en"), ("en-GB,en;q=0.9", "en"), ("zh-CN", "zh-CN"), ("fr", "zh-CN"), ("", "zh-CN")],
)
async def test_a_problem_speaks_two_languages(desk: Desk, language: str, expected: str) -> None:
    """Chinese unless English is asked for, at both routes."""
    headers = {"Accept-Language": language, "Idempotency-Key": "k"}
    hot, plain = await both(desk, HOSPITAL, (b"[", b"["), headers)

    assert shape(hot) == shape(plain)
    assert expected == hot.headers["content-language"] == plain.headers["content-language"]
    assert (expected == "en") == hot.json()["detail"].isascii()


def test_a_member_twice_is_seen_without_reading_twice() -> None:
    """The count of quotation marks finds exactly the claims in which a member was sent twice."""
    for changes in GOOD.values():
        raw = json.dumps(a_claim(**changes)).encode()
        assert read_claim(raw) == read_claim(raw.replace(b"mdtrt-1", b"\\u006ddtrt-1"))
        check_members(raw)


async def test_of_two_keys_the_first_counts(desk: Desk) -> None:
    """Of a header sent twice both routes use the first: the second request is its replay."""
    await a_family(desk)
    told = {"Content-Type": "application/json"} | desk.bearer(HOSPITAL)
    twice = [*told.items(), ("Idempotency-Key", "k1"), ("Idempotency-Key", "k2")]
    hot = await desk.front.post(PATH, content=json.dumps(a_claim()), headers=twice)
    plain = await desk.behind.post(PATH, content=json.dumps(a_claim()), headers=twice)

    assert hot.content == plain.content
    assert 404 == (await desk.get(HOSPITAL, f"{PATH}?key=k2")).status_code


async def test_a_client_that_goes_away_settles_all_the_same(desk: Desk) -> None:
    """A request whose client disconnects is in the log once, and its repeat is a replay."""
    await a_family(desk)
    call = asyncio.create_task(desk.post(HOSPITAL, PATH, a_claim(), "k1"))
    for _ in range(6):
        await asyncio.sleep(0)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    again = await desk.post(HOSPITAL, PATH, a_claim(), "k1")

    assert 201 == again.status_code
    assert "455.75" == await desk.balance("S1")
