"""A replay finds nothing in a sound ledger, and exactly what somebody changed in another."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from api.demo.run import tell_a_day
from service.audit.as_of import read_moment
from service.context import ServiceContext
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.replay.differences import Difference, Mismatch
from service.replay.partition import Partition
from service.replay.run import (
    NoSuchMomentError,
    ReplayReport,
    ReplayScope,
    position_at,
    replay,
    together,
)
from service.settlement.cancel import cancel
from service.settlement.refund import RefundBill, refund
from tests.ledgers import tamper
from tests.service.settlement.settled_family import (
    CALLS,
    HOSPITAL,
    a_context,
    asked,
    move_in,
    settled,
)

OF_TOPIC = "SELECT {} FROM events e JOIN topics t ON t.id = e.topic WHERE t.topic = '{}'"
FIRST_SETTLED = OF_TOPIC.format("min(position)", "settlement.settled/1")
LAST_SETTLED = OF_TOPIC.format("max(position)", "settlement.settled/1")
LAST_DEBIT = OF_TOPIC.format("max(position)", "account.debited/1")
REWRITE = """
    UPDATE events SET state = convert_to(
        regexp_replace(convert_from(state, 'UTF8'), '{}', '{}'), 'UTF8') WHERE position = ({})
"""


@pytest.fixture
async def context(dsn: str, tmp_path: Path) -> AsyncIterator[ServiceContext]:
    """A family that settled three bills, took one back and got a part of another again."""
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        first = await settled(context, "one", fen=700)
        second = await settled(context, "two", fen=900)
        await settled(context, "three", fen=2500)
        assert first.subject is not None
        assert second.subject is not None
        taken = RefundBill(settlement=second.subject, amount_fen=650, lines=None, reason="less")
        assert None is (await refund(context, asked(HOSPITAL), taken)).refusal
        assert None is (await cancel(context, asked(HOSPITAL), first.subject, "wrong")).refusal
        yield context


async def test_a_bill_is_replayed_by_the_reading_of_its_release(
    dsn: str, context: ServiceContext
) -> None:
    """A bill without a reading is one of an earlier release: 11 then was 11, and 1301 no 13."""
    await settled(context, "plain", fen=10)
    await _forget_reading(context)
    assert [] == await found(dsn, context)

    await settled(context, "extended", fen=10, med_type="1301")
    assert [] == await found(dsn, context)
    await _forget_reading(context)
    assert {Mismatch.DECISION} <= {one.mismatch for one in await found(dsn, context)}


async def _forget_reading(context: ServiceContext) -> None:
    """The last bill as an earlier release stored it."""
    await tamper(pool_of(context), REWRITE.format(',"reading":1', "", LAST_SETTLED))


def pool_of(context: ServiceContext) -> "asyncpg.Pool[Any]":
    assert isinstance(context.store, PostgresStore)
    return context.store.pool


async def found(dsn: str, context: ServiceContext) -> list[Difference]:
    """What a replay finds, and just so what two shares of it find together."""
    whole = await replay(dsn, context.vault)
    halves = [
        await replay(dsn, context.vault, ReplayScope(share=Partition(number, 2)))
        for number in range(2)
    ]
    both = together(halves)
    assert whole.found.by == both.found.by
    assert (whole.counts, whole.heads, whole.keys) == (both.counts, both.heads, both.keys)
    assert (whole.money, whole.names) == (both.money, both.names)
    return whole.found.kept


def places(report: ReplayReport) -> list[tuple[int | None, Mismatch]]:
    return [(one.position, one.mismatch) for one in report.found.kept]


async def test_a_sound_ledger_is_told_again_without_a_difference(
    dsn: str, context: ServiceContext
) -> None:
    """Everything is folded, decided and compared, also where hardly a head fits into memory."""
    told: list[tuple[int, int]] = []
    report = await replay(dsn, context.vault, progress=lambda done, of: told.append((done, of)))
    narrow = await replay(dsn, context.vault, ReplayScope(heads_max=3))
    head = await context.store.position()

    assert [] == report.found.kept == narrow.found.kept
    assert (head, head) == (report.position, report.counts.events)
    assert (head, head) == told[-1]
    assert {
        "settlement.settled/1": 3,
        "settlement.part-refunded/1": 1,
        "settlement.cancelled/1": 1,
    } == report.counts.decided
    assert await pool_of(context).fetchval("SELECT count(*) FROM heads") == report.heads
    assert await pool_of(context).fetchval("SELECT count(*) FROM unique_names") == report.names
    assert 3 == report.keys
    assert report.tables is not None
    assert {0} == set(report.tables.values())
    assert narrow.set_aside > report.set_aside == 0
    assert 5000 - 250 - 2500 == report.money.accounts_fen
    assert report.counts == narrow.counts


async def test_a_day_of_the_demo_is_told_again_without_a_difference(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every kind of thing that the demo shows folds and decides as it did."""
    async with a_context(dsn, tmp_path) as context:
        await publish(context)
        await tell_a_day(context)
        report = await replay(dsn, context.vault)

    assert capsys.readouterr().out
    assert [] == report.found.kept
    assert report.counts.decided["settlement.settled/1"] > 20


