"""How long the campaigns are."""

import pytest


@pytest.fixture
def is_slow(request: pytest.FixtureRequest) -> bool:
    """Whether the campaigns run at full length (`--slow`)."""
    return bool(request.config.getoption("--slow"))
