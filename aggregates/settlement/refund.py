"""A partial refund: the lines it is taken from, and what each payer gets (policy.md §3.4)."""

from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from aggregates.policy.choices import PayableBy, RefundMode, RefundUntil
from aggregates.policy.edition import Edition, ItemTerms, RefundDays
from aggregates.refusals import (
    AmountOutOfRangeError,
    ClaimChangedError,
    LinesMismatchError,
    PartialRefundNotAllowedError,
    RefundExceedsError,
    ReplacementNotAllowedError,
    SecondSwipeClosedError,
)
from aggregates.settlement.bill import personal_of, smaller
from aggregates.settlement.events import (
    Claim,
    FeeLine,
    PartRefunded,
    PayerReturn,
    PayerShare,
    Settled,
)
from aggregates.settlement.payable_money import payer_of
from aggregates.settlement.purse import paid_order
from aggregates.settlement.resplit import SPONSOR_ORDER, recast
from aggregates.settlement.settlement import Remainder, Settlement, check_stays
from aggregates.vocabulary import Bucket, Instant, instant

LineAmounts = tuple[tuple[str, int], ...]
REFUND_ORDER = (PayableBy.NONE, PayableBy.OWN, PayableBy.OWN_AND_AID)
"""The order of lines that a sum is taken from: first those that aid never pays."""


def prorata(
    payers: tuple[PayerShare, ...], cash_fen: int, amount_fen: int, edition: Edition
) -> tuple[tuple[PayerShare, ...], int]:
    """What payers and cash still pay after a refund of `amount_fen` by share (PARTIAL_PRORATA).

    Fen left over by rounding go to the largest remainders; of equal ones to the later payer, cash
    being the last.
    """
    paid = [share.current_fen + share.prior_fen for share in payers] + [cash_fen]
    refunds = _proportional(paid, amount_fen)
    own, *sponsors = payers
    order = paid_order(edition.money.own_buckets_order)
    remaining = [_reduced(own, refunds[0], order)]
    remaining += [
        _reduced(share, fen, SPONSOR_ORDER)
        for share, fen in zip(sponsors, refunds[1:-1], strict=True)
    ]
    return tuple(remaining), cash_fen - refunds[-1]


