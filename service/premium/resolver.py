"""Premiums that nobody waits for any more: the tax side is asked about them until it answers.

It runs in every serving process, from its start. A premium whose last step is some seconds old
was left by a process that died, or by a tax side that did not answer. Two that take on the
same premium do no harm: every step is recorded once, and the tax side books an order once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from asyncpg import Pool

from aggregates.vocabulary import StreamId
from projections import premium as open_premiums
from service.clock import micros
from service.context import ServiceContext
from service.premium.tax_process import carry_on

LOG = logging.getLogger("gongji.premiums")
EVERY_S = 5.0
AGAIN_FIRST, AGAIN_MAX = timedelta(seconds=5), timedelta(minutes=5)
"""How long a premium rests after it was asked about: twice as long each time, and at the most."""
LEFT_AFTER_S = 15.0
"""Longer than a caller waits for the tax side, so that what is under way is left alone."""
BATCH_MAX = 500

Waiting = Callable[[int, int], Awaitable[list[StreamId]]]
"""Up to so many open premiums untouched since before a moment (microseconds), oldest first."""


class Rest(NamedTuple):
    """From when a premium may be asked about again, and how long it rests after that."""

    until: datetime
    then: timedelta


class PremiumResolver:
    """Takes open premiums on, one after another, each the more seldom the longer it is open."""

    def __init__(
        self, context: ServiceContext, waiting: Waiting, left_after_s: float = LEFT_AFTER_S
    ) -> None:
        """Ask `waiting` what to take on."""
        self._context = context
        self._waiting = waiting
        self._left_after = timedelta(seconds=left_after_s)
        self._rests: dict[StreamId, Rest] = {}
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
        """Take every premium on that was left and does not rest; how many those were."""
        now = self._context.clock()
        before_us = micros(now._replace(at=now.at - self._left_after))
        left = await self._waiting(before_us, BATCH_MAX)
        rests = {premium_id: self._rest(premium_id, now.at) for premium_id in left}
        due = [premium_id for premium_id in left if rests[premium_id].until <= now.at]
        for premium_id in due:
            then = rests[premium_id].then
            rests[premium_id] = Rest(now.at + then, min(2 * then, AGAIN_MAX))
            try:
                await carry_on(self._context, premium_id)
            except Exception as error:  # noqa: BLE001 -- the others have their turn
                LOG.warning("premium.left %s %s", premium_id, type(error).__name__)
        self._rests = rests
        return len(due)

    def _rest(self, premium_id: StreamId, at: datetime) -> Rest:
        return self._rests.get(premium_id, Rest(at, AGAIN_FIRST))

    async def _keep(self) -> None:
        while True:
            try:
                await self.once()
            except Exception as error:  # noqa: BLE001 -- the next round tries again
                LOG.warning("premiums.not_found again_in_s=%.1f %s", EVERY_S, type(error).__name__)
            await asyncio.sleep(EVERY_S)


def resolver_on(context: ServiceContext, pool: Pool) -> PremiumResolver:
    """The resolver of a serving process, which finds open premiums in their read model."""
    return PremiumResolver(context, partial(open_premiums.waiting, pool))
