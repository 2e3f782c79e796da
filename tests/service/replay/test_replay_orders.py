"""Premiums, corrections, grants and refusals are decided again, and what was changed is found."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic_core import from_json

from aggregates.vocabulary import Bucket, InstitutionKind, InstitutionStatus
from api.sandbox.tax import TaxBooks, create_sandbox
from service import institution as institutions
from service.account import corrections
from service.adapters.tax_authority import Tax
from service.caller import agency, person
from service.clock import business_clock
from service.context import ServiceContext, open_postgres
from service.ledger.postgres.store import PostgresStore
from service.premium.premiums import reverse
from service.replay.differences import Difference, Mismatch
from service.replay.partition import Partition
from service.replay.run import ReplayScope, replay, together
from service.settings import Settings
from tests.ledgers import tamper
from tests.service.premium.premium_family import AT, paid, settle_in
from tests.service.settlement.settled_family import HOSPITAL, REGION, asked, move_in, settled

CLERKS = agency("one", REGION), agency("two", REGION)
REWRITE = """
    UPDATE events SET state = convert_to(
        regexp_replace(convert_from(state, 'UTF8'), $1, $2), 'UTF8')
     WHERE topic = (SELECT id FROM topics WHERE topic = $3)
"""

AGAIN = """
    INSERT INTO events (position, recorded_at, stream, amount_fen, version, topic, state)
    SELECT $1, (SELECT max(recorded_at) FROM events), stream, amount_fen, version + 1, topic, state
      FROM events WHERE topic = (SELECT id FROM topics WHERE topic = 'binding.confirmed/1')
     ORDER BY position LIMIT 1
"""


@asynccontextmanager
async def _a_context(
    dsn: str, place: Path, books: TaxBooks, at: datetime
) -> AsyncIterator[ServiceContext]:
    settings = Settings.read({"GONGJI_DATA": str(place)})
    context = await open_postgres(settings, dsn, business_clock(at))
    transport = httpx.ASGITransport(app=create_sandbox(books))
    context.tax = Tax("http://tax", httpx.AsyncClient(transport=transport), 2.0)
    try:
        yield context
    finally:
        await context.close()


@pytest.fixture
async def context(dsn: str, tmp_path: Path) -> AsyncIterator[ServiceContext]:
    """A house where a premium was paid and given back, balances put right, and a bill refused."""
    books = TaxBooks()
    async with _a_context(dsn, tmp_path, books, AT) as context:
        await settle_in(context)
        reply = await paid(context, "S1")
    async with _a_context(dsn, tmp_path, books, AT + timedelta(hours=3)) as context:
        caller, premium_id = person(context.vault, "S1"), from_json(reply.answer)["premium_id"]
        assert (await reverse(context, asked(caller), premium_id, "wrong")).refusal is None
        await move_in(context, ())
        await _put_right(context)
        await _refuse(context)
        yield context


async def _put_right(context: ServiceContext) -> None:
    one, two = CLERKS
    for fen in (250, -100):
        command = corrections.ProposeCorrection(
            person_no="S2", bucket=Bucket.CURRENT, amount_fen=fen, reason="told", reference=None
        )
        told = await corrections.propose(context, asked(one), command)
        correction_id = from_json(told.answer)["correction_id"]
        if fen > 0:
            done = await corrections.approve(context, asked(two), correction_id)
        else:
            done = await corrections.reject(context, asked(two), correction_id, "it is not")
        assert done.refusal is None


async def _refuse(context: ServiceContext) -> None:
    """One bill twice, and one at a hospital that was suspended meanwhile."""
    assert (await settled(context, "one")).refusal is None
    assert (await settled(context, "one", key="other")).refusal == "DUPLICATE_CLAIM"
    closed = institutions.Designate(
        code=HOSPITAL.subject,
        name="test",
        kind=InstitutionKind.HOSPITAL,
        region=REGION,
        status=InstitutionStatus.SUSPENDED,
        opened_regions=(),
        sensitive=False,
    )
    await institutions.designate(context, asked(), closed)
    refused = await settled(context, "two")
    assert refused.refusal == "INSTITUTION_NOT_DESIGNATED"


def pool_of(context: ServiceContext) -> "asyncpg.Pool[Any]":
    assert isinstance(context.store, PostgresStore)
    return context.store.pool


async def found(dsn: str, context: ServiceContext) -> list[Difference]:
    """What a replay finds, and just so what two shares of it find together."""
    whole = await replay(dsn, context.vault, ReplayScope(with_tables=False))
    halves = [
        await replay(dsn, context.vault, ReplayScope(share=Partition(number, 2), with_tables=False))
        for number in range(2)
    ]
    both = together(halves)
    assert whole.found.by == both.found.by
    assert whole.counts == both.counts
    return whole.found.kept


async def test_all_of_it_is_decided_again(dsn: str, context: ServiceContext) -> None:
    """Nothing differs, and every step is counted among what was decided again."""
    assert [] == await found(dsn, context)
    decided = (await replay(dsn, context.vault)).counts.decided

    assert {
        "correction.approved/1": 1,
        "correction.proposed/1": 2,
        "correction.rejected/1": 1,
        "premium.confirmed/1": 1,
        "premium.reversal-requested/1": 1,
        "premium.reversed/1": 1,
        "premium.sent-to-tax/1": 1,
        "settlement.refused/1": 2,
        "settlement.settled/1": 1,
    } == decided


CHANGES = {
    "another sum for a premium": (
        ('"current_fen":40000', '"current_fen":39999', "premium.confirmed/1"),
        {Mismatch.MOVES, Mismatch.HEAD},
    ),
    "an approval by the proposer": (
        ('"by":"agency:two"', '"by":"agency:one"', "correction.approved/1"),
        {Mismatch.DECISION, Mismatch.MOVES},
    ),
    "an approval into another bucket": (
        ('"bucket":"current"', '"bucket":"prior"', "correction.approved/1"),
        {Mismatch.DECISION},
    ),
    "a correction of another sum": (
        ('"amount_fen":250', '"amount_fen":251', "correction.proposed/1"),
        {Mismatch.MOVES},
    ),
    "a refusal without cause": (
        ('"code":"DUPLICATE_CLAIM"', '"code":"NO_FUNDS"', "settlement.refused/1"),
        {Mismatch.DECISION},
    ),
    "a refusal for another cause": (
        ('"INSTITUTION_NOT_DESIGNATED"', '"DUPLICATE_CLAIM"', "settlement.refused/1"),
        {Mismatch.DECISION},
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_was_changed_is_found(dsn: str, context: ServiceContext, change: str) -> None:
    """A step that the rules would not have taken is reported as what it is."""
    words, expected = CHANGES[change]
    assert "UPDATE 0" != await tamper(pool_of(context), REWRITE, *words)

    assert expected == {one.mismatch for one in await found(dsn, context)}


async def test_a_grant_is_not_confirmed_twice(dsn: str, context: ServiceContext) -> None:
    """A step that cannot follow is found where it stands."""
    position = await pool_of(context).fetchval(
        "UPDATE log_head SET position = position + 1 RETURNING position"
    )
    await pool_of(context).execute(AGAIN, position)
    differences = await found(dsn, context)

    assert (position, Mismatch.DECISION) in {(one.position, one.mismatch) for one in differences}
    assert {Mismatch.DECISION, Mismatch.HEAD} == {one.mismatch for one in differences}