def _proportional(paid: list[int], amount_fen: int) -> list[int]:
    """An amount divided in proportion to what was paid, in whole fen, no part above it."""
    total = sum(paid)
    parts = [amount_fen * fen // total for fen in paid]
    rest = amount_fen - sum(parts)
    by_remainder = sorted(range(len(paid)), key=lambda n: (-(amount_fen * paid[n] % total), -n))
    for n in by_remainder[:rest]:
        parts[n] += 1
    return parts


def _reduced(share: PayerShare, fen: int, order: tuple[Bucket, ...]) -> PayerShare:
    """A share reduced by some fen, from the bucket that was emptied last."""
    remaining = {Bucket.CURRENT: share.current_fen, Bucket.PRIOR: share.prior_fen}
    for bucket in reversed(order):
        part = min(fen, remaining[bucket])
        remaining[bucket] -= part
        fen -= part
    return replace(share, current_fen=remaining[Bucket.CURRENT], prior_fen=remaining[Bucket.PRIOR])


class RefundRequest(NamedTuple):
    """What is to be refunded, in fen: a sum, and from which lines where the caller says so."""

    amount_fen: int
    lines: LineAmounts | None


def refund(
    settlement: Settlement, request: RefundRequest, reason: str, edition: Edition
) -> PartRefunded:
    """Refund a part of a bill by the edition that it was settled by.

    Raises:
        PartialRefundNotAllowedError: the region only cancels;
        RefundExceedsError: more than is left;
        AlreadyCancelledError, AlreadyReversedError: nothing is left;
        LinesMismatchError, AmountOutOfRangeError: the request is not sound.
    """
    remainder = check_stays(settlement)
    modes = [mode for mode in edition.refund.refund_mode if mode is not RefundMode.FULL_RESETTLE]
    if not modes:
        raise PartialRefundNotAllowedError
    request = request._replace(lines=_lines_of(remainder.claim, request, edition.items))
    if modes[0] is RefundMode.PARTIAL_PRORATA:
        payers, cash_fen = prorata(
            remainder.payers, remainder.cash_fen, request.amount_fen, edition
        )
    else:
        claim = smaller(remainder.claim, request.amount_fen, request.lines)
        split = recast(claim, remainder.payers, edition)
        payers, cash_fen = split.payers, split.cash_fen
    return _event(remainder, payers, cash_fen, request, reason)


def check_replaceable(settled: Settled, claim: Claim, edition: Edition, now: Instant) -> None:
    """Check that a bill may be settled anew in place of a settled one (S71).

    Where the region has a second swipe, a bill that was settled without aid may be settled again
    with aid, unchanged, within `order.second_swipe_minutes` (regions.md §4 row 12): own money pays
    what it paid, and aid pays what was cash.

    Raises:
        ClaimChangedError: another patient, or a second swipe of another bill;
        SecondSwipeClosedError: the minutes are over;
        ReplacementNotAllowedError: the region settles no bill anew.
    """
    before, minutes = settled.claim, edition.order.second_swipe_minutes
    if claim.beneficiary != before.beneficiary:
        raise ClaimChangedError
    if minutes is None or before.use_aid or not claim.use_aid:
        if RefundMode.FULL_RESETTLE not in edition.refund.refund_mode:
            raise ReplacementNotAllowedError
        return
    if _facts(claim) != _facts(before):
        raise ClaimChangedError
    if now.at - settled.settled_at > timedelta(minutes=minutes):
        raise SecondSwipeClosedError


def _facts(claim: Claim) -> tuple[object, ...]:
    """What is the same in a second swipe; the batch may be another."""
    sums = claim.total_fen, claim.fund_pay_fen, claim.lines
    return claim.visit, claim.med_type, claim.use_account, sums


def is_open(
    until: RefundUntil | RefundDays, settled_on: date, cleared_through: date | None, now: Instant
) -> bool:
    """Whether the region's window for refunds is still open (`refund_window`)."""
    if isinstance(until, RefundDays):
        return (now.on - settled_on).days <= until.days
    match until:
        case RefundUntil.SAME_DAY:
            return now.on == settled_on
        case RefundUntil.UNTIL_CLEARED:
            return not is_cleared(settled_on, cleared_through)
        case RefundUntil.UNLIMITED:
            return True


def is_cleared(settled_on: date, cleared_through: date | None) -> bool:
    """Whether the institution was already paid for that day."""
    return cleared_through is not None and settled_on <= cleared_through


def settled_on(settlement: Settlement) -> date:
    """The Beijing day a settlement was made on; `Settled.on` of a captured hold is another."""
    assert settlement.settled is not None, "it was settled"
    return instant(settlement.settled.settled_at).on


def _lines_of(claim: Claim, request: RefundRequest, items: ItemTerms) -> LineAmounts | None:
    """How much is taken from which line; None where the claim has no lines."""
    if request.amount_fen <= 0:
        raise AmountOutOfRangeError(field="amount")
    if request.amount_fen > personal_of(claim):
        raise RefundExceedsError
    if claim.lines is None:
        if request.lines is not None:
            raise LinesMismatchError(field="lines")
        return None
    if request.lines is None:
        return _spread(claim.lines, request.amount_fen, claim.med_type, items)
    _check_lines(claim.lines, request.lines)
    return request.lines


def _check_lines(lines: tuple[FeeLine, ...], requested: LineAmounts) -> None:
    remaining: dict[str, int] = {}
    for line in lines:
        remaining[line.line] = remaining.get(line.line, 0) + line.amount_fen
    names = {name for name, _ in requested}
    if len(names) < len(requested) or not names <= set(remaining):
        raise LinesMismatchError(field="lines")
    if any(fen <= 0 for _, fen in requested):
        raise AmountOutOfRangeError(field="lines")
    if any(fen > remaining[name] for name, fen in requested):
        raise RefundExceedsError


def _spread(
    lines: tuple[FeeLine, ...], amount_fen: int, med_type: str, items: ItemTerms
) -> LineAmounts:
    """An amount taken from the lines in `REFUND_ORDER`, of equal ones from the last first."""
    spread: dict[str, int] = {}
    for payer in REFUND_ORDER:
        for line in reversed(lines):
            if payer_of(line, med_type, items) is payer:
                fen = min(amount_fen, line.amount_fen)
                amount_fen -= fen
                spread[line.line] = spread.get(line.line, 0) + fen
    return tuple((line, fen) for line, fen in spread.items() if fen)


def _event(
    remainder: Remainder,
    payers: tuple[PayerShare, ...],
    cash_fen: int,
    request: RefundRequest,
    reason: str,
) -> PartRefunded:
    """The refund that leaves these shares and this cash of a remainder."""
    own, *sponsors = map(_return_of, remainder.payers, payers)
    own_fen = _fen(own) if own else 0
    aid_fen = sum(_fen(sponsor) for sponsor in sponsors if sponsor)
    event = PartRefunded(
        reason=reason,
        amount_fen=request.amount_fen,
        lines=request.lines,
        payers=tuple(payer for payer in (own, *sponsors) if payer),
        own_fen=own_fen,
        aid_fen=aid_fen,
        cash_fen=remainder.cash_fen - cash_fen,
    )
    assert own_fen + aid_fen + event.cash_fen == request.amount_fen, "every fen goes to somebody"
    return event


def _return_of(before: PayerShare, after: PayerShare) -> PayerReturn | None:
    """What a payer gets back; None where it is nothing."""
    current_fen = before.current_fen - after.current_fen
    prior_fen = before.prior_fen - after.prior_fen
    assert min(current_fen, prior_fen) >= 0, "a refund takes from nobody"
    if before.account is None or current_fen + prior_fen == 0:
        return None
    return PayerReturn(
        account=before.account,
        binding=before.binding,
        current_fen=current_fen,
        prior_fen=prior_fen,
    )


def _fen(payer: PayerReturn) -> int:
    return payer.current_fen + payer.prior_fen
