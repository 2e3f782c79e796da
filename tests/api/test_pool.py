"""A family pool over HTTP: who may open, fill and see it, and what a refusal tells."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.account.responses import AccountReply
from api.account.statement_schemas import EntriesReply
from api.pool import PoolReply
from service.context import furnish
from service.ledger.memory_store import MemoryStore
from service.read_models.reader import ReadModels
from service.regions.policy_book import PolicyBook
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    BOOK,
    CANARY_NAME,
    ELSEWHERE,
    HOME,
    HOSPITAL,
    LEDGER_KEYS,
    NATION,
    NOW,
    Desk,
    NoFollower,
    a_family,
    a_person,
    a_settlement,
    at_a_desk,
    is_answered,
    is_refused,
)
from tests.cases.outcome import StoppedClock
from tests.cases.world import P0, changed

FUJIAN = changed(
    P0,
    {
        "money_model": "FAMILY_POOL",
        "pool": {"floor_fen": 20_000, "min_transfer_fen": 1_000, "transfers_per_month": 1},
    },
)
PATH = "/v1/pools"
OWNER, RELATIVE = a_person("S1"), a_person("P1")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk in a region with pools: 200.00 stay in the account, one transfer a month."""
    clock = StoppedClock()
    clock.at = NOW
    book = PolicyBook({HOME: (FUJIAN,), ELSEWHERE: BOOK.editions(ELSEWHERE)})
    context = furnish(MemoryStore(), LEDGER_KEYS, book, clock)
    async with at_a_desk(context, ReadModels(None, NoFollower()), clock, tmp_path) as desk:
        yield desk
    await context.close()


async def a_pool(desk: Desk, amount: str = "300.00") -> str:
    """The pool of S1, who has 500.00, with some of it."""
    await a_family(desk)
    opened = is_answered(await desk.post(OWNER, PATH, {}), PoolReply, 201)
    path = f"{PATH}/{opened['pool_id']}"
    is_answered(await desk.post(OWNER, f"{path}/transfers", {"amount": amount}), PoolReply, 201)
    return path


async def test_a_pool_is_opened_filled_and_found(desk: Desk) -> None:
    """The owner finds the pool in the account's answer; account and pool move together."""
    await a_family(desk)
    before = is_answered(await desk.get(OWNER, "/v1/accounts/S1"), AccountReply)
    opened = is_answered(await desk.post(OWNER, PATH, {}, "k1"), PoolReply, 201)
    assert ("S1", "0.00", "300.00", 1) == (
        opened["owner"],
        opened["balance"],
        opened["transferable"],
        opened["transfers_left"],
    )
    path = f"{PATH}/{opened['pool_id']}"
    moved = await desk.post(OWNER, f"{path}/transfers", {"amount": "250.00"}, "k2")
    again = await desk.post(OWNER, f"{path}/transfers", {"amount": "250.00"}, "k2")
    pool = is_answered(moved, PoolReply, 201)

    assert "pool_id" not in before
    assert "true" == again.headers["idempotency-replayed"]
    assert ("250.00", "0.00", 0) == (pool["balance"], pool["transferable"], pool["transfers_left"])
    assert ("200.00", "2026-04-01") == (pool["floor"], pool["next_transfer_on"])
    shown = is_answered(await desk.get(OWNER, "/v1/accounts/S1"), AccountReply)
    assert (opened["pool_id"], "250.00") == (shown["pool_id"], shown["balance"]["current"])


async def test_a_refused_transfer_tells_the_floor_and_what_may_be_moved(desk: Desk) -> None:
    """Too much, too little, and once too often in a month; nothing moves, in both languages."""
    await a_family(desk)
    pool_id = (await desk.post(OWNER, PATH, {})).json()["pool_id"]
    path = f"{PATH}/{pool_id}/transfers"
    told = {"floor": "200.00", "transferable": "300.00"}
    floor = is_refused(await desk.post(OWNER, path, {"amount": "300.01"}), 409, "POOL_FLOOR")
    small = await desk.post(OWNER, path, {"amount": "9.99"}, **{"Accept-Language": "en"})
    least = is_refused(small, 409, "POOL_TRANSFER_TOO_SMALL")
    assert told.items() <= floor.items()
    assert (told | {"minimum": "10.00"}).items() <= least.items()
    assert "minimum" in least["detail"]
    assert 201 == (await desk.post(OWNER, path, {"amount": "100.00"})).status_code
    second = await desk.post(OWNER, path, {"amount": "100.00"})
    limit = is_refused(second, 409, "POOL_TRANSFER_LIMIT")
    month = {"per_month": 1, "next_on": "2026-04-01", "floor": "200.00", "transferable": "0.00"}
    assert month.items() <= limit.items()
    for amount in ("0.00", "-1.00", "1", 5):
        assert 422 == (await desk.post(OWNER, path, {"amount": amount})).status_code
    assert "400.00" == await desk.balance("S1")


