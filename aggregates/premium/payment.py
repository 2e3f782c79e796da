"""Who may pay whose premium, when, and from which buckets (policy.md §3.2 `premium_*`, §4)."""

from datetime import date
from typing import NamedTuple

from aggregates.account.events import Held
from aggregates.account.reserved import as_spent
from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.binding.eligibility import Side, check_scope
from aggregates.binding.kinship import age_on
from aggregates.policy.choices import PremiumType
from aggregates.policy.edition import Edition, PremiumTerms, PremiumWindow
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
    """A premium to be paid; the tax authority knows it by `premium_id`.

    `born_on` is the payee's date of birth, or None where unknown.
    """

    premium_id: StreamId
    insurance: PremiumType
    year: int
    tier: str | None = None
    born_on: date | None = None


def check_order(
    order: PremiumOrder, sponsor: Side, payee: Account, binding: Binding, now: Instant
) -> None:
    """Check that the sponsor may pay this premium, without regard to funds.

    Raises:
        NotActiveError, UseNotGrantedError: the binding forbids it (S117); AccountEndedError,
        PayeeNotResidentError, ScopeError, FrozenError, SponsorStatusError: the status of one
        side forbids it; PremiumNotOfferedError, WindowClosedError: the region's rules forbid it,
        or have no such tier for the payee's age; DateInvalidError: the year cannot be paid today.
    """
    if not binding.pays_at(now):
        raise NotActiveError
    if Use.PREMIUM not in binding.uses:
        raise refusals.UseNotGrantedError
    _check_status(order.insurance, sponsor, payee)
    premium = sponsor.edition.premium
    if order.insurance not in premium.premium_types or amount_of(order, premium, now.on) is None:
        raise refusals.PremiumNotOfferedError(insurance=order.insurance.lower(), tier=order.tier)
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
    """Hold the region's amount for a checked order.

    `payee` is the payee's account and the binding. Where sponsors pay from pools the sponsor's
    `pool` holds the amount, never the account (own: as for bills).

    Raises:
        InsufficientError: less than that is available above the reserve (S108), or in the pool.
    """
    amount_fen = amount_of(order, sponsor.edition.premium, now.on)
    assert amount_fen is not None, "it was checked"
    payee_id, binding = payee
    is_pooled = pays_from_pool(sponsor.edition)
    if is_pooled:
        check_pool(amount_fen, pool, now)
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
        tier=order.tier,
    )
    if pool_id is not None:
        pool_hold = PoolHeld(
            hold=order.premium_id, binding=None, amount_fen=amount_fen, on=now.on, expires_at=None
        )
        return [(order.premium_id, premium_held), (pool_id, pool_hold)]
    account, edition = sponsor.account, sponsor.edition
    current_fen, prior_fen = by_bucket(amount_fen, order.insurance, account, edition, now)
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


def check_pool(amount_fen: int, pool: Pool | None, now: Instant) -> None:
    """Check that a family pool has a premium's amount free.

    Raises:
        InsufficientError: it has less, or there is no pool.
    """
    if pool is None or free_fen(pool, now) < amount_fen:
        raise refusals.InsufficientError


def amount_of(order: PremiumOrder, terms: PremiumTerms, on: date) -> int | None:
    """What a premium costs in fen: by the payee's age and the ordered tier, else the standard.

    None where the region has no such tier for that age. Of an unknown age no tier is known
    (regions.md §4, row 16).
    """
    age = None if order.born_on is None else age_on(order.born_on, on)
    for row in terms.premium_tiers:
        is_of_age = age is not None and row.from_age <= age <= row.to_age
        if is_of_age and (row.type, row.tier) == (order.insurance, order.tier):
            return row.fen
    return terms.premium_standard_fen.get(order.insurance) if order.tier is None else None


def amounts_of(insurance: PremiumType, tier: str | None, terms: PremiumTerms) -> set[int]:
    """What a premium of a type and tier may cost in fen, whatever the payee's age."""
    amounts = {r.fen for r in terms.premium_tiers if (r.type, r.tier) == (insurance, tier)}
    if tier is None and insurance in terms.premium_standard_fen:
        amounts.add(terms.premium_standard_fen[insurance])
    return amounts


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


def _check_status(insurance: PremiumType, sponsor: Side, payee: Account) -> None:
    """Check the status of both sides, and that the payee is in scope.

    Only a resident pays the residents' basic premium.
    """
    if payee.ending is not None or sponsor.account.ending is not None:
        raise AccountEndedError
    is_basic = insurance is PremiumType.RESIDENT_BASIC
    if is_basic and payee.insurance is not Insurance.RESIDENT:
        raise refusals.PayeeNotResidentError
    check_scope(sponsor, payee.region)
    if sponsor.account.is_frozen:
        raise FrozenError
    terms, standing = sponsor.edition.binding, sponsor.account.standing
    is_usable = standing is InsuranceStatus.SUSPENDED and terms.sponsor_suspended_usable
    if standing not in terms.sponsor_status_ok and not is_usable:
        raise refusals.SponsorStatusError(status=sponsor.account.status.lower())


def by_bucket(
    amount_fen: int, insurance: PremiumType, sponsor: Account, edition: Edition, now: Instant
) -> tuple[int, int]:
    """The amount's current and prior part in fen, from the buckets that pay for this type.

    The reserve for care stays on the account. A type's own reserve goes before it, and stays in the
    buckets that pay: commercial insurance from prior money above 4000.00 (regions.md §4, row 4).

    Raises:
        InsufficientError: less than the amount is available.
    """
    money, terms = edition.money, edition.premium
    free = as_spent(sponsor, now)
    buckets = sponsor_buckets(free, terms.premium_buckets.get(insurance, money.sponsor_buckets))
    in_buckets_fen = sum(fen for _, fen in buckets)
    own_reserve_fen = terms.premium_reserve_fen.get(insurance)
    if own_reserve_fen is None:
        available_fen = min(in_buckets_fen, free.balance_fen - money.reserve_fen)
    else:
        available_fen = in_buckets_fen - own_reserve_fen
    if available_fen < amount_fen:
        raise refusals.InsufficientError
    taken = {Bucket.CURRENT: 0, Bucket.PRIOR: 0}
    left_fen = amount_fen
    for bucket, in_bucket_fen in buckets:
        taken[bucket] = min(left_fen, in_bucket_fen)
        left_fen -= taken[bucket]
    assert left_fen == 0, "the buckets hold what is available"
    return taken[Bucket.CURRENT], taken[Bucket.PRIOR]
