"""A progress bar on a terminal, and nothing elsewhere."""

import sys

WIDTH = 40


def show(done: int, of: int) -> None:
    """Draw how far it is."""
    if sys.stderr.isatty():
        full = WIDTH * done // max(1, of)
        bar = "█" * full + "░" * (WIDTH - full)
        print(f"\r{bar} {100 * done // max(1, of):3d}%", end="", file=sys.stderr, flush=True)


def clear() -> None:
    """Wipe it away."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
