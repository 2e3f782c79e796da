"""What all tests share."""

from collections.abc import Callable

import pytest

from tests.ledgers import cluster, dsn, make_ledger

__all__ = ["cluster", "dsn", "make_ledger"]

TOLD = "told"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long campaigns be asked for."""
    parser.addoption("--slow", action="store_true", help="run the fault campaigns at full length")
    parser.addoption("--record", action="store_true", help="write recorded conversations anew")


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
