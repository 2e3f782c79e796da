"""Purchase visit."""

from aggregates.vocabulary import StreamId
from service.ids import short

PURCHASE = "buy:"
"""How the claim of a purchase begins to name its visit, which is made together with the bill."""


def visit_number(settlement: StreamId | None, visit: str) -> str:
    """The visit of a bill; a purchase's is found by its settlement."""
    if settlement is None or not visit.startswith(PURCHASE):
        return visit
    return short(purchase_visit(settlement))


def purchase_visit(settlement: StreamId) -> StreamId:
    """The visit that a purchase made: its settlement's identity with the second bit turned."""
    return StreamId(f"vis_{int(settlement[4:], 16) ^ 2:032x}")
