"""What all tests share."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the long campaigns be asked for."""
    parser.addoption("--slow", action="store_true", help="run the fault campaigns at full length")
    parser.addoption("--record", action="store_true", help="write recorded conversations anew")
