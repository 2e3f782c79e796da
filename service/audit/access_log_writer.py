"""The access log of one process: a group of records is one insert, and answers wait for it.

An answer that shows something, and a refusal, leave after their record is durable (policy.md
§6.2; reliability.md I19). An applied change is its own record, as its event and act are in the
log, so the fast route's settlements cost no second commit.
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
    """Groups accesses: while one insert is under way the next group gathers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Access, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def keep(self, access: Access) -> None:
        """Record an access; it is durable when this returns.

        Raises:
            StoreUnavailableError: it may not be recorded, so the answer must not be sent.
        """
        recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((access, recorded))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        done, _ = await asyncio.wait([recorded], timeout=WAIT_S)
        if not done:
            raise StoreUnavailableError("no record in time")
        recorded.result()

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # let every ready answer join the group
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            fault: Exception | None = None
            try:
                await self._store.record([access for access, _ in group])
            except Exception as error:  # noqa: BLE001 -- whoever waits gets it
                LOG.error(  # noqa: TRY400 -- a trace may hold values of rows
                    "access.unrecorded error=%s count=%d", type(error).__name__, len(group)
                )
                fault = StoreUnavailableError(type(error).__name__)
            for _, recorded in group:
                if fault is None:
                    recorded.set_result(None)
                else:
                    recorded.set_exception(fault)
                    recorded.exception()  # marks it as read: its waiter may have timed out
