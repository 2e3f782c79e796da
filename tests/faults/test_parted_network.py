"""A service whose network to the database parts without a word: it says so, ends, and recovers."""

import asyncio
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from api.http.tokens import days_from_now, issue, issuer_path
from service.caller import Role
from tests.breaking_connection import Wire, a_wire
from tests.faults.load import LOST, Client, claim
from tests.faults.services import HOSPITAL, ROOT, Service
from tests.service.read_models.following import eventually

SILENT_S = "6"
"""A statement that reads then has 3 s, a connection 1 s."""


@asynccontextmanager
async def a_parted_service(dsn: str) -> AsyncIterator[tuple[Service, Wire]]:
    """A service behind a wire, gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="parted-"))
    async with a_wire(dsn, place) as (wire, through):
        service = Service(place / "data", GONGJI_DATABASE_URL=through, GONGJI_SILENT_S=SILENT_S)
        try:
            await service.start()
            yield service, wire
        finally:
            await service.remove()
    shutil.rmtree(place)


async def status(service: Service, path: str) -> int:
    """What a question without a token is answered with."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        answer = await client.get(f"http://127.0.0.1:{service.port}{path}")
    return answer.status_code


async def settle(service: Service, key: str) -> int:
    """The status of a settlement; 0 where the service hung up."""
    token = issue(issuer_path(service.data), Role.INSTITUTION, HOSPITAL, None, days_from_now(1))
    client = Client(token)
    assert service.port is not None
    try:
        return (await client.post(service.port, key, claim(0, key, 7))).status
    except LOST:
        return 0
    finally:
        client.hang_up()


async def test_a_service_recovers_from_a_silent_network(dsn: str) -> None:
    """Readiness and settlements are 503 while it lasts, health is not; then all is as before."""
    async with a_parted_service(dsn) as (service, wire):
        before = await settle(service, "before")
        assert 200 == await status(service, "/readyz")
        wire.part()
        asked = [settle(service, f"parted {number}") for number in range(4)]
        told = await asyncio.gather(*asked)
        assert [503] * 4 == told
        assert (503, 200) == (await status(service, "/readyz"), await status(service, "/livez"))
        wire.mend()

        async def is_ready() -> bool:
            return await status(service, "/readyz") == 200

        await eventually(is_ready)
        assert before == await settle(service, "after")
        assert 0 == await service.stop(), service.errors()


async def test_what_never_ends_is_ended() -> None:
    """A process whose end hangs for ever is ended with its grace, and says so."""
    words = "from api.server import end_in_time; end_in_time(0.2); input()"
    hanging = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", words), cwd=ROOT, stdin=PIPE, stderr=PIPE
    )
    assert hanging.stderr is not None
    said = await hanging.stderr.read()
    assert (1, b"gongji: not everything ended in time\n") == (await hanging.wait(), said)


async def test_a_stop_ends_whatever_hangs(dsn: str) -> None:
    """With requests under way and every connection silent SIGTERM ends the service in order."""
    async with a_parted_service(dsn) as (service, wire):
        await settle(service, "before")
        wire.part()
        asking = [asyncio.create_task(settle(service, f"parted {n}")) for n in range(4)]
        asking += [asyncio.create_task(status(service, "/readyz")) for _ in range(2)]
        await asyncio.sleep(0.5)
        assert not any(one.done() for one in asking), "they are under way"
        assert 0 == await service.stop(), service.errors()
        assert "not everything ended in time" not in service.errors()
        for one in asking:
            one.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
