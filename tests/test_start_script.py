"""The start script, tried on a copy with an empty lock and an installer that only takes notes."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = (
    "run",
    "test",
    "token",
    "import",
    "replay",
    "trace",
    "verify",
    "export",
    "witness",
    "rotate",
    "rebuild",
    "close-year",
    "rewrap",
    "migrate",
    "accesses",
    "fsi-check",
    "policy",
    "openapi",
    "bench",
)
CHECKS = (
    "ruff format --check .",
    "ruff check .",
    "mypy aggregates projections service api tests",
    "lint-imports",
)
INSTALLER = """#!/bin/sh
echo "$@" >> "$NOTES"
sleep "${INSTALLER_S:-0}"
exit "${INSTALLER_STATUS:-0}"
"""
API = """
import os, sys
print(__file__)
print(os.getcwd())
print(sys.argv[1:])
assert False, "assertions are on"
"""


CHECK = """
import os, sys
print(sys.argv[1:], os.getcwd(), "GONGJI_DATABASE_URL" in os.environ)
sys.exit(os.path.exists(__file__ + ".red"))
"""


class Checkout:
    """A copy of the script in a directory of its own, with a stand-in for uv on its PATH."""

    def __init__(self, place: Path) -> None:
        """Lay out the script, two empty locks, an api room and the installer's notes."""
        self.root = place / "a check out"
        self.elsewhere = place / "elsewhere"
        self.notes = place / "notes"
        tools = place / "tools"
        for directory in (self.root / "api", self.elsewhere / "api", tools):
            directory.mkdir(parents=True)
        (self.root / "gongji").write_bytes((ROOT / "gongji").read_bytes())
        for lock in ("requirements.lock", "requirements-dev.lock"):
            (self.root / lock).write_text("# nothing\n")
        (self.root / "api" / "__init__.py").touch()
        (self.root / "api" / "__main__.py").write_text(API)
        (tools / "uv").write_text(INSTALLER)
        (tools / "uv").chmod(0o755)
        self.environment = os.environ | {"NOTES": str(self.notes), "PYTHONOPTIMIZE": "1"}
        self.environment["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"

    def begin(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start the script from another directory, which has an api room of its own."""
        return subprocess.Popen(
            [sys.executable, str(self.root / "gongji"), *arguments],
            cwd=self.elsewhere,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Run the script to its end; return its status, output and errors."""
        started = self.begin(*arguments, **environment)
        output, errors = started.communicate(timeout=60)
        return started.returncode, output, errors

    def give_tools(self) -> None:
        """Install stand-ins for the checks; one with `.red` beside it fails."""
        self.call("bench")
        for tool in ("ruff.py", "mypy.py", "pytest.py", ".venv/bin/lint-imports"):
            (self.root / tool).write_text(CHECK)

    @property
    def stamp(self) -> Path:
        """The file that says what `.venv` holds."""
        return self.root / ".venv" / "installed"

    def installs(self) -> int:
        """Count how often the installer was called."""
        return len(self.notes.read_text().splitlines()) if self.notes.exists() else 0


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_second_start_installs_nothing(checkout: Checkout) -> None:
    """The installer runs once, and the second start does not touch `.venv`."""
    checkout.call("run")
    first = checkout.stamp.stat().st_mtime_ns
    _, _, errors = checkout.call("run")

    assert checkout.installs() == 1
    assert first == checkout.stamp.stat().st_mtime_ns
    assert "installing" not in errors


def test_the_api_is_ours_and_the_directory_is_the_users(checkout: Checkout) -> None:
    """From a directory with spaces and from another one, `api` is the checkout's."""
    _, output, errors = checkout.call("import", "some file.ndjson")

    assert output.splitlines() == [
        str(checkout.root / "api" / "__main__.py"),
        str(checkout.elsewhere),
        "['import', 'some file.ndjson']",
    ]
    assert "assertions are on" in errors


def test_a_changed_lock_is_installed(checkout: Checkout) -> None:
    """A new digest makes a new `.venv`."""
    checkout.call("run")
    left = checkout.root / ".venv" / "left"
    left.touch()
    (checkout.root / "requirements.lock").write_text("# nothing else\n")
    checkout.call("run")

    assert checkout.installs() == 2
    assert not left.exists()


def test_the_development_lock_is_enough_for_all(checkout: Checkout) -> None:
    """`bench` adds the development lock to what `run` installed; afterwards `run` adds nothing."""
    checkout.call("run")
    left = checkout.root / ".venv" / "left"
    left.touch()
    checkout.call("bench")
    checkout.call("run")

    assert checkout.installs() == 2
    assert left.exists()
    assert "requirements-dev.lock" in checkout.stamp.read_text()


def test_a_half_made_environment_is_made_again(checkout: Checkout) -> None:
    """What an interrupted start left, without its stamp, does not count."""
    checkout.call("run")
    checkout.stamp.unlink()
    left = checkout.root / ".venv" / "left"
    left.touch()
    checkout.call("run")

    assert checkout.installs() == 2
    assert not left.exists()


def test_two_starts_at_once_install_once(checkout: Checkout) -> None:
    """The second start waits for the first one's `.venv` and uses it."""
    starts = [checkout.begin("run", INSTALLER_S="0.5") for _ in range(2)]
    outputs = [started.communicate(timeout=60)[0] for started in starts]

    assert checkout.installs() == 1
    assert outputs[0] == outputs[1] != ""


@pytest.mark.thorough
def test_pip_installs_where_uv_cannot(checkout: Checkout) -> None:
    """A uv that fails is passed over; a lock that pip cannot install fails in pip's words."""
    (checkout.root / "requirements.lock").write_text("./missing.whl --hash=sha256:00\n")
    status, _, errors = checkout.call("run", INSTALLER_STATUS="1")

    assert status == 1
    assert "missing.whl" in errors
    assert not checkout.stamp.exists()


def test_every_check_runs_and_pytest_has_the_last_word(checkout: Checkout) -> None:
    """Green checks run in order, in the checkout, without the machine's own settings."""
    checkout.give_tools()
    status, output, errors = checkout.call("test", GONGJI_DATABASE_URL="postgresql://elsewhere")

    assert (0, "") == (status, errors)
    assert re.findall("^== (.*)$", output, re.MULTILINE) == [*CHECKS, "pytest"]
    whole = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    assert output.splitlines()[-1] == f"{whole} {checkout.root} False"


def test_a_red_check_stops_no_other(checkout: Checkout) -> None:
    """The others still run, and the failed ones are named at the end."""
    checkout.give_tools()
    (checkout.root / "mypy.py.red").touch()
    status, output, errors = checkout.call("test")

    assert status == 1
    assert re.findall("^== (.*)$", output, re.MULTILINE) == [*CHECKS, "pytest"]
    assert errors == f"gongji: failed: {CHECKS[2]}\n"


def test_arguments_go_to_pytest_alone(checkout: Checkout) -> None:
    """With arguments only pytest runs, and its status is ours."""
    checkout.give_tools()
    (checkout.root / "pytest.py.red").touch()

    wanted = (1, f"['--lf', '-k', 'a b'] {checkout.root} False\n", "")
    assert wanted == checkout.call("test", "--lf", "-k", "a b")


def test_fast_runs_every_check_and_the_tests_without_a_database(checkout: Checkout) -> None:
    """`--fast` runs the same checks as without it, and then fewer tests."""
    checkout.give_tools()
    _, output, _ = checkout.call("test", "--fast")

    assert re.findall("^== (.*)$", output, re.MULTILINE) == [*CHECKS, "pytest"]
    assert output.splitlines()[-1] == f"{['-n', '2', '--fast']} {checkout.root} False"


def test_slow_runs_the_long_campaigns_alone(checkout: Checkout) -> None:
    """`--slow` selects the campaigns, lets them print and gives them two hours."""
    checkout.give_tools()

    status, output, _ = checkout.call("test", "--slow", "-k", "walk")
    assert status == 0
    assert output.startswith("['--slow', '-m', 'slow or deepened', '-s', '--timeout', '7200', '-k'")


def test_the_help_names_every_command(checkout: Checkout) -> None:
    """Help needs no `.venv`, and says one line about each command."""
    status, output, _ = checkout.call()

    assert status == 0
    assert re.findall(r"^  ([\w-]+) ", output, re.MULTILINE) == list(COMMANDS)
    assert checkout.call("--help") == (0, output, "")
    assert not checkout.stamp.exists()


def test_an_unknown_command_is_refused(checkout: Checkout) -> None:
    """A slip of the finger installs nothing and exits with 2."""
    status, _, errors = checkout.call("rnu")

    assert status == 2
    assert "rnu" in errors
    assert checkout.installs() == 0


def test_an_old_python_can_read_why_it_is_refused() -> None:
    """The script is valid for interpreters that are too old, and asks before anything newer."""
    tree = ast.parse((ROOT / "gongji").read_text(encoding="utf-8"), feature_version=(3, 6))
    guard = next(at for at, node in enumerate(tree.body) if isinstance(node, ast.If))
    first = next(at for at, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef))

    assert "version_info" in ast.unparse(tree.body[guard])
    assert guard < first
