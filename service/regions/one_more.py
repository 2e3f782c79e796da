"""The keys by which one more sponsor can mean more cash for the patient (regions.md §7).

Everywhere else the law holds: with one more sponsor the patient never pays more. The cascade
gives each sponsor's turn less to pay than the turn before, and whoever pays up to a limit leaves
no more for the next than would be left without the sponsors before.
"""

from collections.abc import Iterator

from aggregates.binding.deduction_order import SET_BY_HAND
from aggregates.policy.choices import (
    CapOnExceed,
    CapScope,
    CapSetBy,
    OrderMissing,
    SinglePayerShortfall,
)
from aggregates.policy.edition import Edition


def costs_of_one_more(edition: Edition) -> Iterator[tuple[str, str]]:
    """Each key by which a second sponsor can raise the cash part, and how.

    An edition that yields nothing is monotonic for every family whose sponsors are of it.
    """
    order, money = edition.order, edition.money
    if order.order_strategy in SET_BY_HAND and order.order_missing is OrderMissing.SKIP:
        yield (
            "order.order_missing",
            "SKIP: a second sponsor stops all aid until the order is set",
        )
    most = order.max_payers_per_settlement
    if most is not None and not (most == 1 and _skips_to_first_that_covers(edition)):
        yield (
            "order.max_payers_per_settlement",
            f"{most}: a sponsor with little money takes the place of one who pays more",
        )
    if (
        money.cap_on_exceed is CapOnExceed.SKIP
        and money.cap_scope is CapScope.PER_BENEFICIARY
        and money.cap_set_by is not CapSetBy.SPONSOR
    ):
        yield (
            "money.cap_on_exceed",
            "SKIP: a sponsor who uses a part of the common cap shuts out the next one",
        )


def _skips_to_first_that_covers(edition: Edition) -> bool:
    covers = SinglePayerShortfall.SKIP_TO_FIRST_THAT_COVERS
    return edition.order.single_payer_shortfall is covers
