"""The commands as an operator runs them: processes with a data directory of their own."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


def environment(**changes: str) -> dict[str, str]:
    """Ours, without what a machine may carry."""
    own = {name: told for name, told in os.environ.items() if not name.startswith("GONGJI_")}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | changes


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "api", *arguments]


def run(*arguments: str, status: int = 0, **changes: str) -> str:
    """Run a command to its end; what it said on both outputs."""
    done = subprocess.run(
        command(*arguments),
        env=environment(**changes),
        cwd=tempfile.gettempdir(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert status == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


def unread(words: list[str]) -> tuple[int, str]:
    """Run a command whose output nobody reads; its status, and what it said on its error output.

    Every line that it prints is written at once, and so meets the end of the reader.
    """
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            words,
            env=environment(PYTHONUNBUFFERED="1"),
            cwd=tempfile.gettempdir(),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr


@contextlib.contextmanager
def a_place() -> Iterator[Path]:
    """A data directory that the server's user may enter too."""
    place = Path(tempfile.mkdtemp(prefix="gongji-")).resolve()
    place.chmod(0o755)
    yield place
    shutil.rmtree(place, ignore_errors=True)


class Service:
    """A service in the foreground of a process of ours."""

    def __init__(self, words: list[str], env: dict[str, str], cwd: Path = ROOT) -> None:
        """Start it, and wait until it says that it is ready."""
        self.process = subprocess.Popen(
            words, env=env, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        patience = threading.Timer(PATIENCE_S, self.process.kill)
        patience.start()
        self.told: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append(line.rstrip("\n"))
            if line.startswith("ready "):
                break
        patience.cancel()
        assert self.told, "it said nothing"
        assert self.told[-1].startswith("ready "), "\n".join(self.told)
        self.address = self.told[-1].removeprefix("ready ")

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, once; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(by)
        _, status = self.process.communicate(timeout=PATIENCE_S), self.process.returncode
        return status


@contextlib.contextmanager
def a_service(data: Path, *options: str) -> Iterator[Service]:
    """A running service on a data directory and a port that was free."""
    words = command("run", "--data", str(data), "--port", "0", *options)
    service = Service(words, environment())
    try:
        yield service
    finally:
        service.stop()
