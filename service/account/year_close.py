"""Close the old year on every account that nobody has touched since (policy.md §3.3).

An account closes its year by itself before whatever happens to it first; until then it is
looked at as if it had. So nothing depends on this: it only brings the stored buckets up to
date, for whoever reads them by SQL. Each chunk is one command under a key of its own, and goes
to the log like any other: a chunk that lost a race to a settlement is decided again, and one
that was cut off is found again by the next run.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence

from msgspec import json

from aggregates.account.state import Account
from aggregates.account.year_close import closing
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Request, Role
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.runtime.progress import Progress, silent

CHUNK = 200
"""Accounts in one command: the others wait for a few milliseconds, not for the whole."""
CLOSER = Caller(Role.OPERATOR, "close-year", None, "operator:close-year")


async def close_year(
    context: ServiceContext, progress: Progress = silent, chunk: int = CHUNK
) -> int:
    """Close every year before today's on every account; how many accounts that were.

    Raises:
        As `Appender.submit`; what was closed until then stays closed.
    """
    closed = 0
    waiting: list[StreamId] = []
    async for found in _open_years(context, progress, chunk):
        waiting += found
        while len(waiting) >= chunk:
            closed += await _close(context, waiting[:chunk])
            del waiting[:chunk]
    if waiting:
        closed += await _close(context, waiting)
    return closed


async def _open_years(
    context: ServiceContext, progress: Progress, size: int
) -> AsyncIterator[list[StreamId]]:
    """Accounts whose stored year is over, in the order of their ids, a page at a time."""
    of = await context.store.account_count()
    done, after = 0, None
    while page := await context.store.accounts(after, size):
        heads = (await context.store.read(page, ())).heads
        now = context.clock()
        states = ((stream, heads[stream].state) for stream in page)
        yield [
            stream
            for stream, state in states
            if isinstance(state, Account) and closing(state, now) is not None
        ]
        done, after = done + len(page), page[-1]
        progress(done, max(done, of))


async def _close(context: ServiceContext, chunk: Sequence[StreamId]) -> int:
    def decide(reads: ReadSet, _: Instant) -> Decision:
        reads.need(chunk)
        over = [(stream, reads.closing(stream)) for stream in chunk]
        events = [(stream, closed) for stream, closed in over if closed is not None]
        return Decision(answer=json.encode(len(events)), events=[*events])

    key = f"close-year:{context.clock().on.year}:{chunk[0]}"
    digest = hashlib.sha256(key.encode()).digest()
    reply = await context.do(Request(CLOSER, key, digest, "close-year"), decide)
    return 0 if reply.is_replayed else int(json.decode(reply.answer))
