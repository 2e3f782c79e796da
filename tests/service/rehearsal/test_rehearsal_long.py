"""A long log is rehearsed from its database: the identity draft differs nowhere, and quickly."""

from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from service.clock import monotonic_s
from service.rehearsal.run import RehearsalRequest, rehearse
from service.vault import load_keys
from tests.bench.in_process import grouped, make_database
from tests.service.rehearsal.rehearsing import REGIONS

pytestmark = pytest.mark.deepened

HEADS_MAX = 500
"""Fewer than the families have, so that heads are set aside and come back."""
P0 = (REGIONS / "P0.toml").read_text(encoding="utf-8")
CAPPED = P0.replace('id           = "p0/2020-01"', 'id = "p0/capped"').replace(
    'cap_per_settlement_fen = "none"', "cap_per_settlement_fen = 900"
)


@pytest.mark.timeout(3_600)
async def test_a_long_log_is_rehearsed(
    cluster: str, tmp_path: Path, request: pytest.FixtureRequest, tell: Callable[[str], None]
) -> None:
    """Some thousand settlements; with `--slow` a hundred thousand."""
    goal, families = (100_000, 5_000) if request.config.getoption("--slow") else (2_000, 300)
    connection = await asyncpg.connect(cluster)
    await connection.execute("DROP DATABASE IF EXISTS rehearsed WITH (FORCE)")
    dsn, _ = await make_database(cluster, "rehearsed", tmp_path, families)
    settled, first = 0, 1
    while settled < goal:
        settled += (await grouped(dsn, tmp_path, families, goal / 4_000, first)).settled
        settled, first = settled + families, first + 1_000_000
    keys = load_keys(tmp_path / "keys.json")
    began = monotonic_s()
    same = await rehearse(dsn, keys, REGIONS, RehearsalRequest(P0), heads_max=HEADS_MAX)
    seconds = monotonic_s() - began
    capped = await rehearse(dsn, keys, REGIONS, RehearsalRequest(CAPPED), heads_max=HEADS_MAX)
    await connection.execute("DROP DATABASE rehearsed WITH (FORCE)")
    await connection.close()

    tell(f"rehearsed {settled} settlements, {settled / seconds:,.0f} a second")
    assert settled == same["decided"]["settlements"] == capped["decided"]["settlements"]
    assert 0 == same["differences"]
    assert capped["differences"]
    assert 0 == same["not_followed"] == capped["not_followed"]
    fen = capped["total"]["fen"]
    assert 0 == sum(fen[payer]["more"] for payer in ("own", "aid", "cash"))
    assert fen["cash"]["more"] > 0
