"""Progress reports of long jobs."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with the numbers of items done and of all items."""


def silent(_done: int, _of: int) -> None:
    """Report nothing."""
