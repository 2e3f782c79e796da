"""Who misses or fails too often waits; who asks for what he knows never does."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.vocabulary import SignatureStyle
from api.http.limits.rate_limits import MINUTE_S, Buckets, RateLimits, address_of
from service.caller import Role
from tests.api.clients import (
    AGENCY,
    HOME,
    HOSPITAL,
    PHARMACY,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    an_account,
    an_institution,
    an_offer,
    is_refused,
)
from tests.api.his.client import ENTRANCE
from tests.api.his.desks import a_hospital, signs
from tests.api.his.signing import SECRET, x_ca
from tests.api.his.test_signatures import told, unsigned

STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30)), max_size=300)


@given(STEPS, st.integers(1, 50))
def test_a_bucket_is_a_rate_and_a_burst(steps: list[tuple[str, float]], per_minute: int) -> None:
    """Whoever waits when told to spends at most burst and rate; a full minute forgives all."""
    buckets, now_s = Buckets(per_minute), 0.0
    taken: dict[str, list[float]] = {}
    for key, pause_s in steps:
        now_s += pause_s
        if buckets.wait_s(key, now_s) == 0:
            buckets.charge(key, now_s)
            taken.setdefault(key, []).append(now_s)
    for times in taken.values():
        for first in range(len(times)):
            within = [at for at in times[first:] if at <= times[first] + MINUTE_S]
            assert len(within) <= 2 * per_minute
    for key in "abc":
        assert 0 == buckets.wait_s(key, now_s + MINUTE_S)


@settings(deadline=None)
@given(st.integers(1, 10_000))
def test_a_burst_is_what_a_minute_allows(per_minute: int) -> None:
    """So many at once and not one more; after the told wait one more, and never another's fault."""
    buckets = Buckets(per_minute)
    for _ in range(per_minute):
        assert 0 == buckets.wait_s("a", 1e6)
        buckets.charge("a", 1e6)

    wait_s = buckets.wait_s("a", 1e6)
    assert 0 < wait_s <= MINUTE_S / per_minute
    assert 0 == buckets.wait_s("b", 1e6)
    assert 0 == buckets.wait_s("a", 1e6 + wait_s + 1e-6)


def test_nobody_waits_for_ever() -> None:
    """A batch of a million misses costs one more minute than the burst, and no more."""
    buckets = Buckets(10)
    buckets.charge("a", 0.0, 1_000_000)

    assert MINUTE_S < buckets.wait_s("a", 0.0) < 2 * MINUTE_S


def test_memory_is_bounded() -> None:
    """Of too many buckets the one that was used longest ago is forgotten."""
    buckets = Buckets(1, buckets_max=100)
    for number in range(10_000):
        buckets.charge(number, 0.0)
        buckets.charge("always", 0.0)

    assert 100 == len(buckets)
    assert buckets.wait_s("always", 0.0) > 0


def test_zero_is_no_limit() -> None:
    """A deployment may switch a limit off."""
    buckets = Buckets(0)
    buckets.charge("a", 0.0, 1_000_000)

    assert 0 == buckets.wait_s("a", 0.0)
    assert 0 == len(buckets)


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("10.0.0.1", 1), "10.0.0.1"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1), "fe80::/64"),
        (("unix:", 1), "unix:"),
        (None, ""),
    ],
)
def test_one_subscriber_is_one_address(client: tuple[str, int] | None, counted: str) -> None:
    """All addresses of one IPv6 network share a bucket."""
    assert counted == address_of(client)


def few(desk: Desk, persons: int = 5, callers: int = 5, addresses: int = 5) -> None:
    """Let a desk's limits be small."""
    limits: RateLimits = desk.limits
    limits.persons.per_minute = persons
    limits.callers.per_minute = callers
    limits.addresses.per_minute = addresses


LOOKS = (
    "/v1/accounts/NOBODY",
    "/v1/accounts/NOBODY/statement",
    "/v1/settlements/stl_0195f000000070008000000000000000",
    "/v1/bindings/bnd_0195f000000070008000000000000000",
    "/v1/settlements/nonsense",
)
ALL = (AGENCY, HOSPITAL, a_person("P1"), Who(Role.AUDITOR, "auditor"))


@pytest.mark.parametrize("who", ALL, ids=lambda who: who.role.value)
async def test_who_looks_for_what_is_not_there_waits(desk: Desk, who: Who) -> None:
    """Whatever is looked for, a miss counts; then everything waits, and others do not."""
    await an_account(desk, "P1")
    few(desk)
    for number in range(5):
        path = LOOKS[number % len(LOOKS)]
        assert (await desk.get(who, path)).status_code in (403, 404)
    missed = [await desk.get(who, "/v1/accounts/NOBODY") for _ in range(5)]
    if missed[-1].status_code == 403:
        return  # the role may not look, so it learns nothing
    told = is_refused(missed[-1], 429, "RATE_LIMITED")
    assert str(told["retry_after_s"]) == missed[-1].headers["retry-after"]
    assert 1 <= int(missed[-1].headers["retry-after"]) <= 60
    is_refused(await desk.get(who, "/v1/accounts/P1"), 429, "RATE_LIMITED")
    assert 200 == (await desk.get(a_person("P2"), "/livez")).status_code
    other = AGENCY if who.role is not Role.AGENCY else Who(Role.AGENCY, "a7", HOME)
    assert 200 == (await desk.get(other, "/v1/accounts/P1")).status_code


