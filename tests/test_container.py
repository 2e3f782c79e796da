"""The image: sound by its linter, what the manifests think it is, and run for real."""

import asyncio
import contextlib
import json
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import psycopg
import pytest

from api.http.tokens import days_from_now, issue, make_issuer
from service.caller import Role
from service.embedded_postgres.server import EmbeddedPostgres
from tests.api.clients import CANARY_ID, CANARY_NAME, HOME, an_opening
from tests.api.programs import a_place
from tests.container_sandbox import (
    CONTAINER,
    DOCKERFILE,
    DRAIN_S,
    GRACE_S,
    IS_ROOT,
    JOB,
    SETTINGS,
    TEMPLATES,
    Image,
    Pod,
    instructions,
    manifest_of,
    tool,
)
from tests.tls import a_certificate, an_api

BOOTSTRAP = manifest_of("Cluster", "gongji-database")["spec"]["bootstrap"]["initdb"]
PASSWORD = "made-up-for-this-test"
KEYS = {"wrapping": "5a" * 32, "digesting": "a5" * 32}


def test_the_dockerfile_is_sound() -> None:
    """Hadolint has nothing to say, not even by the way."""
    assert "" == tool("hadolint", "--no-color", str(DOCKERFILE))


def test_no_instruction_needs_a_shell_or_rights() -> None:
    """Two stages of one base, a numeric user who is not root, programs as lists, asserts on."""
    told = instructions()
    run = [argument for name, argument in told if name in ("RUN", "CMD", "ENTRYPOINT")]

    assert 2 == [name for name, _ in told].count("FROM")
    assert [] == [argument for argument in run if not argument.startswith("[")]
    assert [("USER", "10001:10001")] == [pair for pair in told if pair[0] == "USER"]
    assert [] == [word for word in run if '"-O' in word]
    assert "PYTHONOPTIMIZE=" not in DOCKERFILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """What the Dockerfile makes, under a directory that everybody may enter."""
    with a_place() as place:
        yield Image(place)


