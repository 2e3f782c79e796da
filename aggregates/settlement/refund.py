"""A partial refund: which lines it is taken from, and which payer gets what (policy.md §3.4)."""

from dataclasses import replace
from datetime import date
from typing import NamedTuple

from aggregates.policy.choices import PayableBy, RefundMode, RefundUntil
from aggregates.policy.edition import Edition, ItemTerms, RefundDays
from aggregates.refusals import (
    AmountOutOfRangeError,
    LinesMismatchError,
    PartialRefundNotAllowedError,
    RefundExceedsError,
)
from aggregates.settlement.bill import payable_by, personal_of, smaller
from aggregates.settlement.events import Claim, FeeLine, PartRefunded, PayerReturn, PayerShare
from aggregates.settlement.purse import paid_order
from aggregates.settlement.resplit import recast
from aggregates.settlement.settlement import Remainder, Settlement, check_stays
from aggregates.vocabulary import Bucket, Instant, instant


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
    left = [_less_prorata(own, back[0], order)]
    left += [
        _less_prorata(share, fen, (Bucket.CURRENT, Bucket.PRIOR))
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


def _less_prorata(share: PayerShare, fen: int, order: tuple[Bucket, ...]) -> PayerShare:
    """Take from the bucket that was emptied last."""
    taken = {Bucket.CURRENT: share.current_fen, Bucket.PRIOR: share.prior_fen}
    for bucket in reversed(order):
        part = min(fen, taken[bucket])
        taken[bucket] -= part
        fen -= part
    return replace(share, current_fen=taken[Bucket.CURRENT], prior_fen=taken[Bucket.PRIOR])


LineAmounts = tuple[tuple[str, int], ...]
FIRST_BACK = (PayableBy.NONE, PayableBy.OWN, PayableBy.OWN_AND_AID)
"""Whose lines an amount is taken from first, where no line is named: what no aid paid."""


class RefundRequest(NamedTuple):
    """What is to be given back, in fen: a sum, or a sum from each of these lines."""

    amount_fen: int
    lines: LineAmounts | None


def refund(
    settlement: Settlement, asked: RefundRequest, reason: str, edition: Edition
) -> PartRefunded:
    """Give back a part of a bill; `edition` is the one it was settled by.

    Raises:
        PartialRefundNotAllowedError: the region only cancels; RefundExceedsError: more than
        what stays; AlreadyCancelledError, AlreadyReversedError: nothing stays;
        LinesMismatchError, AmountOutOfRangeError: it cannot be asked so.
    """
    stay = check_stays(settlement)
    modes = [mode for mode in edition.refund.refund_mode if mode is not RefundMode.FULL_RESETTLE]
    if not modes:
        raise PartialRefundNotAllowedError
    lines = _lines_of(stay.claim, asked, edition.items)
    left = smaller(stay.claim, asked.amount_fen, lines)
    if modes[0] is RefundMode.PARTIAL_PRORATA:
        payers, cash_fen = prorata(stay.payers, stay.cash_fen, asked.amount_fen, edition)
    else:
        split = recast(left, stay.payers, edition)
        payers, cash_fen = split.payers, split.cash_fen
    return _event(stay, payers, cash_fen, (reason, asked.amount_fen, lines))


def is_open(
    until: RefundUntil | RefundDays, settled_on: date, cleared_through: date | None, now: Instant
) -> bool:
    """Whether the region's window for taking back is still open (`refund_window`)."""
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
    """Whether the institution was paid for that day already."""
    return cleared_through is not None and settled_on <= cleared_through


def settled_on(settlement: Settlement) -> date:
    """The Beijing day a settlement was made on; a captured hold's caps may count another."""
    assert settlement.settled is not None, "it was settled"
    return instant(settlement.settled.settled_at).on


def _lines_of(claim: Claim, asked: RefundRequest, items: ItemTerms) -> LineAmounts | None:
    """What is taken from which line; None where the claim has none."""
    if asked.amount_fen <= 0:
        raise AmountOutOfRangeError(field="amount")
    if asked.amount_fen > personal_of(claim):
        raise RefundExceedsError
    if claim.lines is None:
        if asked.lines is not None:
            raise LinesMismatchError(field="lines")
        return None
    if asked.lines is None:
        return _spread(claim.lines, asked.amount_fen, items)
    _check_lines(claim.lines, asked.lines)
    return asked.lines


def _check_lines(lines: tuple[FeeLine, ...], asked: LineAmounts) -> None:
    stays: dict[str, int] = {}
    for line in lines:
        stays[line.line] = stays.get(line.line, 0) + line.amount_fen
    named = dict(asked)
    if len(named) < len(asked) or not set(named) <= set(stays):
        raise LinesMismatchError(field="lines")
    if any(fen <= 0 for _, fen in asked):
        raise AmountOutOfRangeError(field="lines")
    if any(fen > stays[line] for line, fen in asked):
        raise RefundExceedsError


def _spread(lines: tuple[FeeLine, ...], amount_fen: int, items: ItemTerms) -> LineAmounts:
    """Put a sum on the lines: those aid never pays first, and of alike ones the last first."""
    spread: dict[str, int] = {}
    for payer in FIRST_BACK:
        for line in reversed(lines):
            if payable_by(line, items) is payer:
                fen = min(amount_fen, line.amount_fen)
                amount_fen -= fen
                spread[line.line] = spread.get(line.line, 0) + fen
    return tuple((line, fen) for line, fen in spread.items() if fen)


def _event(
    stay: Remainder,
    payers: tuple[PayerShare, ...],
    cash_fen: int,
    asked: tuple[str, int, LineAmounts | None],
) -> PartRefunded:
    reason, amount_fen, lines = asked
    back = [_less(before, after) for before, after in zip(stay.payers, payers, strict=True)]
    own_fen = _fen(back[0]) if back[0] else 0
    aid_fen = sum(_fen(payer) for payer in back[1:] if payer)
    event = PartRefunded(
        reason=reason,
        amount_fen=amount_fen,
        lines=lines,
        payers=tuple(payer for payer in back if payer),
        own_fen=own_fen,
        aid_fen=aid_fen,
        cash_fen=stay.cash_fen - cash_fen,
    )
    assert own_fen + aid_fen + event.cash_fen == amount_fen, "every fen goes back to somebody"
    return event


def _less(before: PayerShare, after: PayerShare) -> PayerReturn | None:
    """What goes back to a payer; None where nothing does."""
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
