"""Pods over an object store, for this folder's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.object_store import an_object_store
from tests.service.proof.outside_place import Place


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """An object store that is up, and nothing in it."""
    with an_object_store() as store:
        made = Place(tmp_path, store, [])
        yield made
        for outside in made.made:
            await outside.close()
