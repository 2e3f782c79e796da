"""Premiums that nobody waits for any more: the tax side is asked about them until it answers.

It runs in every serving process, from its start. A premium whose last step is some seconds old
was left by a process that died, or by a tax side that did not answer. Two that take on the
same premium do no harm: every step is recorded once, and the tax side books an order once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from asyncpg import Pool

from aggregates.vocabulary import StreamId
from projections import open_premiums
from service.clock import micros
from service.house import House
from service.premium_steps import carry_on

LOG = logging.getLogger("gongji.premiums")
EVERY_S = 5.0
LEFT_AFTER_S = 15.0
"""Longer than a caller waits for the tax side, so that what is under way is left alone."""
BATCH_MAX = 500

Waiting = Callable[[int, int], Awaitable[list[StreamId]]]
"""Up to so many open premiums untouched since before a moment (microseconds), oldest first."""


class PremiumResolver:
    """Takes open premiums on, every few seconds, one after another."""

    def __init__(self, house: House, waiting: Waiting, left_after_s: float = LEFT_AFTER_S) -> None:
        """Ask `waiting` what to take on."""
        self._house = house
        self._waiting = waiting
        self._left_after = timedelta(seconds=left_after_s)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop."""
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Stop; what is under way is taken on by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> int:
        """Take every premium on that was left; how many those were."""
        now = self._house.clock()
        before_us = micros(now._replace(at=now.at - self._left_after))
        left = await self._waiting(before_us, BATCH_MAX)
        for premium_id in left:
            try:
                await carry_on(self._house, premium_id)
            except Exception as error:  # noqa: BLE001 -- the others have their turn
                LOG.warning("premium.left %s %s", premium_id, type(error).__name__)
        return len(left)

    async def _keep(self) -> None:
        while True:
            try:
                await self.once()
            except Exception as error:  # noqa: BLE001 -- the next round tries again
                LOG.warning("premiums.not_found again_in_s=%.1f %s", EVERY_S, type(error).__name__)
            await asyncio.sleep(EVERY_S)


def resolver_on(house: House, pool: Pool) -> PremiumResolver:
    """The resolver of a serving process, which finds open premiums in their read model."""
    return PremiumResolver(house, partial(open_premiums.waiting, pool))
