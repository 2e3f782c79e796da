"""The quick check finds nothing in a sound ledger, and what somebody changed in another."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from aggregates.vocabulary import Bucket, StreamId
from service.account.corrections import ProposeCorrection, approve, propose, reject
from service.caller import agency
from service.ledger.codec import KINDS, TOPIC_PREFIX
from service.ledger.postgres.store import PostgresStore
from service.replay.compare.balances import check_balances
from service.replay.differences import Mismatch
from tests.ledgers import BOUNDS_OFF, tamper
from tests.service.ledger.batches import Teller
from tests.service.ledger.stored_events import STORED
from tests.service.read_models.following import a_store
from tests.service.settlement.settled_family import (
    PATIENT,
    REGION,
    a_context,
    asked,
    move_in,
    settled,
)

BEGINS = {
    "account": "opened",
    "binding": "invitation-sent",
    "settlement": "settled",
    "institution": "designated",
    "policy": "edition-published",
    "kinship": "recorded",
    "hold": "placed",
    "link": "opened",
    "correction": "proposed",
    "premium": "held",
    "visit": "registered",
    "ledger": "fork-accepted",
    "pool": "opened",
}
"""The event that begins a stream of each kind."""
HUGE = """
    UPDATE events SET amount_fen = 9223372036854775807
     WHERE stream = $1::text::uuid AND amount_fen IS NOT NULL
"""
WITHOUT_HEAD = [kind.prefix for kind in KINDS.values() if not kind.has_head]


def an_id(prefix: str, number: int) -> StreamId:
    return StreamId(f"{prefix}_{KINDS[prefix].code:016x}{number:016x}")


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgresStore]:
    async with a_store(dsn) as opened:
        yield opened


async def begin_one_of_each(store: PostgresStore) -> None:
    """Append the first event of a stream of every kind."""
    teller = Teller()
    for word, begins in BEGINS.items():
        event = STORED[f"{word}.{begins}/1"]
        stream = an_id(TOPIC_PREFIX[word], 1)
        assert (await store.append(teller.batch((stream, event)))).base is not None


async def change(dsn: str, statement: str, stream: StreamId, rows: int = 1) -> None:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        told = await tamper(pool, statement, stream[4:])
    assert told.endswith(f" {rows}"), told


async def found(dsn: str) -> list[tuple[str | None, Mismatch]]:
    return [(one.stream, one.mismatch) for one in (await check_balances(dsn))[1].kept]


async def test_a_stream_of_any_kind_adds_up(dsn: str, store: PostgresStore) -> None:
    """Kinds that keep no head (bills, visits, corrections) are missed nowhere."""
    assert set(BEGINS) == set(TOPIC_PREFIX)
    await begin_one_of_each(store)

    events, differences = await check_balances(dsn)
    assert (len(KINDS), []) == (events, differences.kept)


async def test_corrections_are_no_differences(dsn: str, tmp_path: Path) -> None:
    """One up, one down, one rejected and one open beside a bill: everything adds up."""
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        await settled(context, "one", fen=700)
        for fen, decides in ((300, approve), (-100, approve), (50, None), (60, reject)):
            wrong = ProposeCorrection(
                person_no=PATIENT,
                bucket=Bucket.CURRENT,
                amount_fen=fen,
                reason="told",
                reference=None,
            )
            reply = await propose(context, asked(agency("clerk 1", REGION)), wrong)
            proposed = StreamId(json.loads(reply.answer)["correction_id"])
            other = asked(agency("clerk 2", REGION))
            if decides is approve:
                assert None is (await approve(context, other, proposed)).refusal
            elif decides is reject:
                assert None is (await reject(context, other, proposed, "told")).refusal

        assert [] == await found(dsn)


@pytest.mark.parametrize("prefix", WITHOUT_HEAD)
async def test_a_missing_version_is_found_where_no_head_is_kept(
    dsn: str, store: PostgresStore, prefix: str
) -> None:
    """The first event of a bill, a visit or a correction is gone, a later one is there."""
    await begin_one_of_each(store)
    stream = an_id(prefix, 1)
    await change(dsn, "UPDATE events SET version = 2 WHERE stream = $1::text::uuid", stream)

    assert [(stream, Mismatch.VERSION)] == await found(dsn)


@pytest.mark.parametrize("prefix", sorted({*KINDS} - {*WITHOUT_HEAD}))
async def test_a_missing_head_is_found(dsn: str, store: PostgresStore, prefix: str) -> None:
    """A stream of a kind that keeps a head has none."""
    await begin_one_of_each(store)
    stream = an_id(prefix, 1)
    await change(dsn, "DELETE FROM heads WHERE stream = $1::text::uuid", stream)

    assert [(stream, Mismatch.VERSION)] == await found(dsn)


async def test_amounts_beyond_any_account_end_with_a_verdict(
    dsn: str, store: PostgresStore
) -> None:
    """Two amounts whose sum passes the type of their column are a difference, not a fault."""
    stream = an_id("acc", 1)
    opened, credited = STORED["account.opened/1"], STORED["account.credited/1"]
    batch = Teller().batch((stream, opened), (stream, credited), (stream, credited))
    assert (await store.append(batch)).base is not None
    await tamper(store.pool, BOUNDS_OFF)
    await change(dsn, HUGE, stream, rows=2)

    assert [(stream, Mismatch.BALANCE)] == await found(dsn)
