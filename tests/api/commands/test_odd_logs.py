"""Commands on logs that no door lets in: a verdict and an exit status, never a traceback."""

import asyncio
import itertools
import re
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest

from service.ledger.codec import EventRow
from service.read_models.projector import prepare
from tests.api.programs import run
from tests.ledgers import BOUNDS_OFF, tamper
from tests.service.ledger.extreme_events import every_extreme
from tests.service.ledger.long_lives import Life
from tests.service.ledger.odd_logs import odd_log
from tests.service.read_models.following import a_store, append, append_foreign

DEEP = b"[" * 100_000
STATES = (b"", b"not JSON of ours", b"\xff\xfe", b"null", b"[]", b'{"act":null,"event":{}}', DEEP)
"""State bytes that no release wrote."""

BESIDE = """
    INSERT INTO heads (stream, current_fen, prior_fen, version, kind, state)
    SELECT gen_random_uuid(), 9223372036854775807, 9223372036854775807, 1, kind, state
      FROM generate_series(0, 12) AS k(kind), unnest(ARRAY['x', '', '[]', '{}']::bytea[]) AS state;
    INSERT INTO unique_names (name, stream)
    SELECT uuid_send(gen_random_uuid()), stream
      FROM (SELECT stream FROM heads UNION SELECT stream FROM events
            UNION SELECT gen_random_uuid()) AS s;
    INSERT INTO command_keys (caller, key, position, stream, digest, answer)
    SELECT 'nobody', position::text, position, stream, '', '' FROM events;
"""
"""Heads, names and keys that nobody wrote either."""


class Odd:
    """A ledger in PostgreSQL with an odd log, and the commands beside it."""

    def __init__(self, dsn: str, place: Path) -> None:
        """Keep the commands' data in a directory."""
        self.dsn, self.place = dsn, place
        self.settings = {"GONGJI_DATABASE_URL": dsn, "GONGJI_DATA": str(place)}

    def fill(self, rows: Sequence[EventRow], states: Sequence[bytes] = ()) -> None:
        """Append rows, then events of these states, and of topics that nobody knows."""
        asyncio.run(self._fill(rows, states))

    async def _fill(self, rows: Sequence[EventRow], states: Sequence[bytes]) -> None:
        async with a_store(self.dsn) as store:
            await tamper(store.pool, BOUNDS_OFF)
            await append(store, rows)
            topics = ("settlement.settled/1", "account.credited/1", "visit.registered/1")
            for topic, state in itertools.product(topics, states):
                await append_foreign(self.dsn, topic, state)
            if states:
                await append_foreign(self.dsn, "account.credited/99")
                await append_foreign(self.dsn, "bank:Account.Opened")
            async with store.pool.acquire() as connection:
                await prepare(connection)

    def execute(self, statement: str) -> None:
        """Change what is stored."""
        asyncio.run(self._execute(statement))

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(statement)
        await connection.close()

    def run(self, *words: str, status: int) -> str:
        """Run a command; what it said, which is never a traceback."""
        told = run(*words, status=status, **self.settings)
        assert "Traceback" not in told
        assert "could not end" not in told
        return told


@pytest.fixture
def odd(dsn: str, tmp_path: Path) -> Odd:
    """An empty ledger beside which commands run."""
    return Odd(dsn, tmp_path)


def check_commands(odd: Odd) -> None:
    """Every command that reads the whole log ends with what it found."""
    assert re.search(r"differences: [1-9]\d*$", odd.run("replay", status=1).strip())
    assert "differences: " in odd.run("replay", "--processes", "2", status=1)
    assert re.search(r"differences: \d+$", odd.run("replay", "--balances", status=1).strip())
    told = odd.run("rebuild", status=1)
    assert re.search(r"verdict: [1-9]\d* events stay parked$", told.strip())
    path = str(odd.place / "export.ndjson")
    assert re.search(r"\d+ rows$", odd.run("export", path, status=0).strip())
    key = odd.run("export", "--public-key", status=0).splitlines()[0]
    assert "FAULTS FOUND" in odd.run("verify", path, "--key", key, status=1)


def test_a_long_life_and_every_extreme_end_with_a_verdict(odd: Odd) -> None:
    """Histories that no rule allows, and values that no door lets in."""
    rows = [*Life().rows(8), *odd_log(every_extreme()).rows]
    odd.fill(rows)
    check_commands(odd)


@pytest.mark.slow
def test_bytes_that_nobody_wrote_end_with_a_verdict(odd: Odd) -> None:
    """Malformed states, topics of a newer release and of another program."""
    odd.fill(list(Life().rows(2)), STATES)
    odd.execute(BESIDE)
    check_commands(odd)


@pytest.mark.slow
def test_a_life_of_five_thousand_events_ends_with_a_verdict(odd: Odd) -> None:
    """A long person, a second one of extremes beside, and bytes of nobody."""
    rows = [*Life().rows(320), *odd_log(every_extreme()).rows]
    assert 5000 < sum(row.stream.startswith("acc_") for row in Life().rows(320))
    odd.fill(rows, STATES)
    check_commands(odd)
