"""Queries of read models, which wait until these show the log up to a position."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from asyncpg import Pool

from aggregates.vocabulary import StreamId
from projections.kit.table import Table
from service.context import ServiceContext
from service.ledger.command import OverloadedError

WAIT_S = 1.0
"""Seconds that a list waits for its read models to reach the log's head."""
HEAD_WAIT_S = 5.0
"""Seconds that a query waits which must show the whole log."""


class Following(Protocol):
    """The follower, as queries wait for it."""

    async def wait_for(self, position: int, timeout_s: float, *models: Table) -> bool:
        """Wait until these read models show a position, all of them if none is named."""
        ...

    async def position(self, *models: Table) -> int:
        """The position that these read models show."""
        ...


class ReadModels(NamedTuple):
    """The pool for queries, and the follower that updates the read models."""

    pool: Pool
    follower: Following


class PageRequest(NamedTuple):
    """A page of a list, and the position that it must show at least."""

    cursor: str | None
    limit: int
    min_position: int | None


class PageResult(NamedTuple):
    """The items of a page, the next cursor, and the position that the page shows."""

    items: list[dict[str, Any]]
    following: str | None
    position: int


async def reach_head(context: ServiceContext, read_models: ReadModels, *models: Table) -> int:
    """Wait until read models show the whole log; the position they show.

    For answers that are compared with another party's books, which must be complete.

    Raises:
        OverloadedError: they do not show it within `HEAD_WAIT_S`.
    """
    head = await context.store.position()
    if not await read_models.follower.wait_for(head, HEAD_WAIT_S, *models):
        raise OverloadedError
    return await read_models.follower.position(*models)


async def reach(
    context: ServiceContext, read_models: ReadModels, request: PageRequest, *models: Table
) -> int:
    """Wait at most `WAIT_S` for read models to show the head, or the position that is requested.

    Returns the position that these read models show.
    """
    head = await context.store.position()
    await read_models.follower.wait_for(max(head, request.min_position or 0), WAIT_S, *models)
    return await read_models.follower.position(*models)


S = TypeVar("S")


async def states_of(context: ServiceContext, streams: Sequence[StreamId]) -> dict[StreamId, object]:
    """The current states of streams, read outside the appender, for answers only."""
    heads = (await context.store.read(streams, ())).heads
    return {stream: head.state for stream, head in heads.items()}


def only(kind: type[S], states: dict[StreamId, object]) -> dict[StreamId, S]:
    """The states of one kind."""
    return {stream: state for stream, state in states.items() if isinstance(state, kind)}
