"""Retries open premiums until the tax authority answers.

The resolver runs in every serving process. A premium whose last step is some seconds old was
left by a crashed process or an unanswered request. Two resolvers may take the same premium:
every step is recorded once, and the tax authority books an order once.
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
"""The back-off after a retry: it doubles up to the maximum."""
LEFT_AFTER_S = 15.0
"""Longer than a caller waits for the tax authority, so that requests under way are left alone."""
BATCH_MAX = 500

Waiting = Callable[[int, int], Awaitable[list[StreamId]]]
"""(before, limit): open premiums unchanged since a moment (microseconds), oldest first."""


class BackOff(NamedTuple):
    """When a premium may be retried, and the delay after that retry."""

    until: datetime
    delay: timedelta


class PremiumResolver:
    """Retries open premiums one at a time, with exponential back-off."""

    def __init__(
        self, context: ServiceContext, waiting: Waiting, left_after_s: float = LEFT_AFTER_S
    ) -> None:
        """Take the premiums that `waiting` finds."""
        self._context = context
        self._waiting = waiting
        self._left_after = timedelta(seconds=left_after_s)
        self._back_offs: dict[StreamId, BackOff] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start on the running loop."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop; another resolver continues what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> int:
        """Retry every premium that is due; their number."""
        now = self._context.clock()
        before_us = micros(now._replace(at=now.at - self._left_after))
        first = BackOff(now.at, AGAIN_FIRST)
        back_offs = {
            premium_id: self._back_offs.get(premium_id, first)
            for premium_id in await self._waiting(before_us, BATCH_MAX)
        }
        due = [premium_id for premium_id, wait in back_offs.items() if wait.until <= now.at]
        for premium_id in due:
            delay = back_offs[premium_id].delay
            back_offs[premium_id] = BackOff(now.at + delay, min(2 * delay, AGAIN_MAX))
            try:
                await carry_on(self._context, premium_id)
            except Exception as error:  # noqa: BLE001 -- the other premiums are retried
                LOG.warning("premium.left %s %s", premium_id, type(error).__name__)
        self._back_offs = back_offs
        return len(due)

    async def _run(self) -> None:
        while True:
            try:
                await self.once()
            except Exception as error:  # noqa: BLE001 -- the next round tries again
                LOG.warning("premiums.not_found again_in_s=%.1f %s", EVERY_S, type(error).__name__)
            await asyncio.sleep(EVERY_S)


def resolver_on(context: ServiceContext, pool: Pool) -> PremiumResolver:
    """The resolver of a serving process; it finds open premiums in their read model."""
    return PremiumResolver(context, partial(open_premiums.waiting, pool))
