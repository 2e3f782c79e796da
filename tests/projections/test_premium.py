"""Premiums that wait: what each event writes, and what the question finds."""

import pytest

from aggregates.premium.premium import OPEN, Premium
from aggregates.premium.premium import evolve as fold
from aggregates.vocabulary import StreamId
from projections.premium import evolve, waiting
from service.ledger.store import Batch
from tests.projections.recorded_families import BEGAN_US, Story, an_id
from tests.projections.recorded_premiums import LIVES, a_premium
from tests.service.read_models.following import a_follower, a_store

PREMIUM = an_id("prm", 1)
PARTIES = an_id("acc", 1), an_id("acc", 2), an_id("bnd", 1)


@pytest.mark.parametrize("number", range(len(LIVES)))
def test_what_is_open_waits(number: int) -> None:
    """After every event a premium waits exactly when its own fold is open, since that event."""
    story = Story()
    story.tell(PREMIUM, *a_premium(PARTIES, number))
    waits: dict[StreamId, int] = {}
    premium: Premium | None = None
    for fact in story.facts():
        evolve(waits, fact)
        premium = fold(premium, fact.event)  # type: ignore[arg-type]

        assert ({PREMIUM: fact.recorded_at} if premium.status in OPEN else {}) == waits


async def test_the_oldest_that_wait_are_found(dsn: str) -> None:
    """Those left before a moment, oldest first; what is answered is not among them."""
    story = Story()
    for number in range(16):
        story.tell(an_id("prm", number), *a_premium(PARTIES, number))
    rows = story.rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=5) as follower:
        for number, row in enumerate(sorted(rows, key=lambda row: row.version), start=1):
            batch = Batch(at=BEGAN_US + number, rows=[row])
            assert (await store.append(batch)).base is not None
        assert await follower.wait_for(await store.position(), 10)
        late = BEGAN_US + 60_000_000
        found = await waiting(store.pool, late, 100)

        assert {an_id("prm", n) for n in range(16) if n % 8 in {0, 1, 2, 5}} == set(found)
        assert found[:3] == await waiting(store.pool, late, 3)
        assert [] == await waiting(store.pool, BEGAN_US, 100)
