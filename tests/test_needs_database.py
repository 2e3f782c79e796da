"""The fast tests are chosen by what a test uses, not by a list of its name."""

from pathlib import Path

import pytest

from tests.needs_database import ASKS_LATER, can_start_server, needs_database

TESTS = Path(__file__).parent


@pytest.mark.usefixtures("dsn")
def test_a_test_on_a_ledger_needs_a_database(request: pytest.FixtureRequest) -> None:
    """A fixture that leads to the cluster, over whichever others, is enough."""
    assert needs_database(request.node)


def test_a_test_on_memory_needs_none(request: pytest.FixtureRequest) -> None:
    """Neither a fixture of the cluster nor a starter among the imports."""
    assert not needs_database(request.node)


@pytest.mark.parametrize(
    "module",
    ["test_readme.py", "api/commands/test_commands.py", "service/embedded_postgres/test_server.py"],
)
def test_a_module_that_imports_a_starter_needs_a_database(module: str) -> None:
    """Tests that start a service or a server themselves have no fixture for it."""
    assert can_start_server(TESTS / module)


def test_a_module_that_asks_for_fixtures_later_needs_a_database(tmp_path: Path) -> None:
    """No closure of fixtures shows what a test asks for while it runs."""
    module = tmp_path / "test_later.py"
    module.write_text(f"def test_later(request):\n    request{ASKS_LATER}'dsn')\n")

    assert can_start_server(module)


def test_a_starter_is_found_behind_other_modules(tmp_path: Path) -> None:
    """The imports are followed, also to a module of the tests that imports it in turn."""
    near, far = tmp_path / "near.py", tmp_path / "far.py"
    near.write_text("from tests.faults import services\n")
    far.write_text("from tests.api.clients import Desk\n")

    assert can_start_server(near)
    assert not can_start_server(far)
