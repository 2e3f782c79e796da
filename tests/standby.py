"""A PostgreSQL with a synchronous standby, which can be paused: two clusters on this machine."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from service.embedded_postgres.cluster import servers_in
from service.embedded_postgres.server import EmbeddedPostgres

NAME = "standby1"
SETTINGS = {"fsync": "off", "shared_buffers": "32MB", "max_wal_size": "256MB"}
"""They die with the tests."""


@dataclass
class Pair:
    """A primary's DSN, and the standby that its commits wait for."""

    dsn: str
    _cluster: Path

    def pause(self) -> None:
        """Stop every process of the standby: commits of the primary wait from now on."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the standby go on, and with it what waits."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        servers = servers_in(self._cluster)
        assert servers, "the standby runs"
        for pid in servers:
            os.kill(pid, number)


@contextmanager
def a_standby() -> Iterator[Pair]:
    """A primary whose commits wait for its one standby; both are gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="pair-")).resolve()
    place.chmod(0o755)
    _copied(place / "primary", place / "standby")
    primary = EmbeddedPostgres(place / "primary", **SETTINGS, synchronous_standby_names=NAME)
    standby: EmbeddedPostgres | None = None
    pair: Pair | None = None
    try:
        dsn = primary.start()
        socket = parse_qs(urlsplit(dsn).query)["host"][0]
        upstream = f"host={socket} port=5432 user=postgres application_name={NAME}"
        standby = EmbeddedPostgres(place / "standby", **SETTINGS, primary_conninfo=upstream)
        standby.start()
        pair = Pair(dsn, place / "standby" / "postgres")
        yield pair
    finally:
        if pair is not None:
            pair.resume()
        for server in (standby, primary):
            if server is not None:
                server.stop()
        shutil.rmtree(place)


def _copied(primary: Path, standby: Path) -> None:
    """Make a primary's cluster, and a standby's as a copy of its files while nothing runs."""
    server = EmbeddedPostgres(primary, **SETTINGS)
    server.start()
    server.stop()
    standby.mkdir(mode=0o711)
    shutil.copytree(primary / "postgres", standby / "postgres", symlinks=True)
    (standby / "postgres" / "standby.signal").touch()
    owner = (primary / "postgres").stat()
    for folder, _, names in os.walk(standby / "postgres"):
        for path in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118
            os.chown(path, owner.st_uid, owner.st_gid)
