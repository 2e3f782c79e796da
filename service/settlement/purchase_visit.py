"""The visit of a purchase: made together with its bill, and found by the bill's id."""

from aggregates.vocabulary import StreamId
from service.ids import short, shown

PURCHASE = "buy:"
"""The prefix of the visit in a purchase's claim."""


def visit_number(settlement: StreamId | None, visit: str) -> str:
    """The number of a bill's visit; of a purchase it follows from the settlement's id."""
    if settlement is None or not visit.startswith(PURCHASE):
        return shown(visit)
    return short(purchase_visit(settlement))


def purchase_visit(settlement: StreamId) -> StreamId:
    """The visit of a purchase: its settlement's id with the second-lowest bit flipped."""
    return StreamId(f"vis_{int(settlement[4:], 16) ^ 2:032x}")
