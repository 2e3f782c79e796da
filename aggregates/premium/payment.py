"""Who may pay whose premium, when, and from which buckets (policy.md §3.2 `premium_*`, §4)."""

from datetime import date
from typing import NamedTuple

from aggregates.account.events import Held
from aggregates.account.reserved import as_spent
from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.binding.eligibility import Side, check_scope
from aggregates.policy.choices import PremiumType
from aggregates.policy.edition import PremiumWindow
from aggregates.pool.events import PoolHeld
from aggregates.pool.pool import Pool, free_fen, pays_from_pool
from aggregates.premium import refusals
from aggregates.premium.premium import PremiumHeld
from aggregates.refusals import (
    AccountEndedError,
    DateInvalidError,
    FrozenError,
    NotActiveError,
)
from aggregates.settlement.purse import sponsor_buckets
from aggregates.vocabulary import Bucket, Instant, Insurance, InsuranceStatus, StreamId, Use

OTHER_CHANNEL = "TAX"
"""Where a premium can be paid when no account may pay it: the tax office (policy.md §4)."""


class PremiumOrder(NamedTuple):
    """A premium to be paid; the tax authority knows it by `premium_id`."""

    premium_id: StreamId
    insurance: PremiumType
    year: int


def check_order(
    order: PremiumOrder, sponsor: Side, payee: Account, binding: Binding, now: Instant
) -> None:
    """Check that the sponsor may pay this premium, without regard to funds.

    Raises:
        NotActiveError, UseNotGrantedError: the binding forbids it (S117); AccountEndedError,
        PayeeNotResidentError, ScopeError, FrozenError, SponsorStatusError: the status of one
        side forbids it; PremiumNotOfferedError, WindowClosedError: the region's rules forbid it;
        DateInvalidError: the year cannot be paid today.
    """
    if not binding.pays_at(now):
        raise NotActiveError
    if Use.PREMIUM not in binding.uses:
        raise refusals.UseNotGrantedError
    _check_status(sponsor, payee)
    premium = sponsor.edition.premium
    if order.insurance not in premium.premium_types:
        raise refusals.PremiumNotOfferedError(insurance=order.insurance.lower())
    window = premium.premium_window
    year = year_paid_on(window, now.on)
    if year is None:
        raise refusals.WindowClosedError(
            opens=window.from_, closes=window.to, channel=OTHER_CHANNEL
        )
    if order.year != year:
        raise DateInvalidError(field="year")


def hold(
    order: PremiumOrder,
    sponsor: Side,
    payee: tuple[StreamId, StreamId],
    pool: Pool | None,
    now: Instant,
) -> list[tuple[StreamId, PremiumHeld | Held | PoolHeld]]:
    """Hold the region's standard amount for a checked order.

    `payee` is the payee's account and the binding. Where sponsors pay from pools the sponsor's
    `pool` holds the amount, never the account (own: as for bills).

    Raises:
        InsufficientError: less than that is available above the reserve (S108), or in the pool.
    """
    amount_fen = sponsor.edition.premium.premium_standard_fen[order.insurance]
    payee_id, binding = payee
    is_pooled = pays_from_pool(sponsor.edition)
    if is_pooled and (pool is None or free_fen(pool, now) < amount_fen):
        raise refusals.InsufficientError
    pool_id = sponsor.account.pool if is_pooled else None
    premium_held = PremiumHeld(
        sponsor=sponsor.account_id,
        payee=payee_id,
        binding=binding,
        insurance=order.insurance,
        year=order.year,
        amount_fen=amount_fen,
        edition=sponsor.edition.id,
        held_at=now.at,
        on=now.on,
        premium_pool=pool_id,
    )
    if pool_id is not None:
        pool_hold = PoolHeld(
            hold=order.premium_id, binding=None, amount_fen=amount_fen, on=now.on, expires_at=None
        )
        return [(order.premium_id, premium_held), (pool_id, pool_hold)]
    current_fen, prior_fen = _by_bucket(amount_fen, sponsor, now)
    account_hold = Held(
        hold=order.premium_id,
        binding=None,
        current_fen=current_fen,
        prior_fen=prior_fen,
        aid_fen=0,
        on=now.on,
        expires_at=None,
    )
    return [(order.premium_id, premium_held), (sponsor.account_id, account_hold)]


def year_paid_on(window: PremiumWindow, on: date) -> int | None:
    """The year whose premium is paid on a day; None outside the enrolment period.

    Year N is paid in the window of N - 1, which may extend into N.
    """
    day = f"{on:%m-%d}"
    if window.from_ <= window.to:
        return on.year + 1 if window.from_ <= day <= window.to else None
    if day >= window.from_:
        return on.year + 1
    return on.year if day <= window.to else None


def _check_status(sponsor: Side, payee: Account) -> None:
    """Check the status of both sides, and that the payee is a resident in scope."""
    if payee.ending is not None or sponsor.account.ending is not None:
        raise AccountEndedError
    if payee.insurance is not Insurance.RESIDENT:
        raise refusals.PayeeNotResidentError
    check_scope(sponsor, payee.region)
    if sponsor.account.is_frozen:
        raise FrozenError
    terms, standing = sponsor.edition.binding, sponsor.account.standing
    is_usable = standing is InsuranceStatus.SUSPENDED and terms.sponsor_suspended_usable
    if standing not in terms.sponsor_status_ok and not is_usable:
        raise refusals.SponsorStatusError(status=sponsor.account.status.lower())


def _by_bucket(amount_fen: int, sponsor: Side, now: Instant) -> tuple[int, int]:
    """The amount's current and prior part in fen; the reserve stays."""
    money = sponsor.edition.money
    free = as_spent(sponsor.account, now)
    left_fen = amount_fen
    if free.balance_fen - money.reserve_fen < amount_fen:
        raise refusals.InsufficientError
    taken = {Bucket.CURRENT: 0, Bucket.PRIOR: 0}
    for bucket, in_bucket_fen in sponsor_buckets(free, money.sponsor_buckets):
        taken[bucket] = min(left_fen, in_bucket_fen)
        left_fen -= taken[bucket]
    if left_fen:
        raise refusals.InsufficientError
    return taken[Bucket.CURRENT], taken[Bucket.PRIOR]
