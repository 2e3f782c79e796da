"""The identity draft differs nowhere over the demo's day."""

from api.demo.run import tell_a_day
from service.context import furnish
from service.ledger.memory_store import MemoryStore
from service.policy import publish
from tests.api.clients import BOOK, LEDGER_KEYS, NOW
from tests.cases.outcome import StoppedClock
from tests.cases.reading import HOME
from tests.service.rehearsal.rehearsing import draft_of, rehearsed


async def test_the_demo_is_the_same_under_its_own_rules() -> None:
    """Every region of the demo's day, each as the draft's."""
    clock = StoppedClock()
    clock.at = NOW
    store = MemoryStore()
    context = furnish(store, LEDGER_KEYS, BOOK, clock)
    await publish(context)
    await tell_a_day(context)
    await context.close()
    report = rehearsed(store, LEDGER_KEYS, draft_of(store, HOME, BOOK, BOOK))

    assert 0 == report["differences"], report["largest"]
    assert report["decided"]["settlements"] > 10
