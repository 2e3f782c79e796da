"""A replay decides a premium's amount again: one of its edition's, and within the account."""

from pathlib import Path

from api.sandbox.tax import TaxBooks
from service.ledger.postgres.store import PostgresStore
from service.replay.differences import Mismatch
from service.replay.run import replay
from tests.ledgers import tamper
from tests.service.premium.premium_family import paid, settle_in
from tests.service.premium.test_premium_races import a_context

REWRITE = """
    UPDATE events e SET state = convert_to(
        replace(convert_from(state, 'UTF8'), $1, $2), 'UTF8')
      FROM topics t WHERE t.id = e.topic AND t.topic = 'premium.held/1'
"""


async def test_a_forged_premium_is_found(dsn: str, tmp_path: Path) -> None:
    """A sound premium has no differences; another amount, or a tier, is no premium there."""
    context = await a_context(dsn, tmp_path, TaxBooks())
    await settle_in(context)
    assert (await paid(context, "S1")).refusal is None
    store = context.store
    assert isinstance(store, PostgresStore)
    assert [] == (await replay(dsn, context.vault)).found.kept

    for told, forged in (
        ('"amount_fen":40000', '"amount_fen":39999'),
        ('"on":"2026-10-05"', '"on":"2026-10-05","tier":"high"'),
        ('"insurance":"RESIDENT_BASIC"', '"insurance":"LTCI"'),
    ):
        await tamper(store.pool, REWRITE, told, forged)
        found = (await replay(dsn, context.vault)).found.kept
        assert Mismatch.DECISION in {one.mismatch for one in found}, forged
        await tamper(store.pool, REWRITE, forged, told)
    assert [] == (await replay(dsn, context.vault)).found.kept
    await context.close()
