"""A smaller bill on the frozen snapshot: what each payer would have given to it (policy.md §3.4).

A payer's purse is what he paid and no more. Who gave nothing then gives nothing now, whatever
cap or status kept him out: nobody's later change can be felt, and no refund is below zero.
"""

from aggregates.policy.edition import Edition
from aggregates.settlement.bill import bill_of
from aggregates.settlement.cascade import Payers, Split, decide
from aggregates.settlement.events import Claim, PayerShare
from aggregates.settlement.purse import Purse, closed, paid_order, paid_purse
from aggregates.vocabulary import Bucket, Reason

SPONSOR_ORDER = (Bucket.CURRENT, Bucket.PRIOR)


def recast(claim: Claim, payers: tuple[PayerShare, ...], edition: Edition) -> Split:
    """Split a smaller claim over those who paid the larger one, by the edition of that day.

    `settle(A)` and a refund of `r` leave the split of `settle(A - r)` (I7), so that own money
    stays first after every refund.
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
        return closed(share.account, share.binding, share.reason or Reason.NOT_NEEDED)
    return paid_purse(share, order)
