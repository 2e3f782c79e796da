"""The statement of a family pool: what came in, and what it paid for which relative.

It is folded from the pool's own events, which are few. What its owner may see of a relative's bill
is as in the statement of an account.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from aggregates.pool import events
from aggregates.vocabulary import StreamId
from projections.account.statement_entries import (
    EntryKind,
    Movement,
    RunningBalance,
    StatementEntry,
)
from projections.kit.paging import below, bounded, page
from service.account.statement import shown_entries
from service.bilingual import Language
from service.caller import Caller
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.pool.pools import owner_of
from service.read_models.reader import PageRequest, PageResult


async def entries(
    context: ServiceContext,
    caller: Caller,
    pool_id: StreamId,
    request: PageRequest,
    language: Language,
) -> PageResult:
    """A pool's statement, newest first, for those who see the pool.

    Raises:
        UnknownError: no such pool, or not the caller's; CursorInvalidError: not a cursor.
    """
    owner_id = await owner_of(context, caller, pool_id)
    before, limit = below(request.cursor), bounded(request.limit)
    history = await context.store.history(pool_id)
    listed = [entry for entry in _entries(owner_id, history) if entry.position < before]
    newest = listed[::-1][: limit + 1]
    rows, following = page(newest, [entry.position for entry in newest], limit)
    items = await shown_entries(context, owner_id, rows, language)
    return PageResult(items, following, await context.store.position())


def _entries(owner: StreamId, history: Iterable[Recorded]) -> Iterator[StatementEntry]:
    fen = 0
    for recorded in history:
        moved = _moved(recorded.event)
        if moved is not None:
            fen += moved.current_fen
            yield StatementEntry(
                owner, recorded.position, recorded.recorded_at, *moved, RunningBalance(fen, 0)
            )


MOVES: dict[type, tuple[EntryKind, int]] = {
    events.PoolFunded: (EntryKind.MOVED_TO_POOL, 1),
    events.PoolEmptied: (EntryKind.MOVED_FROM_POOL, -1),
    events.PoolDebited: (EntryKind.DEBITED, -1),
    events.PoolReturned: (EntryKind.RETURNED, 1),
    events.PoolPremiumDebited: (EntryKind.PREMIUM_DEBITED, -1),
    events.PoolPremiumReturned: (EntryKind.PREMIUM_RETURNED, 1),
}
"""The kind of entry that an event makes, and the sign of its amount; held money is no entry."""


def _moved(event: Any) -> Movement | None:  # noqa: ANN401 -- any event of a pool
    if type(event) not in MOVES:
        return None
    kind, sign = MOVES[type(event)]
    return Movement(
        kind,
        sign * event.amount_fen,
        settlement=getattr(event, "settlement", None),
        binding=getattr(event, "binding", None),
        reference=getattr(event, "premium", None),
    )
