"""Take a paid premium back: by the region's guards first, then by the tax side's leave.

Whether the payee drew benefits or the payment is cleared is the tax side's to know: benefits
of the pooled fund are not in this ledger (policy.md §4, S112).
"""

from collections.abc import Mapping
from datetime import timedelta

from aggregates.account.events import PremiumReturned, ReturnSuspended
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.policy.choices import PremiumReverseBlock, RefundBucket
from aggregates.policy.edition import Edition
from aggregates.premium.payment import OTHER_CHANNEL, year_paid_on
from aggregates.premium.premium import (
    OPEN,
    Premium,
    PremiumEvent,
    PremiumReversalRefused,
    PremiumReversalRequested,
    PremiumReversed,
)
from aggregates.premium.refusals import (
    PremiumInProgressError,
    PremiumNotPaidError,
    SponsorEndedError,
    WindowClosedError,
)
from aggregates.refusals import TooEarlyError
from aggregates.settlement.returns import destination
from aggregates.vocabulary import Instant, PremiumStatus, StreamId

ReversalEvents = list[tuple[StreamId, PremiumReturned | ReturnSuspended | PremiumEvent]]


def request_reversal(
    premium: Premium, sponsor: Account, edition: Edition, reason: str, now: Instant
) -> PremiumReversalRequested:
    """Ask for a premium back, by the edition it was paid under.

    Raises:
        PremiumInProgressError, PremiumNotPaidError: there is nothing to take back now;
        TooEarlyError, WindowClosedError, SponsorEndedError: a guard of the region.
    """
    if premium.status in OPEN:
        raise PremiumInProgressError
    if premium.status is not PremiumStatus.CONFIRMED:
        raise PremiumNotPaidError
    assert premium.confirmed_at is not None, "what is confirmed has its moment"
    terms = edition.premium
    earliest = premium.confirmed_at + timedelta(minutes=terms.premium_reverse_min_age_minutes)
    if now.at < earliest:
        raise TooEarlyError(earliest=earliest.isoformat(timespec="seconds"))
    blocks, window = terms.premium_reverse_block, terms.premium_window
    is_open = year_paid_on(window, now.on) == premium.year
    if PremiumReverseBlock.WINDOW_CLOSED in blocks and not is_open:
        raise WindowClosedError(opens=window.from_, closes=window.to, channel=OTHER_CHANNEL)
    if PremiumReverseBlock.SPONSOR_ENDED in blocks and sponsor.ending is not None:
        raise SponsorEndedError
    return PremiumReversalRequested(reason=reason, requested_at=now.at)


def refuse_reversal(premium_id: StreamId, premium: Premium, code: str) -> ReversalEvents:
    """The tax side keeps it; it stays paid."""
    if premium.status is not PremiumStatus.REVERSE_REQUESTED:
        return []
    return [(premium_id, PremiumReversalRefused(code=code))]


def give_back(
    premium_id: StreamId,
    premium: Premium,
    accounts: Mapping[StreamId, Account],
    edition: Edition,
    ticket: str,
    now: Instant,
) -> ReversalEvents:
    """The tax side gave it back: to the buckets that paid, or aside (policy.md §3.4).

    It goes aside too where the account is full: the tax side's word cannot be refused any more.
    `accounts` holds the sponsor's and all his successors'. No cap on care ever counted it, so none
    counts its return.
    """
    if premium.status is not PremiumStatus.REVERSE_REQUESTED:
        return []
    moved: ReversalEvents = []
    if paid_fen := premium.current_fen + premium.prior_fen:
        to = destination(premium.sponsor, accounts, edition.refund)
        if to is None or paid_fen > AMOUNT_MAX_FEN - accounts[to].balance_fen:
            moved.append((premium.sponsor, _aside(premium_id, premium, ticket, now)))
        else:
            moved.append((to, _back(premium_id, premium, edition, now)))
    return [*moved, (premium_id, PremiumReversed(reversed_at=now.at))]


def _aside(premium_id: StreamId, premium: Premium, ticket: str, now: Instant) -> ReturnSuspended:
    assert premium.confirmed_on is not None, "what is paid has its day"
    return ReturnSuspended(
        payment=premium_id,
        binding=None,
        ticket=ticket,
        amount_fen=premium.current_fen + premium.prior_fen,
        on=premium.confirmed_on,
        returned_on=now.on,
    )


def _back(
    premium_id: StreamId, premium: Premium, edition: Edition, now: Instant
) -> PremiumReturned:
    """To the buckets that paid; when the year has turned, where the region says."""
    assert premium.confirmed_on is not None, "what is paid has its day"
    current_fen, prior_fen = premium.current_fen, premium.prior_fen
    is_over = premium.confirmed_on.year < now.on.year
    if is_over and edition.refund.refund_bucket_after_rollover is RefundBucket.CARRY_TO_PRIOR:
        current_fen, prior_fen = 0, current_fen + prior_fen
    return PremiumReturned(
        premium=premium_id,
        binding=premium.binding,
        current_fen=current_fen,
        prior_fen=prior_fen,
    )
