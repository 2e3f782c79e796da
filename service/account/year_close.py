"""Close the old insurance year of every account that has had no event since (policy.md §3.3).

A year begins on the day of the account's own area; an account whose area moved the day learns it.

An account's first event in a new year closes the old one; until then the account is read as if
its year were closed. So nothing depends on this command: it brings the stored buckets up to date
for readers by SQL. Each chunk is one idempotent command. A chunk that conflicts with a settlement
is decided again, and the next run finds what an interrupted run left.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from msgspec import json

from aggregates.account.events import YearClosed
from aggregates.account.insurance_year import NEW_YEAR
from aggregates.account.state import Account
from aggregates.account.year_close import turned, turning
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Request, Role
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.policy import look_at_rulebooks
from service.regions.year_days import year_days
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
    pending: list[DueAccount] = []
    async for accounts in _open_years(context, progress, chunk):
        pending += accounts
        while len(pending) >= chunk:
            closed += await _close(context, pending[:chunk])
            del pending[:chunk]
    if pending:
        closed += await _close(context, pending)
    return closed


class DueAccount(NamedTuple):
    """An account whose stored year is over, and the name of the year that begins."""

    stream: StreamId
    year: str


async def _open_years(
    context: ServiceContext, progress: Progress, size: int
) -> AsyncIterator[list[DueAccount]]:
    """Pages of accounts whose stored year is over, in the order of their ids."""
    total = await context.store.account_count()
    done, after = 0, None
    while page := await context.store.accounts(after, size):
        heads = (await context.store.read(page, ())).heads
        states = {s: head.state for s, head in heads.items() if isinstance(head.state, Account)}
        areas = await look_at_rulebooks(context, {state.region for state in states.values()})
        days = {area: year_days(editions) for area, editions in areas.items()}
        now = context.clock()
        yield [
            DueAccount(stream, _year_name(turned(state, now, days.get(state.region, ()))))
            for stream in page
            if (state := states.get(stream)) and turning(state, now, days.get(state.region, ()))
        ]
        done, after = done + len(page), page[-1]
        progress(done, max(done, total))


def _year_name(account: Account) -> str:
    """The year of an account, with its first day where that is not New Year's."""
    is_calendar = account.year_from == NEW_YEAR
    return f"{account.year}" if is_calendar else f"{account.year}-{account.year_from}"


async def _close(context: ServiceContext, chunk: Sequence[DueAccount]) -> int:
    streams = [due.stream for due in chunk]

    def decide(reads: ReadSet, _: Instant) -> Decision:
        reads.need(streams)
        events = [(stream, event) for stream in streams for event in reads.turning(stream)]
        closed = sum(isinstance(event, YearClosed) for _, event in events)
        return Decision(answer=json.encode(closed), events=[*events])

    key = f"close-year:{chunk[0].year}:{chunk[0].stream}"
    digest = hashlib.sha256(key.encode()).digest()
    reply = await context.do(Request(CLOSER, key, digest, "close-year"), decide)
    return 0 if reply.is_replayed else int(json.decode(reply.answer))
