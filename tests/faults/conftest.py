"""What the campaigns share: how long they are, and where they tell what they found."""

from collections.abc import Callable

import pytest

Tell = Callable[[str], None]


@pytest.fixture
def is_slow(request: pytest.FixtureRequest) -> bool:
    """Whether the campaigns run at full length (`--slow`)."""
    return bool(request.config.getoption("--slow"))


@pytest.fixture
def tell(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Tell:
    """Write a line of figures where whoever runs the tests sees it."""
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    assert reporter is not None, "pytest has a terminal"

    def write(line: str) -> None:
        with capsys.disabled():
            reporter.ensure_newline()
            reporter.write_line(line)

    return write
