"""As whom the service logs in to its database, and what commands beside it may do."""

import json
from pathlib import Path
from typing import Any

import psycopg

from service.embedded_postgres.server import running
from tests.api.clients import an_opening
from tests.api.programs import a_place, a_service, run

SESSIONS = "SELECT DISTINCT usename FROM pg_stat_activity WHERE application_name LIKE 'gongji%'"
MIGHTY = """
    SELECT r.rolname FROM pg_roles r JOIN pg_stat_activity a ON a.usename = r.rolname
     WHERE a.application_name LIKE 'gongji%'
       AND (r.rolsuper OR EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid))
"""


def asked(data: Path, query: str) -> list[Any]:
    """What the embedded database says to its superuser."""
    dsn = running(data)
    assert dsn is not None, "a service is running"
    with psycopg.connect(dsn) as connection:
        return [value for (value,) in connection.execute(query.encode()).fetchall()]


def test_the_service_is_neither_superuser_nor_owner(tmp_path: Path) -> None:
    """Every session of every process of the embedded mode is the writer's; commands work so."""
    lines = tmp_path / "lines.ndjson"
    lines.write_text(json.dumps({"type": "account"} | an_opening("P1")) + "\n")
    with a_place() as place:
        data = place / "data"
        named = ("--data", str(data))
        with a_service(data, "--no-demo"):
            run("import", *named, str(lines))
            run("rebuild", *named)
            run("replay", *named)
            run("export", *named, str(tmp_path / "log"))
            sessions, mighty = asked(data, SESSIONS), asked(data, MIGHTY)
        run("rebuild", *named)
        run("replay", *named, "--balances")

    assert (["gongji_writer"], []) == (sessions, mighty)
