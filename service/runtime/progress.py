"""How a long job reports how far it is."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with how many items are done, and of how many."""


def silent(_done: int, _of: int) -> None:
    """Report nothing."""
