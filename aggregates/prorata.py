"""A refund by share: everybody who paid gives back in proportion to what he still pays."""

from dataclasses import replace

from aggregates.policy import Edition
from aggregates.purse import paid_order
from aggregates.settlement_events import PayerShare
from aggregates.vocabulary import Bucket


def prorata(
    payers: tuple[PayerShare, ...], cash_fen: int, amount_fen: int, edition: Edition
) -> tuple[tuple[PayerShare, ...], int]:
    """What payers and cash still pay after `amount_fen` went back by share (PARTIAL_PRORATA).

    Whole fen by the largest remainder; of equal ones the later payer's, cash being the last.
    """
    paid = [share.current_fen + share.prior_fen for share in payers] + [cash_fen]
    back = _shares(paid, amount_fen)
    own, *sponsors = payers
    order = paid_order(edition.money.own_buckets_order)
    left = [_less(own, back[0], order)]
    left += [
        _less(share, fen, (Bucket.CURRENT, Bucket.PRIOR))
        for share, fen in zip(sponsors, back[1:-1], strict=True)
    ]
    return tuple(left), cash_fen - back[-1]


def _shares(paid: list[int], amount_fen: int) -> list[int]:
    """An amount over several in proportion, in whole fen, none above what he paid."""
    whole = sum(paid)
    back = [amount_fen * fen // whole for fen in paid]
    rest = amount_fen - sum(back)
    by_remainder = sorted(range(len(paid)), key=lambda n: (-(amount_fen * paid[n] % whole), -n))
    for n in by_remainder[:rest]:
        back[n] += 1
    return back


def _less(share: PayerShare, fen: int, order: tuple[Bucket, ...]) -> PayerShare:
    """Take from the bucket that was emptied last."""
    taken = {Bucket.CURRENT: share.current_fen, Bucket.PRIOR: share.prior_fen}
    for bucket in reversed(order):
        part = min(fen, taken[bucket])
        taken[bucket] -= part
        fen -= part
    return replace(share, current_fen=taken[Bucket.CURRENT], prior_fen=taken[Bucket.PRIOR])
