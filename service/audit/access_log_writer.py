"""The access log of one process: a group of records is one insert, and answers wait for it.

What the decision is (policy.md §6.2; reliability.md I19): an answer that shows something, and
a refusal, leave after their record is durable. A change that was applied is its own record:
the event and its act are in the log. So the hot route's settlements cost no second commit.
"""

import asyncio
import logging

from service.ledger.access_log import Access
from service.ledger.store import Store, StoreUnavailableError

LOG = logging.getLogger("gongji.access")
GROUP_MAX = 1000
WAIT_S = 10.0
"""Seconds an answer waits for its record."""


class AccessLog:
    """Groups what is to be recorded: while one insert is on its way the next group gathers."""

    def __init__(self, store: Store) -> None:
        """Record into a store."""
        self._store = store
        self._waiting: list[tuple[Access, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, access: Access) -> None:
        """Record an access; it is durable when this returns.

        Raises:
            StoreUnavailableError: it may not be recorded, so nobody may learn the answer.
        """
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((access, kept))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        done, _ = await asyncio.wait([kept], timeout=WAIT_S)
        if not done:
            raise StoreUnavailableError("no record in time")
        kept.result()

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # let every ready answer come in first
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            fault: Exception | None = None
            try:
                await self._store.record([access for access, _ in group])
            except Exception as error:  # noqa: BLE001 -- whoever waits must be told
                LOG.error(  # noqa: TRY400 -- a trace may hold values of rows
                    "access.unrecorded error=%s count=%d", type(error).__name__, len(group)
                )
                fault = StoreUnavailableError(type(error).__name__)
            for _, kept in group:
                if fault is None:
                    kept.set_result(None)
                else:
                    kept.set_exception(fault)
                    kept.exception()  # perhaps nobody waits any more
