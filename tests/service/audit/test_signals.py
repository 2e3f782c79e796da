"""Signals as they are stored: followed, rebuilt alike, and asked for page by page."""

from projections.audit.signals import after
from projections.audit.thresholds import SignalKind
from service.ledger.codec import EventRow, encode, encode_act
from service.read_models.rebuild import check, rebuild
from tests.projections.audit.signal_story import Plot
from tests.projections.audit.test_signals import everything
from tests.projections.recorded_families import NOBODY
from tests.service.read_models.following import a_follower, a_store, append


def rows_of(plot: Plot) -> list[EventRow]:
    act = encode_act(NOBODY)
    return [encode(fact.stream, fact.version, fact.event, act) for fact in plot.facts()]


async def test_followed_in_small_batches_the_same_is_found(dsn: str) -> None:
    """What a follower finds in batches of seven is what the rules find in the whole log."""
    plot = everything()
    async with a_store(dsn) as store, a_follower(dsn, store.pool, events_max=7) as follower:
        head = await append(store, rows_of(plot))
        assert await follower.wait_for(head, 60)
        stored = await after(store.pool, 0, None, None, 10_000)
        differing = (await check(dsn, ["signals"])).differing
        await rebuild(dsn, ["signals"])
        rebuilt = await after(store.pool, 0, None, None, 10_000)

    found = sorted(plot.found(), key=lambda signal: (signal.position, signal.kind))
    assert found == stored
    assert found == rebuilt
    assert {0} == set(differing.values())


async def test_pages_meet_and_regions_keep_to_their_own(dsn: str) -> None:
    """Pages behind a position have no gap and no repeat; a region sees what touches it."""
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, rows_of(everything())), 60)
        whole = await after(store.pool, 0, None, None, 10_000)
        paged, position = [], 0
        while page := await after(store.pool, position, None, None, 2):
            paged += page
            position = page[-1].position
        elsewhere = await after(store.pool, 0, None, "350000", 10_000)
        here = await after(store.pool, 0, None, "990000", 10_000)
        nights = await after(store.pool, 0, SignalKind.NIGHT_HOURS, None, 10_000)

    assert whole == paged
    assert [] == elsewhere
    assert here
    assert [signal for signal in whole if signal in here] == here
    assert [s for s in whole if s.kind is SignalKind.NIGHT_HOURS] == nights
