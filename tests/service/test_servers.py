"""The ledger on every PostgreSQL found here: the embedded one always, 15 to 17 where installed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.clock import business_clock
from service.editions import publish
from service.embedded import EmbeddedPostgres
from service.follow import Follower
from service.house import open_postgres
from service.ledger.migrate import migrate
from service.ledger.postgres import PostgresStore
from service.rebuild import check
from service.settings import Settings
from service.settle import settle
from tests.bench.families import HOSPITAL, bill, families, move_in, settling
from tests.bench.in_process import audit

FOUND = sorted(Path("/usr/lib/postgresql").glob("1[567]/bin/postgres"))
SERVERS = ["embedded", *(str(path.parent) for path in FOUND)]


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that the server's user may enter."""
    with tempfile.TemporaryDirectory(prefix="servers-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.parametrize("server", SERVERS)
async def test_a_day_is_settled_and_audited(
    server: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrations, appends, the follower and a rebuild run on this server; every sum is exact."""
    if server != "embedded":
        monkeypatch.setenv("PG_BIN", server)
    postgres = EmbeddedPostgres(place / "data")
    dsn = postgres.start()
    try:
        await migrate(dsn)
        settings = Settings.read({"GONGJI_DATA": str(place)})
        house = await open_postgres(settings, dsn, business_clock())
        assert isinstance(house.store, PostgresStore)
        print(f"ran on PostgreSQL {await house.store.pool.fetchval('SHOW server_version')}")
        await publish(house)
        follower = Follower(dsn, house.store.pool)
        await follower.start()
        living = families(6)
        fen = await move_in(house, living)

        for number in range(4):
            for family in living:
                visit = f"{family.patient}-{number}"
                reply = await settle(house, settling(HOSPITAL, visit), bill(family, number))
                assert reply.refusal is None
        again = await settle(house, settling(HOSPITAL, "F1-0"), bill(living[1], 0))
        is_level = await follower.wait_for(await house.store.position(), 30)
        differing = await check(dsn)
        await follower.close()
        await house.close()
        count = await audit(dsn, fen)
    finally:
        postgres.stop()

    assert again.is_replayed
    assert is_level
    assert set(differing.values()) == {0}
    assert count == 24