def test_every_path_is_in_the_image_or_mounted(image: Image) -> None:
    """The command is the image's own, the migration its neighbour, and no path leads nowhere."""
    job = JOB["spec"]["template"]["spec"]["containers"][0]
    mounts = [mount["mountPath"] for mount in CONTAINER["volumeMounts"]]
    paths = [CONTAINER["command"][0], *image.environment.values(), *SETTINGS.values()]

    assert image.command == CONTAINER["command"]
    assert [*image.command[:-1], "migrate"] == job["command"]
    assert [] == [
        path
        for path in paths
        if path.startswith("/")
        and not image.at(path).exists()
        and not any(path == mount or path.startswith(f"{mount}/") for mount in mounts)
    ]
    assert {"LICENSE", "pyproject.toml", "aggregates", "projections", "service", "api"} == {
        path.name for path in image.at("/app").iterdir()
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    """The socket of a PostgreSQL in which the service owns a database and is nobody special."""
    with a_place() as place:
        postgres = EmbeddedPostgres(place / "database")
        dsn = postgres.start()
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE gongji LOGIN PASSWORD '{PASSWORD}'")
            connection.execute("CREATE DATABASE gongji OWNER gongji")
            for statement in BOOTSTRAP["postInitApplicationSQL"]:
                connection.execute(statement)
            connection.execute(f"ALTER ROLE gongji_writer PASSWORD '{PASSWORD}'")
        yield Path(parse_qs(urlsplit(dsn).query)["host"][0]) / ".s.PGSQL.5432"
        postgres.stop()


@contextlib.asynccontextmanager
async def the_secrets(server: Path) -> AsyncIterator[tuple[dict[str, dict[str, str]], Path]]:
    """The secrets that the manifests name, and the private side of the tokens' keys."""
    with a_place() as place:
        certificate, issuer = a_certificate(place), place / "issuer.json"
        make_issuer(issuer)
        public = {n: v for n, v in json.loads(issuer.read_text()).items() if n != "d"}
        async with an_api(server, place / "both.pem") as address:
            uri, own = (
                f"postgresql://{login}:{PASSWORD}@{address}/gongji"
                for login in ("gongji", "gongji_writer")
            )
            yield (
                {
                    "gongji-keys": {"keys.json": json.dumps(KEYS)},
                    "gongji-token-keys": {"tokens.json": json.dumps({"keys": [public]})},
                    "gongji-database-ca": {"ca.crt": certificate, "ca.key": "for nobody"},
                    "gongji-database-app": {"uri": uri, "password": PASSWORD},
                    "gongji-database-writer": {"uri": own, "password": PASSWORD},
                },
                issuer,
            )


async def end_of(process: subprocess.Popen[str], patience_s: float = 60) -> tuple[int, str]:
    """Wait for a process without holding up its database's door; its status and last words."""
    said, _ = await asyncio.to_thread(process.communicate, timeout=patience_s)
    return process.returncode, said


def users_of(process: subprocess.Popen[str]) -> set[str]:
    """Whose a process and its children are, and which capabilities they have."""
    own = Path(f"/proc/{process.pid}")
    children = (own / "task" / own.name / "children").read_text().split()
    status = "".join(Path(f"/proc/{p}/status").read_text() for p in (own.name, *children))
    assert children, "the follower is its child"
    return {*re.findall(r"^Uid:.*|^CapEff:.*", status, re.MULTILINE)}


async def test_a_migration_trusts_no_other_server(image: Image, server: Path) -> None:
    """Another authority, or another name than the certificate's, is refused in one line."""
    async with the_secrets(server) as (secrets, _), the_secrets(server) as (others, _):
        uri = secrets["gongji-database-app"]["uri"].replace("127.0.0.1", "localhost")
        wrong = (
            {"gongji-database-ca": others["gongji-database-ca"]},
            {"gongji-database-app": {"uri": uri}},
        )
        ends = [await end_of(Pod(image, TEMPLATES[1], secrets | w).start()) for w in wrong]

    assert [(1, "gongji: the database refused: SSLCertVerificationError\n")] * 2 == ends


async def test_a_pod_lives_and_ends(image: Image, server: Path) -> None:
    """Migrated first, it answers its probes, works, says nothing of people, and ends in time."""
    async with the_secrets(server) as (secrets, issuer):
        job = Pod(image, TEMPLATES[1], secrets)
        first, second = await end_of(job.start()), await end_of(job.start())
        pod = Pod(image, TEMPLATES[0], secrets)
        before, process = pod.files(), pod.start(GONGJI_PORT="0")
        try:
            assert process.stdout is not None, "a pod's words are read"
            said = await asyncio.to_thread(process.stdout.readline)
            assert said.startswith("ready http://0.0.0.0:"), said
            await called(said.strip().replace("ready http://0.0.0.0", "http://127.0.0.1"), issuer)
            users = users_of(process)
            process.send_signal(signal.SIGTERM)
            status, rest = await end_of(process, GRACE_S - DRAIN_S)
        finally:
            if process.poll() is None:
                process.kill()
                await end_of(process)

    assert (0, 0) == (first[0], second[0]), first[1] + second[1]
    assert "applied 0001_ledger.sql" in first[1]
    assert "applied" not in second[1]
    assert (0, "") == (status, rest)
    assert before == pod.files()
    assert not IS_ROOT or {"Uid:\t10001\t10001\t10001\t10001", f"CapEff:\t{0:016x}"} == users


async def called(address: str, issuer: Path) -> None:
    """Ask as the kubelet does, then as an agency and as somebody with nothing sensible to say."""
    probes = [
        CONTAINER[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "liveness", "readiness")
    ]
    token = issue(issuer, Role.AGENCY, "a1", HOME, days_from_now(1))
    person = an_opening("P1", name=CANARY_NAME, cert_no=CANARY_ID)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k1"}
    async with httpx.AsyncClient(base_url=address, trust_env=False, headers=headers) as client:
        assert [200, 200, 200] == [(await client.get(path)).status_code for path in probes]
        opened = await client.post("/v1/accounts", json=person)
        assert 201 == opened.status_code, opened.text
        again = await client.post("/v1/accounts", json=person | {"region": CANARY_NAME})
        assert 422 == again.status_code, again.text
        assert "gongji_http_answers_total" in (await client.get("/metrics")).text
