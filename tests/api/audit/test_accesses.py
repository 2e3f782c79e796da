"""Who read what is recorded before the answer leaves; so are refusals, applied changes not."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from api.audit.access_log_routes import AccessesReply
from service.ledger.access_log import Access, AccessQuery, check, prune, record
from service.ledger.postgres.store import PostgresStore
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    Desk,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    is_answered,
    is_refused,
)
from tests.ledgers import tamper

ALL = AccessQuery(below=2**62)


async def kept(desk: Desk) -> list[Access]:
    """The whole access log, oldest first."""
    found = await desk.context.store.accesses(ALL, 10_000)
    return [one.access for one in reversed(found)]


async def told(desk: Desk, question: str = "") -> list[dict[str, Any]]:
    shown = await desk.get(AUDITOR, f"/v1/audit/accesses{question}")
    items: list[dict[str, Any]] = is_answered(shown, AccessesReply)["items"]
    return items


async def test_a_read_is_recorded_with_what_it_saw(desk: Desk) -> None:
    """Caller, operation, streams, status, time, purpose and trace: one record for one look."""
    await an_account(desk, "P1")
    before = len(await kept(desk))
    purpose = {"Gongji-Purpose": "case-17"}
    await desk.get(AGENCY, "/v1/accounts/P1", **purpose)
    (access,) = (await kept(desk))[before:]

    assert ("agency:a1", "agency", 200, "case-17") == (
        access.caller,
        access.role,
        access.status,
        access.purpose,
    )
    assert "GET /v1/accounts/{person_no}" == access.operation
    assert [True] == [stream.startswith("acc_") for stream in access.streams]
    assert None is access.code
    assert int(desk.clock.at.timestamp()) == access.at // 1_000_000


async def test_a_foreign_region_is_not_there_and_on_record(desk: Desk) -> None:
    """A clerk of region A who reads a person of region B gets 404, and a record says so (S124)."""
    await an_account(desk, "P1")
    shown = await desk.get(AGENCY_ELSEWHERE, "/v1/accounts/P1")
    nobody = await desk.get(AGENCY_ELSEWHERE, "/v1/accounts/P404")
    foreign, absent = (await kept(desk))[-2:]

    problem = is_refused(shown, 404, "NOT_FOUND")
    assert is_refused(nobody, 404, "NOT_FOUND")["detail"] == problem["detail"]
    assert (404, "NOT_FOUND", problem["trace_id"]) == (
        foreign.status,
        foreign.code,
        foreign.trace_id,
    )
    assert 1 == len(foreign.streams)
    assert () == absent.streams
    (item,) = await told(desk, "?person_no=P1&caller=agency:a2")
    assert (True, ["NOT_FOUND"]) == (item["refused"], item["codes"])


async def test_what_was_applied_is_its_own_record(desk: Desk) -> None:
    """A settlement costs no second record; its repeat, its refusal and a quote have one each."""
    await a_family(desk)
    before = len(await kept(desk))
    await a_settlement(desk, key="once")
    assert before == len(await kept(desk))
    await a_settlement(desk, key="once")
    twice = await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    await desk.send("POST", HOSPITAL, "/v1/quotes", a_claim(visit="other"))
    replay, refusal, quote = (await kept(desk))[before:]

    is_refused(twice, 409, "DUPLICATE_CLAIM")
    assert ("POST /v1/settlements", 201, None) == (replay.operation, replay.status, replay.code)
    assert (409, "DUPLICATE_CLAIM") == (refusal.status, refusal.code)
    assert ("POST /v1/quotes", 200) == (quote.operation, quote.status)
    assert 2 <= len([s for s in quote.streams if s.startswith("acc_")])


async def test_a_shown_credential_of_somebody_else_is_on_record(desk: Desk) -> None:
    """The refused claim leaves both accounts and the code, and no number (S101)."""
    await a_family(desk)
    before = len(await kept(desk))
    shown = {"type": "person_no", "value": "S1"}
    refused = await desk.post(HOSPITAL, "/v1/settlements", a_claim(credential=shown))
    (access,) = (await kept(desk))[before:]

    is_refused(refused, 422, "CREDENTIAL_MISMATCH")
    assert "CREDENTIAL_MISMATCH" == access.code
    assert 2 == len([s for s in access.streams if s.startswith("acc_")])


async def test_a_batch_leaves_the_codes_of_its_bills(desk: Desk) -> None:
    """One record for a batch in which a bill was refused; none where all were settled."""
    await a_family(desk)
    good = a_claim() | {"key": "b1"}
    bad = a_claim(visit="v2", credential={"type": "person_no", "value": "S1"}) | {"key": "b2"}
    before = len(await kept(desk))
    await desk.send("POST", HOSPITAL, "/v1/settlements:batch", {"claims": [good]})
    assert before == len(await kept(desk))
    await desk.send("POST", HOSPITAL, "/v1/settlements:batch", {"claims": [bad]})
    (access,) = (await kept(desk))[before:]

    assert (200, "CREDENTIAL_MISMATCH") == (access.status, access.code)


async def test_no_record_names_anybody(desk: Desk) -> None:
    """Numbers, names and IDs of paths, bodies and answers are in no record."""
    await a_family(desk)
    for who in (AGENCY, AUDITOR, a_person("P1"), a_person("S1"), AGENCY_ELSEWHERE):
        await desk.get(who, "/v1/accounts/P1")
        await desk.get(who, "/v1/accounts/P1/deduction-order")
    text = repr(await kept(desk))

    for secret in ("'P1'", "/P1", ":P1", "S1'", CANARY_ID, CANARY_NAME):
        assert secret not in text


@pytest.mark.parametrize("purpose", ["张敏", "a b", "1case", "x" * 41, "", "a/b"])
async def test_a_purpose_is_a_code(desk: Desk, purpose: str) -> None:
    """What is no code is refused before anything is looked at."""
    raw = [(b"Gongji-Purpose", purpose.encode())]
    sent = [(name.encode(), value.encode()) for name, value in desk.bearer(AGENCY).items()]
    shown = await desk.front.get("/v1/accounts/P1", headers=[*raw, *sent])

    is_refused(shown, 400, "PURPOSE_FORMAT")


async def test_only_auditors_read_it_and_that_is_recorded(desk: Desk) -> None:
    """Others are refused; an auditor's look at a person's accesses is one access more."""
    await an_account(desk, "P1")
    await desk.get(a_person("P1"), "/v1/accounts/P1")
    is_refused(await desk.get(AGENCY, "/v1/audit/accesses"), 403, "NOT_PERMITTED")
    first = await told(desk, "?person_no=P1")
    second = await told(desk, "?person_no=P1")

    assert ["GET /v1/accounts/{person_no}"] == [item["operation"] for item in first[:1]]
    assert 1 + len(first) == len(second)
    assert ("GET /v1/audit/accesses", "auditor:auditor") == (
        second[0]["operation"],
        second[0]["caller"],
    )


async def test_pages_and_times_select(desk: Desk) -> None:
    """Cursor pages meet without gap or repeat; `from` counts and `to` does not."""
    await an_account(desk, "P1")
    for _ in range(5):
        await desk.get(AGENCY, "/v1/accounts/P1")
    first = await desk.get(AUDITOR, "/v1/audit/accesses?caller=agency:a1&limit=3")
    cursor = first.json()["next"]
    rest = await told(desk, f"?caller=agency:a1&limit=3&cursor={cursor}")
    now = httpx.QueryParams({"from": desk.clock.at.isoformat(), "caller": "agency:a1"})
    until = httpx.QueryParams({"to": desk.clock.at.isoformat(), "caller": "agency:a1"})

    shown = [item["access"] for item in [*first.json()["items"], *rest]]
    assert shown == sorted(shown, reverse=True)
    assert 5 == len(set(shown))
    assert 5 == len(await told(desk, f"?{now}"))
    assert [] == await told(desk, f"?{until}")


async def test_strangers_are_not_recorded(desk: Desk) -> None:
    """Without a token nobody is touched; rules and health have nobody behind them."""
    before = len(await kept(desk))
    await desk.front.get("/v1/accounts/P1")
    await desk.get(AGENCY, "/v1/policies")
    await desk.front.get("/livez")
    await desk.get(AGENCY, "/v1/nothing/here")

    assert before == len(await kept(desk))


def an_access(number: int) -> Access:
    return Access(
        at=number * 1_000_000,
        status=200,
        caller=f"agency:{number % 3}",
        role="agency",
        operation="GET /v1/accounts/{person_no}",
        code=None,
        purpose=None,
        trace_id=f"{number:016x}",
        streams=(),
    )


async def test_positions_have_no_gap_and_the_chain_holds(desk_on_postgres: Desk) -> None:
    """However many ask at once, each is recorded once, in a chain that can be walked."""
    desk = desk_on_postgres
    assert isinstance(desk.context.store, PostgresStore)
    await an_account(desk, "P1")
    looks = (desk.get(AGENCY, "/v1/accounts/P1") for _ in range(40))
    assert {200} == {shown.status_code for shown in await asyncio.gather(*looks)}
    found = await desk.context.store.accesses(ALL, 1000)

    assert list(range(len(found), 0, -1)) == [one.position for one in found]
    assert 40 == len(found)
    checked = await check(desk.context.store.pool)
    assert (None, 40) == (checked.broken, checked.position)


TAMPERED = {
    "UPDATE accesses SET caller = 'agency:x' WHERE position = 7": 7,
    "UPDATE accesses SET streams = '{acc_x}' WHERE position = 2": 2,
    "UPDATE accesses SET status = 404 WHERE position = 1": 1,
    "DELETE FROM accesses WHERE position = 5": 5,
    "DELETE FROM accesses WHERE position = 10": 10,
    "UPDATE accesses SET hash = sha256('x') WHERE position = 3": 3,
}


@pytest.mark.parametrize("statement", TAMPERED)
async def test_the_first_row_that_was_touched_is_told(
    desk_on_postgres: Desk, statement: str
) -> None:
    """Whoever changes or drops a row breaks the chain there (S123)."""
    store = desk_on_postgres.context.store
    assert isinstance(store, PostgresStore)
    await record(store.pool, [an_access(number) for number in range(10)])
    assert None is (await check(store.pool)).broken
    await tamper(store.pool, statement)

    assert TAMPERED[statement] == (await check(store.pool)).broken


async def test_rows_leave_only_as_an_old_beginning(desk_on_postgres: Desk) -> None:
    """A change or a deletion is refused; what is old goes, and the chain goes on at its anchor."""
    store = desk_on_postgres.context.store
    assert isinstance(store, PostgresStore)
    await record(store.pool, [an_access(number) for number in range(10)])
    for statement in ("DELETE FROM accesses", "UPDATE accesses SET status = 1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await store.pool.execute(statement)

    assert 4 == await prune(store.pool, 4_000_000)
    assert 0 == await prune(store.pool, 4_000_000)
    await record(store.pool, [an_access(11)])
    left = [one.position for one in await store.accesses(ALL, 100)]
    assert list(range(11, 4, -1)) == left
    assert None is (await check(store.pool)).broken


async def test_what_cannot_be_recorded_is_not_shown(desk_on_postgres: Desk) -> None:
    """Without its record a look is 503 and shows nothing; a settlement goes on as before."""
    desk = desk_on_postgres
    assert isinstance(desk.context.store, PostgresStore)
    await a_family(desk)
    await a_settlement(desk, key="once")
    await tamper(desk.context.store.pool, "ALTER TABLE access_head RENAME TO gone")
    shown = await desk.get(AGENCY, "/v1/accounts/P1")
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "once")
    await a_settlement(desk, key="new", visit="other")

    is_refused(shown, 503, "STORE_UNAVAILABLE")
    assert (503, "unknown") == (again.status_code, again.json()["outcome"])
