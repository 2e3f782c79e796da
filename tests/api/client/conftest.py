"""One hospital for all tests of the client: they use new visits, and compare what changed."""

from collections.abc import AsyncIterator

import pytest

from tests.api.client.counter import Counter
from tests.api.clients import a_desk_on_memory, a_family


@pytest.fixture(scope="session")
async def counter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """A hospital's counter, and a patient with 20.00 on his own account."""
    async with a_desk_on_memory(tmp_path_factory.mktemp("counter")) as desk:
        await a_family(desk)
        yield Counter(desk)
