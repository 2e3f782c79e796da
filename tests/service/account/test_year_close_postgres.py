"""Closing the year of thousands of accounts in PostgreSQL, beside a running service."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial

import pytest
from pydantic_core import from_json, to_json

from aggregates.account.events import AccountOpened, Credited
from aggregates.topics import Event
from aggregates.vocabulary import BEIJING, Bucket, Instant, Insurance, InsuranceStatus, StreamId
from service.account.accounts import CreditAccount, OpenAccount, look_at_account, open_account
from service.account.accounts import credit as credit_account
from service.account.year_close import close_year
from service.caller import Request
from service.clock import new_stream
from service.context import ServiceContext, furnish
from service.ledger.command import Decision
from service.ledger.postgres.store import PostgresStore
from service.ledger.read_set import ReadSet
from service.policy import publish
from service.regions.policy_book import PolicyBook
from service.vault import Personal, Vault
from tests.cases.outcome import StoppedClock
from tests.cases.service_driver import AGENCY
from tests.cases.world import P0

OLD = datetime(2026, 12, 30, 10, 0, tzinfo=BEIJING)
NEW = datetime(2027, 1, 2, 10, 0, tzinfo=BEIJING)
TOGETHER, MANY = 500, 3_000
CURRENT_FEN, PRIOR_FEN = 700, 50
LATE_FEN = 9
CALLS = itertools.count()
TURNS = """
    SELECT e.stream, count(*) AS n FROM events e JOIN topics t ON t.id = e.topic
     WHERE t.topic = 'account.year-closed/1' GROUP BY e.stream
"""


class StoppedError(Exception):
    """The operator pressed Ctrl-C."""


def asked() -> Request:
    return Request(AGENCY, f"call {next(CALLS)}", b"", "test")


def a_context(store: PostgresStore, clock: StoppedClock) -> ServiceContext:
    return furnish(store, Vault(bytes(32), bytes(32)), PolicyBook({"990000": (P0,)}), clock)


async def settle_there(context: ServiceContext) -> list[StreamId]:
    """Open three thousand employees with money of both kinds."""
    came: list[StreamId] = []
    for _ in range(MANY // TOGETHER):
        streams = [new_stream("acc", context.clock().at) for _ in range(TOGETHER)]
        opened = AccountOpened(
            region="990000",
            insurance=Insurance.EMPLOYEE,
            standing=InsuranceStatus.NORMAL,
            flags=(),
            on=context.clock().on,
            sealed="",
        )
        money = [
            Credited(bucket=bucket, amount_fen=fen, reference=None)
            for bucket, fen in ((Bucket.CURRENT, CURRENT_FEN), (Bucket.PRIOR, PRIOR_FEN))
        ]
        each: list[Event] = [opened, *money]
        events = [(stream, event) for stream in streams for event in each]
        await context.do(asked(), partial(_all_of, events))
        came += streams
    return came


def _all_of(events: list[tuple[StreamId, Event]], _: ReadSet, __: Instant) -> Decision:
    return Decision(b"{}", events=[*events])


async def credit(context: ServiceContext, stream: StreamId) -> None:
    """Credit current money of the new year."""
    event = Credited(bucket=Bucket.CURRENT, amount_fen=LATE_FEN, reference=None)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        return Decision(to_json(reads.account(stream).balance_fen), events=[(stream, event)])

    await context.do(asked(), decide)


@pytest.fixture
async def contexts(dsn: str) -> AsyncIterator[tuple[ServiceContext, ServiceContext, StoppedClock]]:
    """One context that serves and one that closes, on one ledger and clock."""
    clock = StoppedClock()
    clock.at = OLD
    stores = [PostgresStore(dsn), PostgresStore(dsn)]
    for store in stores:
        await store.open()
    serving, closing = (a_context(store, clock) for store in stores)
    yield serving, closing, clock
    for context in (serving, closing):
        await context.close()


async def turns(context: ServiceContext) -> dict[str, int]:
    """How often each account's year was closed."""
    assert isinstance(context.store, PostgresStore)
    return {stream.hex: n for stream, n in await context.store.pool.fetch(TURNS)}


async def stored(context: ServiceContext) -> tuple[int, int, int]:
    """The sums of the SQL view: accounts, current and prior fen."""
    assert isinstance(context.store, PostgresStore)
    found = await context.store.pool.fetchrow(
        "SELECT count(*), sum(current_fen)::bigint, sum(prior_fen)::bigint FROM balances"
    )
    return tuple(found)


async def test_a_year_is_closed_beside_a_house_that_goes_on(
    contexts: tuple[ServiceContext, ServiceContext, StoppedClock],
) -> None:
    """Each account once, by either process, and no credit is lost or moved."""
    serving, closing, clock = contexts
    came = await settle_there(serving)
    clock.at = NEW
    late = came[:: MANY // 300]

    async def go_on(streams: Sequence[StreamId]) -> None:
        for stream in streams:
            await credit(serving, stream)

    everybody = asyncio.gather(*(go_on(late[n::8]) for n in range(8)))
    closed, _ = await asyncio.gather(close_year(closing), everybody)

    counted = await turns(serving)
    assert {stream[4:]: 1 for stream in came} == counted
    assert 0 < closed <= MANY
    assert (MANY, len(late) * LATE_FEN, MANY * (CURRENT_FEN + PRIOR_FEN)) == await stored(serving)
    assert 0 == await close_year(closing)


async def test_who_is_cut_off_goes_on_where_he_was(
    contexts: tuple[ServiceContext, ServiceContext, StoppedClock],
) -> None:
    """After an interruption the next run closes the rest, each account once."""
    serving, closing, clock = contexts
    came = await settle_there(serving)
    clock.at = NEW

    def stop_at_half(done: int, of: int) -> None:
        if 2 * done > of:
            raise StoppedError

    with pytest.raises(StoppedError):
        await close_year(closing, stop_at_half)
    before = sum((await turns(serving)).values())
    after = await close_year(closing)

    assert 0 < before < MANY
    assert MANY == before + after
    assert {stream[4:]: 1 for stream in came} == await turns(serving)


async def test_sql_shows_what_is_stored_and_http_what_counts(
    contexts: tuple[ServiceContext, ServiceContext, StoppedClock],
) -> None:
    """The view has the old buckets until the close; answers do not."""
    serving, closing, clock = contexts
    await publish(serving)
    person = Personal("P1", "王某", "ID-P1")
    opening = OpenAccount(
        personal=person, insurance=Insurance.EMPLOYEE, region="990000", status="NORMAL", flags=()
    )
    await open_account(serving, asked(), opening)
    money = CreditAccount(person_no="P1", amount_fen=500, bucket=Bucket.CURRENT, reference=None)
    await credit_account(serving, asked(), money)
    clock.at = NEW

    async def told() -> tuple[str, str]:
        shown = await look_at_account(serving, AGENCY, "P1")
        balance = from_json(shown.answer)["balance"]
        return balance["current"], balance["prior"]

    assert ((1, 500, 0), ("0.00", "5.00")) == (await stored(serving), await told())
    assert 1 == await close_year(closing)
    assert ((1, 0, 500), ("0.00", "5.00")) == (await stored(serving), await told())
