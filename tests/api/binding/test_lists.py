"""Lists of statements and bindings in PostgreSQL: pages, and who may see them."""

from typing import Any

from api.account.statement_schemas import EntriesReply
from api.binding.consent_routes import BindingWithConsentsReply
from api.binding.responses import BindingsReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    Who,
    a_binding,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    an_offer,
    is_refused,
    untraced,
)

ENTRIES = "/v1/accounts/S1/entries"
P1, S1, X1 = a_person("P1"), a_person("S1"), a_person("X1")


async def pages(desk: Desk, who: Who, path: str, limit: int) -> list[dict[str, Any]]:
    """Every item of a list, in pages of `limit`."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        tail = f"&cursor={cursor}" if cursor else ""
        joint = "&" if "?" in path else "?"
        answer = await desk.get(who, f"{path}{joint}limit={limit}{tail}")
        assert 200 == answer.status_code, answer.text
        page = answer.json()
        assert len(page["items"]) <= limit
        items += page["items"]
        if (cursor := page["next"]) is None:
            return items


async def test_a_statement_is_the_accounts_story(desk_on_postgres: Desk) -> None:
    """A statement has credits, debits and returns, newest first, with running balances."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk)
    path = f"/v1/settlements/{settled['settlement_id']}/cancellation"
    cancelled = await desk.post(HOSPITAL, path, {})
    answer = await desk.get(S1, ENTRIES)

    EntriesReply.model_validate(answer.json())
    assert int(answer.headers["gongji-position"]) >= int(cancelled.headers["gongji-position"])
    items = answer.json()["items"]
    assert [("44.25", "500.00"), ("-44.25", "455.75"), ("500.00", "500.00")] == [
        (item["amount"], item["balance_after"]) for item in items
    ]
    assert {settled["settlement_id"]} == {item["settlement_id"] for item in items[:2]}
    for who in (AGENCY, NATION, AUDITOR):
        assert items == (await desk.get(who, ENTRIES)).json()["items"]
    assert items == await pages(desk, S1, ENTRIES, 1) == await pages(desk, S1, ENTRIES, 2)


async def test_a_foreign_statement_looks_like_none(desk_on_postgres: Desk) -> None:
    """Strangers, family and other regions get the 404 of an unknown number."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "X1")
    for who in (P1, X1, AGENCY_ELSEWHERE):
        foreign = await desk.get(who, ENTRIES)
        is_refused(foreign, 404, "NOT_FOUND")
        assert untraced(foreign) == untraced(await desk.get(who, "/v1/accounts/NOBODY/entries"))
    for who in (HOSPITAL, OPERATOR):
        is_refused(await desk.get(who, ENTRIES), 403, "NOT_PERMITTED")
        is_refused(await desk.get(who, "/v1/bindings"), 403, "NOT_PERMITTED")


async def test_bindings_are_listed_to_their_own(desk_on_postgres: Desk) -> None:
    """Only the sides, the region's agency and auditors see a binding."""
    desk = desk_on_postgres
    first = await a_family(desk)
    await an_account(desk, "X1")
    await an_account(desk, "S2")
    second = await a_binding(desk, "S2", "P1", "child")
    seen = {}
    for who in (P1, S1, X1, AGENCY, NATION, AUDITOR, AGENCY_ELSEWHERE):
        answer = await desk.get(who, "/v1/bindings")
        BindingsReply.model_validate(answer.json())
        seen[who] = [item["binding_id"] for item in answer.json()["items"]]

    both = [second, first]
    assert [both, [first], [], both, both, both, []] == list(seen.values())
    listed = (await desk.get(S1, "/v1/bindings")).json()["items"][0]
    alone = (await desk.get(S1, f"/v1/bindings/{first}")).json()
    assert listed == {name: alone[name] for name in listed}
    BindingWithConsentsReply.model_validate(alone)
    assert both == [item["binding_id"] for item in await pages(desk, P1, "/v1/bindings", 1)]


async def test_bindings_are_listed_by_status(desk_on_postgres: Desk) -> None:
    """A list can be filtered by today's status."""
    desk = desk_on_postgres
    active = await a_family(desk)
    await an_account(desk, "P2")
    invited = await desk.post(S1, "/v1/bindings", an_offer("P2", "child"))
    for status, expected in (("active", [active]), ("invited", [invited.json()["binding_id"]])):
        items = await pages(desk, S1, f"/v1/bindings?status={status}", 50)
        assert expected == [item["binding_id"] for item in items]
    assert [] == await pages(desk, S1, "/v1/bindings?status=released", 50)


async def test_a_list_waits_for_a_position_and_takes_no_forged_cursor(
    desk_on_postgres: Desk,
) -> None:
    """`min_position` may be ahead for a second; an invalid cursor is refused."""
    desk = desk_on_postgres
    await a_family(desk)
    ahead = await desk.get(S1, f"{ENTRIES}?min_position={10**9}")
    assert 200 == ahead.status_code
    assert int(ahead.headers["gongji-position"]) == await desk.context.store.position()

    for cursor in ("1", "%00", "AAAA", "'; DROP TABLE entries; --", "9" * 100):
        for path in (ENTRIES, "/v1/bindings"):
            is_refused(await desk.get(S1, f"{path}?cursor={cursor}"), 422, "PAGE_INVALID")


async def test_the_database_keeps_no_name_in_clear(desk_on_postgres: Desk) -> None:
    """Events, heads, answers and read models do not contain the canary's number or name."""
    desk = desk_on_postgres
    await a_family(desk)
    by_card = a_claim(beneficiary={"type": "id_card", "value": CANARY_ID})
    assert 201 == (await desk.post(HOSPITAL, "/v1/settlements", by_card)).status_code
    await desk.get(S1, ENTRIES)
    pool = desk.context.store.pool  # type: ignore[attr-defined]
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
    assert {"events", "statements"} <= {table for (table,) in tables}
    for (table,) in tables:
        for row in await pool.fetch(f"SELECT t::text, t.* FROM {table} t"):  # noqa: S608 -- our tables
            raw = b"".join(v for v in row.values() if isinstance(v, bytes)) + row[0].encode()
            assert CANARY_ID.encode() not in raw, table
            assert CANARY_NAME.encode() not in raw, table


async def test_the_same_answers_come_from_postgres(desk_on_postgres: Desk) -> None:
    """Settle, repeat, reuse and look up by key work on PostgreSQL as in memory."""
    desk = desk_on_postgres
    await a_family(desk)
    first = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k1")
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k1")
    reused = await desk.post(HOSPITAL, "/v1/settlements", a_claim(total="99.00"), "k1")
    refused = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k2")
    repeated = await desk.post(HOSPITAL, "/v1/settlements", a_claim(), "k2")

    assert (first.content, "true") == (again.content, again.headers["idempotency-replayed"])
    is_refused(reused, 422, "IDEMPOTENCY_KEY_REUSED")
    is_refused(refused, 409, "DUPLICATE_CLAIM")
    assert untraced(refused) == untraced(repeated)
    found = await desk.get(HOSPITAL, "/v1/settlements?key=k1")
    assert first.json()["settlement_id"] == found.json()["settlement_id"]
