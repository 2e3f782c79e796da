"""A smaller bill split again by what was paid for the larger one (policy.md §3.4).

A payer's purse is what the payer paid and no more; a payer of nothing pays nothing, whatever the
reason was. So no later change of an account matters, and no refund is below zero.
"""

from aggregates.policy.edition import Edition
from aggregates.settlement.bill import bill_of
from aggregates.settlement.cascade import Payers, Split, decide
from aggregates.settlement.events import Claim, PayerShare
from aggregates.settlement.purse import Purse, closed, paid_order, paid_purse
from aggregates.vocabulary import Bucket, Reason

SPONSOR_ORDER = (Bucket.CURRENT, Bucket.PRIOR)


def recast(claim: Claim, payers: tuple[PayerShare, ...], edition: Edition) -> Split:
    """Split a smaller claim over the payers of the larger one, by the edition of that day.

    Settling A and refunding r leaves the split of settling A - r (I7), so that own money is still
    first after every refund.
    """
    own, *sponsors = payers
    purses = Payers(
        _purse(own, paid_order(edition.money.own_buckets_order)),
        tuple(_purse(share, SPONSOR_ORDER) for share in sponsors),
        None,
        None,
    )
    return decide(bill_of(claim, edition.items), purses, edition)


def _purse(share: PayerShare, order: tuple[Bucket, ...]) -> Purse:
    if share.account is None or share.current_fen + share.prior_fen == 0:
        nothing = closed(share.account, share.binding, share.reason or Reason.NOT_NEEDED)
        return nothing._replace(from_pool=share.from_pool)
    return paid_purse(share, order)
