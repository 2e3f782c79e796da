"""The PostgreSQL server we carry: started, stopped, killed, and disturbed on purpose."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from service.embedded_postgres.cluster import ClusterStartError, servers_in
from service.embedded_postgres.server import ClusterHeldError, EmbeddedPostgres, running

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 30
AS_ROOT = os.geteuid() == 0

HOLDER = """
    import asyncio, sys
    from pathlib import Path
    import asyncpg
    from service.embedded_postgres.server import EmbeddedPostgres

    async def insert(dsn):
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE IF NOT EXISTS kept (number int PRIMARY KEY)")
        for number in range(1_000_000):
            await connection.execute("INSERT INTO kept VALUES ($1)", number)
            print(number, flush=True)

    print("starting", flush=True)
    asyncio.run(insert(EmbeddedPostgres(Path(sys.argv[1])).start()))
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that every user may enter, removed with whatever still runs in it."""
    directory = Path(tempfile.mkdtemp(prefix="place-")).resolve()
    directory.chmod(0o755)
    yield directory
    for cluster in directory.rglob("postgres"):
        kill(cluster)
    shutil.rmtree(directory)


@pytest.fixture
def server(place: Path) -> Iterator[EmbeddedPostgres]:
    """A server that is stopped at the end, however the test left it."""
    server = EmbeddedPostgres(place / "ledger")
    yield server
    server.stop()


def hold(data: Path) -> subprocess.Popen[str]:
    """Start a process that starts the cluster, inserts rows and prints each acknowledged one."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(HOLDER), str(data)],
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def acknowledged(holder: subprocess.Popen[str], count: int) -> int:
    """Kill the holder after `count` rows; return how many rows it was promised."""
    assert holder.stdout is not None
    numbers = 0
    for line in holder.stdout:
        numbers += line.strip().isdecimal()
        if numbers == count:
            holder.kill()
    holder.wait()
    holder.stdout.close()
    return numbers


def kill(cluster: Path) -> None:
    """Kill the postmaster and its children without a chance to say goodbye."""
    for pid in sorted(servers_in(cluster)):
        os.kill(pid, signal.SIGKILL)


