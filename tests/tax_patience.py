"""How long a test waits for the tax side: briefly where the answer comes too late by design."""

LATE_S = 40.0
"""Seconds until a late answer."""
PATIENCE_S = {"late": 0.6, "lost": 0.6}
"""Seconds until the caller of a behaviour gives up; a busy machine is not a late tax side."""


def patience(behaviour: str) -> float:
    """Seconds to wait for a tax side of this behaviour."""
    return PATIENCE_S.get(behaviour, 30.0)
