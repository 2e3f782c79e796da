"""What all tests share."""

from collections.abc import Callable

import pytest

from tests.ledgers import cluster, dsn, make_ledger
from tests.needs_database import needs_database

__all__ = ["cluster", "dsn", "make_ledger"]

TOLD = "told"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long campaigns be asked for."""
    parser.addoption("--slow", action="store_true", help="run the fault campaigns at full length")
    parser.addoption("--fast", action="store_true", help="only tests that need no database")
    parser.addoption("--record", action="store_true", help="write recorded conversations anew")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what needs a database or many seconds, where the fast tests are asked for."""
    if not config.getoption("--fast"):
        return
    left_out = [item for item in items if is_thorough(item) or needs_database(item)]
    items[:] = [item for item in items if item not in set(left_out)]
    config.hook.pytest_deselected(items=left_out)


def is_thorough(item: pytest.Item) -> bool:
    """Whether a test is marked as one that takes many seconds."""
    return any(item.get_closest_marker(name) for name in ("thorough", "deepened"))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Say a line of figures to whoever runs the tests; it stands at the end of the run."""

    def say(line: str) -> None:
        record_property(TOLD, line)

    return say


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write down what the tests told, wherever they ran."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "teardown":
                continue
            for name, line in getattr(report, "user_properties", ()):
                if name == TOLD:
                    terminalreporter.write_line(line)
