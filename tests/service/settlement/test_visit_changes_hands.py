"""A bill whose hold another process captures while this one retries is settled once."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from typing_extensions import override

from aggregates.settlement.events import Settled
from aggregates.settlement.hold import HoldCaptured, HoldEnded
from aggregates.vocabulary import StreamId
from service.context import ServiceContext, furnish
from service.ledger.memory_store import MemoryStore
from service.settlement.capture import capture
from service.settlement.holds import hold
from service.settlement.settle import settle
from service.vault import Vault
from tests.api.clients import BOOK
from tests.cases.outcome import StoppedClock
from tests.service.settlement.settled_family import HOSPITAL, asked, move_in
from tests.service.settlement.test_holds import AT, a_bill


class Slipping(MemoryStore):
    """A store in which another process takes the lock first, at the second append from now on."""

    def __init__(self) -> None:
        """No other process appends yet."""
        super().__init__()
        self.slips: list[Callable[[], Awaitable[Any]] | None] = []

    @override
    @asynccontextmanager
    async def locked(self) -> AsyncIterator[Any]:
        slip = self.slips.pop(0) if self.slips else None
        if slip is not None:
            await slip()
        async with super().locked() as session:
            yield session


def a_context(store: MemoryStore) -> ServiceContext:
    clock = StoppedClock()
    clock.at = AT
    return furnish(store, Vault(bytes(32), bytes(32)), BOOK, clock)


async def test_a_hold_that_is_captured_meanwhile_is_not_ended_again() -> None:
    """The name was the hold's when it was read, and is its settlement's at the append."""
    store = Slipping()
    here, there = a_context(store), a_context(store)
    await move_in(there, ("S1",))
    held = json.loads((await hold(there, asked(HOSPITAL), a_bill("v"), 900)).answer)
    hold_id = StreamId(held["hold_id"])

    async def captured() -> None:
        await capture(there, asked(HOSPITAL), hold_id, None)

    store.slips = [None, captured]
    reply = await settle(here, asked(HOSPITAL), a_bill("v"))

    events = [recorded.event for recorded in store.log]
    assert "DUPLICATE_CLAIM" == reply.refusal
    assert 1 == sum(isinstance(event, Settled) for event in events)
    assert 1 == sum(isinstance(event, HoldCaptured) for event in events)
    assert not any(isinstance(event, HoldEnded) for event in events)
    await here.close()
    await there.close()
