"""What PostgreSQL says of a row stands in no log (D3)."""

import io
import logging
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from service.runtime.logs import WithoutDetail, take_off_detail
from tests.projections.recorded_families import an_opening
from tests.service.ledger.batches import PURSE, Teller, overdrawn
from tests.service.read_models.following import a_store

ROOT = Path(__file__).parents[3]
UNCAUGHT = """
import asyncpg
from service.runtime.logs import set_up_logging
set_up_logging()
error = asyncpg.CheckViolationError("refused")
error.detail = "Failing row contains (somebody)."
try:
    raise error
except asyncpg.PostgresError as cause:
    raise RuntimeError("a bug") from cause
"""


async def refusal(dsn: str) -> asyncpg.PostgresError:
    """What the database says of a batch that no decision would make."""
    async with a_store(dsn) as store:
        teller = Teller()
        await store.append(teller.opening())
        with pytest.raises(asyncpg.CheckViolationError) as refused:
            await store.append(overdrawn(teller, 501))
        return refused.value


async def test_a_log_line_quotes_no_row(dsn: str) -> None:
    """Neither the trace of a refusal, nor one that it caused, nor one among the arguments."""
    error = await refusal(dsn)
    assert "Failing row" in str(error)
    wrapped = ExceptionGroup("many", [RuntimeError("a bug")])
    wrapped.exceptions[0].__cause__ = error
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.addFilter(WithoutDetail())
    log = logging.getLogger("gongji.test")
    log.addHandler(handler)
    log.error("one %s", "word", exc_info=error)
    log.error("another %s", error)
    error.detail = "Failing row contains (somebody)."
    log.error("caused", exc_info=wrapped)

    assert 3 == said.getvalue().count("violates check constraint")
    assert "Failing row" not in said.getvalue()
    take_off_detail(KeyError(PURSE, an_opening()))


def test_a_last_trace_quotes_no_row() -> None:
    """A process that dies of an error of the database says so without the row."""
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "CheckViolationError: refused" in done.stderr
    assert "somebody" not in done.stderr
