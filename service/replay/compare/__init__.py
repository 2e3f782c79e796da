"""Compares what is stored beside the log with the replayed states."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

from asyncpg import Connection

from service.replay.differences import Differences
from service.replay.partition import Partition
from service.vault import Vault

PAGE = 2000
"""Rows in memory at once."""


class StoreComparison(NamedTuple):
    """The stored rows of one partition, in a snapshot, and the differences found in them."""

    connection: Connection
    vault: Vault
    part: Partition
    diffs: Differences

    async def pages(self, query: str, *parameters: object) -> AsyncIterator[list[Any]]:
        """All rows of a query, a page at a time; its first parameters name the partition."""
        async with self.connection.transaction():
            cursor = await self.connection.cursor(
                query, self.part.of, self.part.number, *parameters
            )
            while page := await cursor.fetch(PAGE):
                yield page