BROKEN = {Mismatch.EVENT, Mismatch.VERSION, Mismatch.READ, Mismatch.DECISION, Mismatch.BALANCE}
"""What else may be told where an account's event cannot be read any more."""
CHANGES = {
    "a balance": (
        "UPDATE heads SET current_fen = current_fen + 1 WHERE current_fen > 100",
        {Mismatch.BALANCE},
    ),
    "an amount": (
        "UPDATE events SET amount_fen = amount_fen - 1 WHERE position = (<last debit>)",
        {Mismatch.AMOUNT},
    ),
    "a missing head": ("DELETE FROM heads WHERE kind = 2", {Mismatch.HEAD}),
    "a head too many": (
        (
            "INSERT INTO heads (stream, version, kind, state)"
            " SELECT gen_random_uuid(), version, kind, state FROM heads WHERE kind = 2"
        ),
        {Mismatch.HEAD},
    ),
    "a folded state": (
        (
            "UPDATE heads SET state = convert_to(replace(convert_from(state, 'UTF8'),"
            " 'CHILD', 'SPOUSE'), 'UTF8') WHERE kind = 2"
        ),
        {Mismatch.HEAD},
    ),
    "a version": ("UPDATE heads SET version = version + 1 WHERE kind = 4", {Mismatch.HEAD}),
    "a payer's reason": (
        REWRITE.format('"reason":"NOT_NEEDED"', '"reason":"CAP"', FIRST_SETTLED),
        {Mismatch.DECISION},
    ),
    "an event's bytes": (
        (
            "UPDATE events SET state = set_byte(state, length(state) - 4, 120)"
            " WHERE position = (<last debit>)"
        ),
        {*BROKEN, Mismatch.MOVES, Mismatch.HEAD, Mismatch.MONEY, Mismatch.READ_MODEL},
    ),
    "a version read": (
        REWRITE.format('("bnd_[0-9a-f]+"):2', r"\1:1", LAST_SETTLED),
        {Mismatch.READ},
    ),
    "a lost event": (
        "DELETE FROM events WHERE position = (<last settled>)",
        {Mismatch.POSITION, Mismatch.MOVES, Mismatch.MONEY, Mismatch.KEY, Mismatch.NAME},
    ),
    "a lost end": (
        "DELETE FROM events WHERE position = (SELECT position FROM log_head)",
        {Mismatch.POSITION, Mismatch.MOVES, Mismatch.MONEY, Mismatch.NAME},
    ),
    "a lost key": ("DELETE FROM command_keys WHERE key = 'three'", {Mismatch.KEY}),
    "a key renamed": ("UPDATE command_keys SET key = 'four' WHERE key = 'three'", {Mismatch.KEY}),
    "a lost name": (
        (
            "DELETE FROM unique_names WHERE stream IN"
            " (SELECT stream FROM events WHERE position = (<last settled>))"
        ),
        {Mismatch.NAME},
    ),
    "a name astray": (
        (
            "INSERT INTO unique_names SELECT '\\x00', stream FROM events"
            " WHERE position = (<last settled>)"
        ),
        {Mismatch.NAME},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_whatever_was_changed_is_found(
    dsn: str, context: ServiceContext, change: str
) -> None:
    """A change of any stored thing is reported, and nothing else is."""
    statement, expected = CHANGES[change]
    statement = statement.replace("<last debit>", LAST_DEBIT)
    statement = statement.replace("<last settled>", LAST_SETTLED)
    assert "0" != (await tamper(pool_of(context), statement)).split()[-1]
    mismatches = {one.mismatch for one in await found(dsn, context)}

    assert mismatches
    assert mismatches <= expected


async def test_one_changed_balance_is_reported_and_nothing_else(
    dsn: str, context: ServiceContext
) -> None:
    """The account, its stored buckets and those of its fold: one line, no position."""
    stream, current_fen = await pool_of(context).fetchrow(
        "UPDATE heads SET current_fen = current_fen + 1 WHERE stream ="
        " (SELECT min(stream::text)::uuid FROM balances) RETURNING stream, current_fen"
    )
    (one,) = await found(dsn, context)

    assert (None, f"acc_{stream.hex}", Mismatch.BALANCE) == one[:3]
    assert f"current, prior ({current_fen}, 0)" == one.stored
    assert f"current, prior ({current_fen - 1}, 0)" == one.replayed
    assert one.line().startswith(f"- acc_{stream.hex} BALANCE: ")


async def test_a_settlement_decided_otherwise_is_found_at_its_position(
    dsn: str, context: ServiceContext
) -> None:
    """What a payer is said to have had is not what his account held: the rules object."""
    position = await pool_of(context).fetchval(LAST_SETTLED)
    await tamper(
        pool_of(context),
        REWRITE.format('"available_fen":2000', '"available_fen":1999', LAST_SETTLED),
    )
    (one,) = await found(dsn, context)

    assert (position, Mismatch.DECISION) == (one.position, one.mismatch)
    assert "available_fen=1999" in one.stored
    assert "available_fen=2000" in one.replayed


async def test_a_read_model_is_compared_with_the_log(dsn: str, context: ServiceContext) -> None:
    """A row of a statement that was changed by hand is counted under its table."""
    assert [] == await found(dsn, context)
    await pool_of(context).execute("DELETE FROM statements")
    report = await replay(dsn, context.vault)

    assert report.tables is not None
    assert report.tables["statements"] > 0
    assert [(None, Mismatch.READ_MODEL)] == places(report)


async def test_a_replay_goes_up_to_a_position_or_a_read_moment(
    dsn: str, context: ServiceContext
) -> None:
    """Up to there it is told and decided; what is stored now is not compared with it."""
    pool = pool_of(context)
    position = await pool.fetchval(FIRST_SETTLED)
    await pool.execute("UPDATE heads SET current_fen = 1 WHERE current_fen > 1")
    report = await replay(dsn, context.vault, ReplayScope(as_of=position))
    async with pool.acquire() as connection:
        head = await context.store.position()
        assert head == await position_at(connection, read_moment("2999-01-01"))
        assert 0 == await position_at(connection, read_moment("1999-01-01T00:00:00+08:00"))
        assert position == await position_at(connection, read_moment(str(position)))
        with pytest.raises(NoSuchMomentError):
            await position_at(connection, head + 1)

    assert [] == report.found.kept
    assert (position, 1) == (report.position, report.counts.decided.total())
    assert (0, None) == (report.heads, report.tables)
    assert (5000 - 700, 700) == (report.money.accounts_fen, report.money.owed_fen)


async def test_writers_go_on_while_the_log_is_told_again(dsn: str, context: ServiceContext) -> None:
    """A ledger that grows meanwhile is compared at one moment of its own."""
    before = await context.store.position()
    grown: list[int] = []

    async def grow() -> None:
        while len(grown) < 40:
            grown.append((await settled(context, f"more {next(CALLS)}", fen=1)).position)

    writing = asyncio.create_task(grow())
    reports = [await replay(dsn, context.vault) for _ in range(2)]
    await writing

    assert [] == [one for report in reports for one in report.found.kept]
    assert before <= reports[0].position <= reports[1].position <= await context.store.position()