def eventually(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


async def ask(dsn: str, *statements: str) -> object:
    """Run statements on a connection of their own; return the last one's first value."""
    connection = await asyncpg.connect(dsn)
    try:
        answers = [await connection.fetchval(statement) for statement in statements]
    finally:
        await connection.close()
    return answers[-1]


async def keep(dsn: str, numbers: range) -> None:
    """Insert rows one transaction each, so that each is acknowledged alone."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept (number int PRIMARY KEY)")
    for number in numbers:
        await connection.execute("INSERT INTO kept VALUES ($1)", number)
    connection.terminate()


async def test_rows_outlive_a_stop(server: EmbeddedPostgres) -> None:
    """What was written before a stop is there after the next start."""
    await keep(server.start(), range(10))
    server.stop()

    assert server.poll() is None
    assert await ask(server.start(), "SELECT count(*) FROM kept") == 10


async def test_the_server_is_set_to_keep_what_it_acknowledges(server: EmbeddedPostgres) -> None:
    """Every setting that durability rests on is on, and no network port is open."""
    dsn = server.start()

    names = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    assert [await ask(dsn, f"SHOW {name}") for name in names] == ["on"] * 4
    assert await ask(dsn, "SHOW listen_addresses") == ""
    assert await ask(dsn, "SHOW server_encoding") == "UTF8"


async def test_a_killed_server_loses_no_acknowledged_row(
    server: EmbeddedPostgres, place: Path
) -> None:
    """After kill -9 of the postmaster and its children the next start recovers every row."""
    await keep(server.start(), range(200))
    kill(place / "ledger" / "postgres")
    eventually(lambda: server.poll() is not None)

    assert server.poll() == -signal.SIGKILL
    server.stop()
    assert await ask(server.start(), "SELECT count(*) FROM kept") == 200


async def test_a_killed_holder_loses_no_acknowledged_row(
    server: EmbeddedPostgres, place: Path
) -> None:
    """After kill -9 of the service its server ends by itself, and a start right after works."""
    holder = hold(place / "ledger")
    promised = acknowledged(holder, 200)
    dsn = server.start()

    kept = await ask(dsn, "SELECT count(*) FROM kept")
    assert isinstance(kept, int)
    assert promised <= kept


async def test_the_server_of_a_killed_holder_ends_by_itself(place: Path) -> None:
    """Nobody has to start again for the server of a killed service to go."""
    holder = hold(place / "ledger")
    acknowledged(holder, 1)

    eventually(lambda: servers_in(place / "ledger" / "postgres") == [])
    assert not (place / "ledger" / "postgres" / "postmaster.pid").exists()
    assert running(place / "ledger") is None


async def test_a_second_holder_is_told_who_holds(server: EmbeddedPostgres, place: Path) -> None:
    """The refusal names the process and the moment; the first holder goes on."""
    dsn = server.start()

    with pytest.raises(ClusterHeldError, match=rf"process {os.getpid()} since \d{{4}}-"):
        EmbeddedPostgres(place / "ledger").start()
    assert await ask(dsn, "SELECT 1") == 1


async def test_others_find_a_running_cluster(server: EmbeddedPostgres, place: Path) -> None:
    """Commands beside a service get its DSN, and nothing before it starts and after it stops."""
    assert running(place / "ledger") is None

    dsn = server.start()
    assert running(place / "ledger") == dsn

    server.stop()
    assert running(place / "ledger") is None


@pytest.mark.parametrize("name", ["a family's ledger 共济", "long" * 50, "one,two"])
async def test_any_directory_name_will_do(place: Path, name: str) -> None:
    """Spaces, length and commas in the path do not keep the socket from being found."""
    server = EmbeddedPostgres(place / name)
    try:
        dsn = server.start()
        assert running(place / name) == dsn
        assert await ask(dsn, "SELECT 1") == 1
    finally:
        server.stop()
    assert not Path(dsn.partition("host=")[2].partition("&")[0]).joinpath(".s.PGSQL.5432").exists()


async def test_a_killed_holder_leaves_no_short_socket_behind(place: Path) -> None:
    """The next start removes the directory under /tmp that a killed service could not."""
    data = place / ("long" * 50)
    acknowledged(hold(data), 1)
    left = Path(json.loads((data / "lock").read_text())["socket"])
    was_left = left.exists()
    server = EmbeddedPostgres(data)
    server.start()
    server.stop()

    assert was_left
    assert not left.exists()


async def test_an_interrupted_initdb_is_done_again(server: EmbeddedPostgres, place: Path) -> None:
    """A start killed while initdb writes leaves nothing that the next one takes for a cluster."""
    holder = hold(place / "ledger")
    eventually(lambda: any(place.glob("ledger/postgres.init-*/PG_VERSION")))
    holder.kill()
    assert acknowledged(holder, 1) == 0
    assert not (place / "ledger" / "postgres").exists()

    assert await ask(server.start(), "SELECT 1") == 1
    eventually(lambda: not list((place / "ledger").glob("postgres.init-*")))


async def test_a_stranger_with_the_old_number_survives(
    server: EmbeddedPostgres, place: Path
) -> None:
    """A stale pid file that names a live process of the same user stops nobody."""
    await keep(server.start(), range(10))
    cluster = place / "ledger" / "postgres"
    pid_file = cluster / "postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    kill(cluster)
    server.stop()
    user = cluster.stat().st_uid if AS_ROOT else None
    with subprocess.Popen(["sleep", "60"], cwd="/", user=user) as stranger:
        pid_file.write_text("".join([f"{stranger.pid}\n", *lines[1:]]))

        assert await ask(server.start(), "SELECT count(*) FROM kept") == 10
        server.stop()
        assert stranger.poll() is None
        stranger.kill()


async def test_an_empty_pid_file_does_not_lock_the_ledger_for_ever(
    server: EmbeddedPostgres, place: Path
) -> None:
    """What a power cut can leave of the pid file is cleared away."""
    server.start()
    server.stop()
    (place / "ledger" / "postgres" / "postmaster.pid").touch(mode=0o600)

    assert await ask(server.start(), "SELECT 1") == 1


async def test_a_server_that_cannot_start_says_why(server: EmbeddedPostgres, place: Path) -> None:
    """The error carries the server's own words, and the data directory is let go."""
    server.start()
    server.stop()
    (place / "ledger" / "postgres" / "PG_VERSION").write_text("9\n")

    with pytest.raises(ClusterStartError, match="incompatible"):
        server.start()
    assert running(place / "ledger") is None


@pytest.mark.skipif(not AS_ROOT, reason="only root lends the server to another user")
async def test_a_closed_parent_directory_stays_closed(place: Path) -> None:
    """Under a directory nobody may enter the cluster goes elsewhere, and comes back from there."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    data = closed / "ledger"
    server = EmbeddedPostgres(data)
    home = None
    try:
        await keep(server.start(), range(10))
        server.stop()
        home = Path((data / "cluster").read_text().strip())
        dsn = server.start()

        assert home.parent == Path("/var/lib/gongji")
        assert await ask(dsn, "SELECT count(*) FROM kept") == 10
        assert running(data) == dsn
        assert closed.stat().st_mode & 0o777 == 0o700
        assert pwd.getpwuid((home / "postgres").stat().st_uid).pw_name != "root"
    finally:
        server.stop()
        if home is not None:
            shutil.rmtree(home)
            if not any(home.parent.iterdir()):
                home.parent.rmdir()
