"""Readiness checks of the database's answers."""

import asyncio

from service.ledger.appender import Appender
from service.ledger.postgres.commit import TROUBLE
from service.ledger.postgres.store import PostgresStore
from service.runtime.readiness import ReadinessReason

PROBE_S = 1.5
"""Seconds that a statement through the pools may take."""
WAITS_MAX_S = 3.0
"""Seconds that a command may wait for its answer before the writer counts as hanging."""


async def readers_hang(store: PostgresStore, probe_s: float = PROBE_S) -> list[ReadinessReason]:
    """A reason if the pools of requests do not answer.

    A connection that does not answer is dropped, and its pool makes another.
    """
    try:
        async with asyncio.timeout(probe_s):
            await store.answer()
    except TROUBLE as error:
        detail = f"no answer through the pools of readers: {type(error).__name__}"
        return [ReadinessReason("READERS_HANG", detail, stops=True)]
    return []


def writer_hangs(appender: Appender, waits_max_s: float = WAITS_MAX_S) -> list[ReadinessReason]:
    """A reason if commands wait long for the log head, which another process may have locked."""
    waits_s = appender.waits_s()
    if waits_s <= waits_max_s:
        return []
    return [ReadinessReason("WRITER_HANGS", f"a command has waited for {waits_s:.0f} s")]
