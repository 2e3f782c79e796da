"""The work: one use case per file; the only room that waits, reads clocks and opens doors."""

from aggregates.refusals import RefusalError, RuleRefusedError, UnknownError
from projections.kit.paging import CursorInvalidError

__all__ = ["CursorInvalidError", "RefusalError", "RuleRefusedError", "UnknownError"]
