"""Desks for the national protocol's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.clients import Desk
from tests.api.his.desks import a_desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk in memory."""
    async with a_desk(tmp_path) as made:
        yield made


@pytest.fixture
async def desk_on_postgres(dsn: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk in PostgreSQL, with lists that follow."""
    async with a_desk(tmp_path, dsn) as made:
        yield made