async def test_a_key_is_left_free(desk: Desk) -> None:
    """Nothing was done under a key that was refused: it settles a minute later."""
    await a_family(desk)
    few(desk)
    stranger = {"type": "person_no", "value": "NOBODY"}
    codes = [
        (await desk.post(HOSPITAL, "/v1/settlements", a_claim(beneficiary=stranger))).status_code
        for _ in range(7)
    ]
    assert [404] * 5 + [429] * 2 == codes
    before = desk.stands()
    refused = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k-1")
    is_refused(refused, 429, "RATE_LIMITED")
    assert before == desk.stands()

    few(desk, callers=0)
    settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k-1")
    assert 201 == settled.status_code
    assert "idempotency-replayed" not in settled.headers


async def test_an_honest_caller_never_waits(desk: Desk) -> None:
    """Settlements, looks and refusals by a rule cost nothing, however small the limit."""
    await a_family(desk)
    few(desk, 1, 1, 1)
    for number in range(10):
        claim = a_claim(visit=f"v-{number}", total="70.00")
        assert 201 == (await desk.post(HOSPITAL, "/v1/settlements", claim)).status_code
        assert 200 == (await desk.get(AGENCY, "/v1/accounts/P1")).status_code
        shape = await desk.post(HOSPITAL, "/v1/settlements", {})
        assert 422 == shape.status_code
        again = await desk.post(HOSPITAL, "/v1/settlements", claim | {"total": "71.00"})
        assert 409 == again.status_code


async def test_naming_somebody_costs_the_same_whether_he_is_there(desk: Desk) -> None:
    """A person's invitations are counted one by one: the limit tells nothing of the invited."""
    for number in ("P1", "P2"):
        await an_account(desk, number)
    told = []
    for beneficiary in ("P2", "NOBODY"):
        few(desk, persons=3)
        desk.limits.persons._full_at.clear()  # noqa: SLF001 -- a minute later
        answers = [
            await desk.post(a_person("P1"), "/v1/bindings", an_offer(beneficiary, "child"))
            for _ in range(5)
        ]
        told.append([answer.status_code == 429 for answer in answers])

    assert [[False] * 3 + [True] * 2] * 2 == told


async def test_a_batch_counts_every_miss(desk: Desk) -> None:
    """Many strangers in one request are as many misses."""
    await an_institution(desk)
    few(desk, callers=50)
    stranger = {"type": "person_no", "value": "NOBODY"}
    claims = [a_claim(beneficiary=stranger, visit=f"v{n}") | {"key": f"b-{n}"} for n in range(60)]
    first = await desk.post(HOSPITAL, "/v1/settlements:batch", {"claims": claims})

    assert 200 == first.status_code
    assert {"NOT_FOUND"} == {item["problem"]["code"] for item in first.json()["items"]}
    again = await desk.post(HOSPITAL, "/v1/settlements:batch", {"claims": claims})
    assert 10 <= is_refused(again, 429, "RATE_LIMITED")["retry_after_s"] <= 13


async def test_failed_tokens_wait_by_address_and_valid_ones_do_not(desk: Desk) -> None:
    """Behind one address the honest go on while whoever guesses is asked to wait."""
    await an_account(desk, "P1")
    few(desk)
    bad = {"Authorization": "Bearer a.b.c"}
    codes = [(await desk.front.get("/v1/accounts/P1", headers=bad)).status_code for _ in range(8)]
    assert [401] * 5 + [429] * 3 == codes
    is_refused(await desk.front.get("/v1/accounts/P1"), 429, "RATE_LIMITED")

    assert 200 == (await desk.get(AGENCY, "/v1/accounts/P1")).status_code
    assert 200 == (await desk.front.get("/livez")).status_code


async def test_a_national_message_is_asked_to_wait_in_its_own_words(desk: Desk) -> None:
    """Misses of one institution: infcode -1 with a text, under HTTP 200; another's go on."""
    his = await a_hospital(desk)
    few(desk)
    nobody = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-NOBODY"}}
    replies = [await his.send("1101", nobody) for _ in range(7)]
    codes = [json.loads(reply["exp_content"])["code"] for reply in replies]

    assert ["NOT_FOUND"] * 5 + ["RATE_LIMITED"] * 2 == codes
    assert {-1} == {reply["infcode"] for reply in replies}
    assert replies[-1]["err_msg"].endswith("[RATE_LIMITED]")
    assert 1 <= json.loads(replies[-1]["exp_content"])["retry_after_s"] <= 60
    await an_institution(desk, PHARMACY, **{"class": "pharmacy"})
    assert 404 == (await desk.get(PHARMACY, LOOKS[2])).status_code


async def test_a_secret_is_not_guessed_at_for_long(desk: Desk) -> None:
    """After a few wrong signatures the right one waits too, at that address alone."""
    await an_account(desk, "P1")
    signature = {"style": SignatureStyle.X_CA, "paasid": "paas", "secret": SECRET}
    await signs(desk, HOSPITAL, signature, {})
    few(desk)
    raw = unsigned()
    wrong = x_ca(raw, time.time(), "guess")
    guessed = [await told(desk, raw, wrong) for _ in range(7)]
    assert ["SIGNATURE_INVALID"] * 5 + ["RATE_LIMITED"] * 2 == guessed
    right = x_ca(raw, time.time())
    assert "RATE_LIMITED" == await told(desk, raw, right)

    desk.limits.addresses._full_at.clear()  # noqa: SLF001 -- a minute later
    desk.limits.addresses._latest_s = 0  # noqa: SLF001
    assert "ok" == await told(desk, raw, right)
    assert ENTRANCE.startswith("/fsi/")
