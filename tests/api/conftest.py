"""Desks for this folder's tests; PostgreSQL only where it alone can show something."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.clients import Desk, a_desk_on_memory, a_desk_on_postgres


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk on an empty ledger in memory, with every region's rules published."""
    async with a_desk_on_memory(tmp_path) as made:
        yield made


@pytest.fixture
async def desk_on_postgres(dsn: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk on an empty ledger in PostgreSQL, with lists that follow."""
    async with a_desk_on_postgres(dsn, tmp_path) as made:
        yield made
