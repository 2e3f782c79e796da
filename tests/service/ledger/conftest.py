"""The library's recorder for this folder's tests."""

from collections.abc import Iterator

import pytest

from service.ledger.eventsourcing.recorder import LedgerRecorder
from service.ledger.recorder import LedgerFactory


@pytest.fixture
def recorder(dsn: str) -> Iterator[LedgerRecorder]:
    """The library's recorder on an empty ledger."""
    factory = LedgerFactory({"GONGJI_DATABASE_URL": dsn})
    yield factory.process_recorder()
    factory.close()
