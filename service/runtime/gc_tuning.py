"""How this process collects its garbage: a ledger keeps many long-lived heads."""

import gc

THRESHOLDS = (100_000, 50, 1_000)
"""Objects before a young collection, and collections before an older one.

Most of what a request makes dies by itself; looking through two hundred thousand heads again
and again would stop every request for tens of milliseconds.
"""


def settle_in() -> None:
    """Leave what is loaded alone, and collect rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
