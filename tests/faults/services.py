"""Real services as processes of their own: one with the embedded database, others on the same."""

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from api.http.tokens import days_from_now, issue, issuer_path
from service.caller import Role
from service.embedded_postgres.server import running

ROOT = Path(__file__).resolve().parents[2]
HOSPITAL = "H99000000001"
PATIENTS, SPONSORS = ("P1", "P2", "P3"), ("S1", "S2")
START_S = 120.0


def environment(**more: str) -> dict[str, str]:
    """The environment that the start script would give, without what this machine carries."""
    foreign = ("GONGJI_", "PYTHON", "PG")
    kept = {n: v for n, v in os.environ.items() if not n.startswith(foreign) or n == "PG_BIN"}
    return kept | {"PYTHONPATH": str(ROOT), "GONGJI_DEADLINE_S": "3"} | more


class Service:
    """One `run`, started and killed as often as one likes. `port` is None while it is down."""

    def __init__(self, data: Path, **more: str) -> None:
        """Remember where its data is, and what it is told beside."""
        self.data = data
        self.port: int | None = None
        self._environment = environment(**more)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        words = ("run", "--no-demo", "--port", "0", "--data", str(self.data))
        with self.data.with_suffix(".errors").open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "api", *words),
                cwd=ROOT,
                env=self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
            )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_S):
            said = b"said nothing"
            while said and not said.startswith(b"ready "):
                said = await self._process.stdout.readline()
        assert said, self.errors()
        self.port = int(said.rsplit(b":", 1)[1])

    def errors(self) -> str:
        """What it said on standard error, all starts together."""
        return self.data.with_suffix(".errors").read_text(errors="replace")

    async def kill(self) -> None:
        """Kill it as the kernel would, without a word."""
        assert self._process is not None, "it was started"
        self.port = None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def ended(self) -> int:
        """Wait until it has ended by itself; its exit status."""
        assert self._process is not None, "it was started"
        async with asyncio.timeout(START_S):
            status = await self._process.wait()
        self.port = None
        return status

    async def stop(self) -> int:
        """Ask it to end; its exit status."""
        assert self._process is not None, "it was started"
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def remove(self) -> None:
        """End it by all means."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()


class Pair:
    """Two services on one ledger: `first` has the database, `second` is its guest."""

    def __init__(self, place: Path) -> None:
        """Lay both out under a place."""
        self.data = place / "first"
        self.first = Service(self.data)
        self._place = place
        self._second: Service | None = None
        self.dsn = ""

    @property
    def second(self) -> Service:
        """The guest."""
        assert self._second is not None, "the pair was started"
        return self._second

    @property
    def token(self) -> str:
        """A token that both take from the hospital."""
        path = issuer_path(self.data)
        return issue(path, Role.INSTITUTION, HOSPITAL, None, days_from_now(1))

    def ports(self) -> list[int]:
        """The ports that are open now."""
        return [s.port for s in (self.first, self.second) if s.port is not None]

    async def start(self, own_fen: int, sponsor_fen: int) -> None:
        """Start both, and let the family come in between."""
        await self.first.start()
        dsn = running(self.data)
        assert dsn is not None, "the first service is running"
        self.dsn = dsn
        await self._load(own_fen, sponsor_fen)
        self._second = Service(
            self._place / "second",
            GONGJI_DATABASE_URL=dsn,
            GONGJI_KEY_FILE=str(self.data / "keys.json"),
            GONGJI_TOKEN_KEYS=str(issuer_path(self.data)),
        )
        await self.second.start()

    async def _load(self, own_fen: int, sponsor_fen: int) -> None:
        file = self._place / "family.ndjson"
        lines = (json.dumps(line) for line in family(own_fen, sponsor_fen))
        file.write_text("\n".join(lines), encoding="utf-8")
        words = ("import", str(file), "--data", str(self.data))
        done = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "api", *words),
            cwd=ROOT,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await done.communicate()
        assert done.returncode == 0, said.decode()

    async def remove(self) -> None:
        """End both by all means; the database goes with the first."""
        for service in (self.first, self._second):
            if service is not None:
                await service.remove()


def family(own_fen: int, sponsor_fen: int) -> list[dict[str, object]]:
    """Import lines: a hospital, and patients who share all sponsors."""
    hospital = {"type": "institution", "code": HOSPITAL, "name": "test", "class": "hospital"}
    lines: list[dict[str, object]] = [{**hospital, "region": "990000"}]
    for number in (*PATIENTS, *SPONSORS):
        person = {"type": "account", "person_no": number, "name": "test", "cert_no": f"ID-{number}"}
        lines.append({**person, "insurance": "employee", "region": "990000"})
        fen = own_fen if number in PATIENTS else sponsor_fen
        amount = f"{fen // 100}.{fen % 100:02d}"
        lines.append({"type": "credit", "person_no": number, "amount": amount})
    for patient in PATIENTS:
        for sponsor in SPONSORS:
            bound = {"type": "binding", "sponsor": sponsor, "beneficiary": patient}
            since = "2025-01-01T09:00:00+08:00"
            lines.append({**bound, "relation": "sibling", "uses": ["care"], "confirmed_at": since})
    return lines


def family_fen(own_fen: int, sponsor_fen: int) -> int:
    """What the whole family holds."""
    return len(PATIENTS) * own_fen + len(SPONSORS) * sponsor_fen


@asynccontextmanager
async def a_pair(own_fen: int, sponsor_fen: int) -> AsyncIterator[Pair]:
    """Two services on one ledger with a family in it, gone at the end."""
    place = Path(tempfile.mkdtemp(prefix="faults-")).resolve()
    place.chmod(0o755)
    pair = Pair(place)
    try:
        await pair.start(own_fen, sponsor_fen)
        yield pair
        for service in (pair.second, pair.first):
            assert await service.stop() == 0, service.errors()
    finally:
        await pair.remove()
        shutil.rmtree(place, ignore_errors=True)
