"""Lists that follow the log: bindings, and an institution's settlements."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from asyncpg import Pool

from aggregates.vocabulary import StreamId
from projections.kit.table import Table
from service.context import ServiceContext
from service.ledger.command import OverloadedError

WAIT_S = 1.0
"""How long a list waits to show the log as it stood when it was asked for, in seconds."""
HEAD_WAIT_S = 5.0
"""How long an answer waits that must show all of it, in seconds."""


class Following(Protocol):
    """What a list waits for."""

    async def wait_for(self, position: int, timeout_s: float, *models: Table) -> bool:
        """Wait until these read models show the log up to a position; of none named, all."""
        ...

    async def position(self, *models: Table) -> int:
        """Up to where they show it."""
        ...


class ReadModels(NamedTuple):
    """Where lists are read, and who keeps them up with the log."""

    pool: Pool
    follower: Following


class PageRequest(NamedTuple):
    """Which page is wanted, and the position it must show at least."""

    cursor: str | None
    limit: int
    min_position: int | None


class PageResult(NamedTuple):
    """A page: items, the next cursor, and the position it is as of."""

    items: list[dict[str, Any]]
    following: str | None
    position: int


async def reach_head(context: ServiceContext, read_models: ReadModels, *models: Table) -> int:
    """Wait until read models show all that is in the log now; the position they show.

    What is held against somebody's books cannot be answered from a part of ours.

    Raises:
        OverloadedError: they did not come that far in `HEAD_WAIT_S`.
    """
    if not await read_models.follower.wait_for(
        await context.store.position(), HEAD_WAIT_S, *models
    ):
        raise OverloadedError
    return await read_models.follower.position(*models)


async def reach(
    context: ServiceContext, read_models: ReadModels, asked: PageRequest, *models: Table
) -> int:
    """Wait for read models to show the log's head as it is now, or what the caller asks for.

    How far they came: of those that the answer is read from, and of no other.
    """
    head = await context.store.position()
    await read_models.follower.wait_for(max(head, asked.min_position or 0), WAIT_S, *models)
    return await read_models.follower.position(*models)


S = TypeVar("S")


async def states_of(context: ServiceContext, streams: Sequence[StreamId]) -> dict[StreamId, object]:
    """Streams as they stand, read beside the appender: no decision hangs on them."""
    heads = (await context.store.read(streams, ())).heads
    return {stream: head.state for stream, head in heads.items()}


def only(kind: type[S], found: dict[StreamId, object]) -> dict[StreamId, S]:
    """Those of one kind."""
    return {stream: state for stream, state in found.items() if isinstance(state, kind)}
