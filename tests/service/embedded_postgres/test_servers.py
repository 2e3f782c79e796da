"""The ledger on every PostgreSQL found here: the embedded one always, 15 to 17 where installed."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.clock import business_clock
from service.context import open_postgres
from service.embedded_postgres.server import EmbeddedPostgres
from service.ledger.migrate import migrate
from service.ledger.postgres.store import PostgresStore
from service.policy import publish
from service.read_models.follower import Follower
from service.read_models.rebuild import check
from service.settings import Settings
from service.settlement.settle import settle
from tests.bench.families import HOSPITAL, bill, families, move_in, settling
from tests.bench.in_process import audit

FOUND = sorted(Path("/usr/lib/postgresql").glob("1[567]/bin/postgres"))
FAMILIES, BILLS = 6, 4
SERVERS = ["embedded", *(str(path.parent) for path in FOUND)]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the server's user may enter."""
    with tempfile.TemporaryDirectory(prefix="servers-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.parametrize("server", SERVERS)
async def test_a_day_is_settled_and_audited(
    server: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    tell: Callable[[str], None],
) -> None:
    """Migrations, appends, the follower and a rebuild run on this server; every sum is exact."""
    if server != "embedded":
        monkeypatch.setenv("PG_BIN", server)
    postgres = EmbeddedPostgres(place / "data")
    dsn = postgres.start()
    try:
        version, fen, is_replayed = await a_day(dsn, place)
        count = await audit(dsn, fen)
    finally:
        postgres.stop()

    tell(f"the ledger ran on PostgreSQL {version}")
    assert is_replayed
    assert count == BILLS * FAMILIES


async def a_day(dsn: str, place: Path) -> tuple[str, int, bool]:
    """Settle for some families, follow and rebuild; the server's version and the fen."""
    await migrate(dsn)
    settings = Settings.read({"GONGJI_DATA": str(place)})
    context = await open_postgres(settings, dsn, business_clock())
    assert isinstance(context.store, PostgresStore)
    version: str = await context.store.pool.fetchval("SHOW server_version")
    await publish(context)
    follower = Follower(dsn, context.store.pool)
    await follower.start()
    living = families(FAMILIES)
    fen = await move_in(context, living)
    for number in range(BILLS):
        for family in living:
            visit = f"{family.patient}-{number}"
            reply = await settle(context, settling(HOSPITAL, visit), bill(family, number))
            assert reply.refusal is None
    again = await settle(context, settling(HOSPITAL, "F1-0"), bill(living[1], 0))
    assert await follower.wait_for(await context.store.position(), 30)
    assert set((await check(dsn)).differing.values()) == {0}
    await follower.close()
    await context.close()
    return version, fen, again.is_replayed
