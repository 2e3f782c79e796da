"""Tunes garbage collection for many long-lived heads."""

import gc

THRESHOLDS = (100_000, 50, 1_000)
"""Objects before a young collection, and collections before an older one.

Most objects of a request are freed without a collection, and each full collection of two hundred
thousand heads would pause all requests for tens of milliseconds.
"""


def settle_in() -> None:
    """Exclude loaded objects from collections, and collect rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
