"""Databases of a deployment's own get the roles: old ones and new, on every PostgreSQL here."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.embedded_postgres.server import EmbeddedPostgres, login_as
from service.ledger.migrate import FOLDER, TABLE, migrate
from service.ledger.postgres.roles import OWNER, PROJECTOR, RolesMissingError, may_rewrite
from service.read_models.projector import LIVE
from tests.bench.in_process import audit
from tests.ledgers import of_database
from tests.service.embedded_postgres.test_servers import BILLS, FAMILIES, SERVERS, a_day

LATER = ("0026_roles.sql", "0027_append_only.sql")
STRANGERS = """
    SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'v') AND relowner NOT IN ($1::regrole, $2::regrole)
"""


@pytest.fixture(params=SERVERS)
def superuser(request: pytest.FixtureRequest) -> Iterator[str]:
    """The superuser's DSN of a server without the roles."""
    with (
        tempfile.TemporaryDirectory(prefix="roles-") as made,
        pytest.MonkeyPatch.context() as patch,
    ):
        Path(made).chmod(0o755)
        if request.param != "embedded":
            patch.setenv("PG_BIN", request.param)
        postgres = EmbeddedPostgres(Path(made) / "data", fsync="off")
        yield postgres.start()
        postgres.stop()


async def said(dsn: str, *statements: str) -> object:
    """Run statements; the last one's first value."""
    connection = await asyncpg.connect(dsn)
    answers = [await connection.fetchval(statement) for statement in statements]
    await connection.close()
    return answers[-1]


async def an_older_ledger(dsn: str) -> None:
    """What the release before the roles left: everything belongs to the one login."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(TABLE)
    for path in sorted(FOLDER.glob("*.sql")):
        if path.name < LATER[0]:
            text = path.read_text(encoding="utf-8")
            await connection.execute(text)
            sha256 = hashlib.sha256(text.encode()).hexdigest()
            await connection.execute("INSERT INTO migrations VALUES ($1, $2)", path.name, sha256)
    for target in LIVE:
        await connection.execute(target.projection.table.ddl.format(name=target.name))
        await connection.execute("INSERT INTO follower_positions VALUES ($1, 0)", target.follower)
    await connection.close()


async def test_an_older_database_is_moved(superuser: str, tmp_path: Path) -> None:
    """Its owner is told what a superuser must run once; then all is moved and a day is settled."""
    await said(superuser, "CREATE ROLE app LOGIN", "CREATE DATABASE ledger OWNER app")
    there = of_database(superuser, "ledger")
    app = login_as(there, "app")
    await an_older_ledger(app)
    with pytest.raises(RolesMissingError) as refused:
        await migrate(app)
    statements = [line.strip() for line in str(refused.value).splitlines() if line[:2] == "  "]
    await said(there, *statements)
    await said(there, "CREATE ROLE svc LOGIN", "GRANT gongji_writer TO svc")
    service = login_as(there, "svc")

    assert LATER == tuple(name for name in await migrate(app) if name in LATER)
    _, fen, is_replayed = await a_day(service, tmp_path)
    assert is_replayed
    assert await audit(there, fen) == BILLS * FAMILIES
    connection = await asyncpg.connect(there)
    assert 0 == await connection.fetchval(STRANGERS, OWNER, PROJECTOR)
    await connection.close()
    for login, is_mighty in ((app, True), (service, False)):
        connection = await asyncpg.connect(login)
        assert is_mighty == await may_rewrite(connection)
        await connection.close()


async def test_who_may_make_roles_makes_them(superuser: str, tmp_path: Path) -> None:
    """A migrator with CREATEROLE needs nobody; the service's own login never migrates."""
    await said(
        superuser, "CREATE ROLE chief LOGIN CREATEROLE", "CREATE DATABASE ledger OWNER chief"
    )
    there = of_database(superuser, "ledger")
    assert LATER[0] in await migrate(login_as(there, "chief"))
    writer = login_as(there, "gongji_writer")
    assert [] == await migrate(writer)

    for path in FOLDER.glob("*.sql"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "n9001_new.sql").write_text("CREATE TABLE newer (x int)")
    with pytest.raises(RolesMissingError, match="run `migrate` with GONGJI_MIGRATE_URL"):
        await migrate(writer, tmp_path)
    assert ["n9001_new.sql"] == await migrate(login_as(there, "chief"), tmp_path)
    assert OWNER == await said(there, "SELECT tableowner FROM pg_tables WHERE tablename = 'newer'")
    await said(writer, "INSERT INTO newer VALUES (1)")
