"""Close the old year of every account that has had no event since (policy.md §3.3).

An account's first event in a new year closes the old one; until then the account is read as if
its year were closed. So nothing depends on this command: it brings the stored buckets up to date
for readers by SQL. Each chunk is one idempotent command. A chunk that conflicts with a settlement
is decided again, and the next run finds what an interrupted run left.
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
"""Accounts in one command: other commands wait a few milliseconds for it."""
CLOSER = Caller(Role.OPERATOR, "close-year", None, "operator:close-year")


async def close_year(
    context: ServiceContext, progress: Progress = silent, chunk: int = CHUNK
) -> int:
    """Close every year before today's on every account, and count the accounts.

    Raises:
        As `Appender.submit`; closed chunks stay closed.
    """
    closed = 0
    pending: list[StreamId] = []
    async for accounts in _open_years(context, progress, chunk):
        pending += accounts
        while len(pending) >= chunk:
            closed += await _close(context, pending[:chunk])
            del pending[:chunk]
    if pending:
        closed += await _close(context, pending)
    return closed


async def _open_years(
    context: ServiceContext, progress: Progress, size: int
) -> AsyncIterator[list[StreamId]]:
    """Pages of accounts whose stored year is over, in the order of their ids."""
    total = await context.store.account_count()
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
        progress(done, max(done, total))


async def _close(context: ServiceContext, chunk: Sequence[StreamId]) -> int:
    def decide(reads: ReadSet, _: Instant) -> Decision:
        reads.need(chunk)
        closings = [(stream, reads.closing(stream)) for stream in chunk]
        events = [(stream, event) for stream, event in closings if event is not None]
        return Decision(answer=json.encode(len(events)), events=[*events])

    key = f"close-year:{context.clock().on.year}:{chunk[0]}"
    digest = hashlib.sha256(key.encode()).digest()
    reply = await context.do(Request(CLOSER, key, digest, "close-year"), decide)
    return 0 if reply.is_replayed else int(json.decode(reply.answer))
