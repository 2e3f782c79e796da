"""Reverse a paid premium: first the region's rules, then the tax authority's decision.

The tax authority knows whether the payee used benefits or the payment is cleared; benefits of
the pooled fund are not in this ledger (policy.md §4, S112).
"""

from collections.abc import Mapping
from datetime import timedelta

from aggregates.account.events import PremiumReturned, ReturnSuspended
from aggregates.account.insurance_year import has_turned
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.policy.choices import PremiumReverseBlock, RefundBucket
from aggregates.policy.edition import Edition
from aggregates.pool.events import PoolPremiumReturned
from aggregates.premium import premium as events
from aggregates.premium import refusals
from aggregates.premium.payment import OTHER_CHANNEL, year_paid_on
from aggregates.premium.premium import OPEN, Premium
from aggregates.refusals import TooEarlyError
from aggregates.settlement.returns import destination
from aggregates.vocabulary import Instant, PremiumStatus, StreamId

BackFundEvent = PremiumReturned | ReturnSuspended | PoolPremiumReturned
ReversalEvents = list[tuple[StreamId, BackFundEvent | events.PremiumEvent]]


def request_reversal(
    premium: Premium, sponsor: Account, edition: Edition, reason: str, now: Instant
) -> events.PremiumReversalRequested:
    """Ask for a reversal, under the edition that the premium was paid under.

    Raises:
        PremiumInProgressError, PremiumNotPaidError: there is nothing to reverse now;
        TooEarlyError, WindowClosedError, SponsorEndedError: the region's rules forbid it.
    """
    if premium.status in OPEN:
        raise refusals.PremiumInProgressError
    if premium.status is not PremiumStatus.CONFIRMED:
        raise refusals.PremiumNotPaidError
    assert premium.confirmed_at is not None, "a confirmed premium has its moment"
    terms = edition.premium
    earliest = premium.confirmed_at + timedelta(minutes=terms.premium_reverse_min_age_minutes)
    if now.at < earliest:
        raise TooEarlyError(earliest=earliest.isoformat(timespec="seconds"))
    blocks, window = terms.premium_reverse_block, terms.premium_window
    is_open = year_paid_on(window, now.on) == premium.year
    if PremiumReverseBlock.WINDOW_CLOSED in blocks and not is_open:
        raise refusals.WindowClosedError(
            opens=window.from_, closes=window.to, channel=OTHER_CHANNEL
        )
    if PremiumReverseBlock.SPONSOR_ENDED in blocks and sponsor.ending is not None:
        raise refusals.SponsorEndedError
    return events.PremiumReversalRequested(reason=reason, requested_at=now.at)


def refuse_reversal(premium_id: StreamId, premium: Premium, code: str) -> ReversalEvents:
    """Record that the tax authority refused; the premium stays paid."""
    if premium.status is not PremiumStatus.REVERSE_REQUESTED:
        return []
    return [(premium_id, events.PremiumReversalRefused(code=code))]


def give_back(
    premium_id: StreamId,
    premium: Premium,
    accounts: Mapping[StreamId, Account],
    edition: Edition,
    ticket: str,
    now: Instant,
) -> ReversalEvents:
    """Give a reversed premium back to the buckets that paid, or suspend it (policy.md §3.4).

    A pool's premium goes back to the pool; once the owner's account has ended, to where that
    account's money goes, as money of earlier years.

    It is suspended also if the account is full, since the reversal is final. `accounts` has the
    sponsor's and all successors' of it. Caps on care count neither a premium nor its return.
    """
    if premium.status is not PremiumStatus.REVERSE_REQUESTED:
        return []
    changes: ReversalEvents = []
    pool, paid_fen = premium.premium_pool, premium.current_fen + premium.prior_fen
    if pool is not None and paid_fen and accounts[premium.sponsor].ending is None:
        back = PoolPremiumReturned(premium=premium_id, binding=premium.binding, amount_fen=paid_fen)
        changes.append((pool, back))
    elif paid_fen:
        to = destination(premium.sponsor, accounts, edition.refund)
        if to is None or paid_fen > AMOUNT_MAX_FEN - accounts[to].balance_fen:
            changes.append((premium.sponsor, _suspended(premium_id, premium, ticket, now)))
        else:
            changes.append((to, _returned(premium_id, premium, edition, accounts[to], now)))
    return [*changes, (premium_id, events.PremiumReversed(reversed_at=now.at))]


def _suspended(
    premium_id: StreamId, premium: Premium, ticket: str, now: Instant
) -> ReturnSuspended:
    assert premium.confirmed_on is not None, "a paid premium has its day"
    return ReturnSuspended(
        payment=premium_id,
        binding=None,
        ticket=ticket,
        amount_fen=premium.current_fen + premium.prior_fen,
        on=premium.confirmed_on,
        returned_on=now.on,
    )


def _returned(
    premium_id: StreamId, premium: Premium, edition: Edition, account: Account, now: Instant
) -> PremiumReturned:
    """Return to the buckets that paid; after the insurance year's end, to the region's choice."""
    assert premium.confirmed_on is not None, "a paid premium has its day"
    current_fen, prior_fen = premium.current_fen, premium.prior_fen
    is_over = has_turned(premium.confirmed_on, now.on, account.year_from)
    is_carried = edition.refund.refund_bucket_after_rollover is RefundBucket.CARRY_TO_PRIOR
    if premium.premium_pool is not None or (is_over and is_carried):
        current_fen, prior_fen = 0, current_fen + prior_fen
    return PremiumReturned(
        premium=premium_id,
        binding=premium.binding,
        current_fen=current_fen,
        prior_fen=prior_fen,
    )