async def test_only_the_owner_the_agency_and_auditors_see_a_pool(desk: Desk) -> None:
    """For a relative, a stranger, another agency and an institution there is none."""
    path = await a_pool(desk)
    seen = [is_answered(await desk.get(who, path), PoolReply) for who in (OWNER, AGENCY, AUDITOR)]
    assert [seen[0]] * 3 == seen
    for who in (RELATIVE, a_person("S2"), AGENCY_ELSEWHERE):
        is_refused(await desk.get(who, path), 404, "NOT_FOUND")
        is_refused(await desk.get(who, f"{path}/entries"), 404, "NOT_FOUND")
        transfer = await desk.post(who, f"{path}/transfers", {"amount": "50.00"})
        is_refused(transfer, 404, "NOT_FOUND")
        is_refused(await desk.post(who, f"{path}/withdrawals", {}), 404, "NOT_FOUND")
    for body in ({}, {"amount": "50.00"}):
        operation = "transfers" if body else "withdrawals"
        answer = await desk.post(HOSPITAL, f"{path}/{operation}", body)
        is_refused(answer, 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, f"{path}/withdrawals", {}), 403, "READ_ONLY_ROLE")


async def test_an_agency_acts_for_the_owner(desk: Desk) -> None:
    """It names the owner, of its own region; the log says for whom it acted."""
    await a_family(desk)
    is_refused(await desk.post(AGENCY, PATH, {}), 422, "FIELD_REQUIRED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, PATH, {"owner": "S1"}), 404, "NOT_FOUND")
    is_refused(await desk.post(OWNER, PATH, {"owner": "P1"}), 404, "NOT_FOUND")
    pool = is_answered(await desk.post(AGENCY, PATH, {"owner": "S1"}), PoolReply, 201)
    path = f"{PATH}/{pool['pool_id']}"
    is_answered(await desk.post(NATION, f"{path}/transfers", {"amount": "20.00"}), PoolReply, 201)
    is_refused(await desk.post(NATION, f"{path}/withdrawals", {}), 409, "POOL_HAS_MEMBERS")
    is_refused(await desk.post(OWNER, PATH, {}), 409, "POOL_EXISTS")
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    acts = {one.act.on_behalf_of for one in store.log[-2:]}
    owner = store.log[-1].event.account  # type: ignore[union-attr]
    assert {owner} == acts


async def test_a_pools_statement_says_what_came_in_and_who_spent_it(desk: Desk) -> None:
    """Newest first, page by page, in both languages; relatives' names are masked."""
    path = await a_pool(desk)
    await a_settlement(desk)
    english = await desk.get(OWNER, f"{path}/entries", **{"Accept-Language": "en"})
    entries = is_answered(english, EntriesReply)["items"]
    assert [("debited", "-44.25", "255.75"), ("moved_to_pool", "300.00", "300.00")] == [
        (entry["kind"], entry["amount"], entry["balance_after"]) for entry in entries
    ]
    assert "2026-03-02: 300.00 yuan moved to the family pool" == entries[1]["text"]
    assert CANARY_NAME not in english.text
    assert "44.25 yuan paid for" in entries[0]["text"]
    first = (await desk.get(OWNER, f"{path}/entries?limit=1")).json()
    rest = (await desk.get(OWNER, f"{path}/entries?cursor={first['next']}")).json()
    assert "2026-03-02 转入家庭共济账户 300.00 元" == rest["items"][0]["text"]
    assert ([entries[0]["position"]], [entries[1]["position"]], None) == (
        [entry["position"] for entry in first["items"]],
        [entry["position"] for entry in rest["items"]],
        rest["next"],
    )
