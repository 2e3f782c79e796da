"""A pytest fixture with a real service: `gongji_service`, one for a session.

`pytest --gongji-checkout DIR` (or the variable GONGJI_CHECKOUT) says where `./gongji` lies.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gongji_client.clients import Client

START_MAX_S = 300.0
"""How long a start may take, in seconds; the first of a checkout installs what it needs."""
STOP_MAX_S = 60.0
READY = "ready "


class StartedGongji:
    """A service of its own on a free port, with the demo families, in an empty directory."""

    def __init__(self, checkout: Path, data: Path) -> None:
        """Start it, and wait until it is ready.

        Raises:
            RuntimeError: it ended, or was not ready in time; the message is what it printed.
        """
        self._checkout = checkout
        self._data = data
        self._clients: list[Client] = []
        self._log = data.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- the checkout that was named
                self._words("run", "--port", "0"),
                env=_environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.address = self._ready()
        except BaseException:
            self.stop()
            raise

    def _words(self, command: str, *options: str) -> list[str]:
        program = str(self._checkout / "gongji")
        return [sys.executable, program, command, "--data", str(self._data), *options]

    def _ready(self) -> str:
        until = time.monotonic() + START_MAX_S
        while time.monotonic() < until:
            has_ended = self._process.poll() is not None
            for line in self._log.read_text("utf-8", "replace").splitlines(keepends=True):
                if line.startswith(READY) and line.endswith("\n"):
                    return line.removeprefix(READY).strip()
            if has_ended:
                break
            time.sleep(0.05)
        raise RuntimeError(self._log.read_text("utf-8", "replace"))

    def token(self, role: str, subject: str, region: str | None = None) -> str:
        """A bearer token of a caller."""
        told = ["--role", role, "--subject", subject]
        words = self._words("token", *told, *(["--region", region] if region else []))
        done = subprocess.run(  # noqa: S603 -- the checkout that was named
            words, env=_environment(), check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def client(self, role: str, subject: str, region: str | None = None) -> Client:
        """A client of a caller; it is closed with the service."""
        made = Client(self.address, self.token(role, subject, region))
        self._clients.append(made)
        return made

    def stop(self) -> None:
        """Close its clients and stop it."""
        for client in self._clients:
            client.close()
        self._process.terminate()
        try:
            self._process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _environment() -> dict[str, str]:
    """Ours without settings of another service: no test writes to its database."""
    return {name: told for name, told in os.environ.items() if not name.startswith("GONGJI_")}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the checkout be named."""
    default = os.environ.get("GONGJI_CHECKOUT", ".")
    parser.addoption("--gongji-checkout", default=default, help="the folder of ./gongji")


@pytest.fixture(scope="session")
def gongji_service(pytestconfig: pytest.Config) -> Iterator[StartedGongji]:
    """A running service; its database may run as another user, who may enter the folder."""
    checkout = Path(pytestconfig.getoption("--gongji-checkout")).resolve()
    place = Path(tempfile.mkdtemp(prefix="gongji-")).resolve()
    place.chmod(0o755)
    try:
        service = StartedGongji(checkout, place / "service")
        try:
            yield service
        finally:
            service.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)
