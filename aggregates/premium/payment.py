"""Who may pay whose premium, when, and out of which money (policy.md §3.2 `premium_*`, §4)."""

from datetime import date
from typing import NamedTuple

from aggregates.account.events import Held
from aggregates.account.reserved import as_spent
from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.binding.eligibility import Side, check_near
from aggregates.policy.choices import PremiumType
from aggregates.policy.edition import PremiumWindow
from aggregates.premium.premium import PremiumHeld
from aggregates.premium.refusals import (
    FrozenError,
    InsufficientError,
    PayeeNotResidentError,
    PremiumNotOfferedError,
    SponsorStatusError,
    UseNotGrantedError,
    WindowClosedError,
)
from aggregates.refusals import AccountEndedError, DateInvalidError, NotActiveError
from aggregates.settlement.purse import sponsor_buckets
from aggregates.vocabulary import Bucket, Instant, Insurance, InsuranceStatus, StreamId, Use

OTHER_CHANNEL = "TAX"
"""Who still takes a premium when no account may pay it: the tax office (policy.md §4)."""


class PremiumOrder(NamedTuple):
    """Which premium is to be paid, by an id that the tax side will know it by."""

    premium_id: StreamId
    insurance: PremiumType
    year: int


class BucketAmounts(NamedTuple):
    """An amount by the buckets it comes from, in fen."""

    current_fen: int
    prior_fen: int


def check_order(
    order: PremiumOrder, sponsor: Side, payee: Account, binding: Binding, now: Instant
) -> None:
    """Whether this sponsor may pay this premium at all, whatever money he has.

    Raises:
        NotActiveError, UseNotGrantedError: what the binding says (S117); AccountEndedError,
        PayeeNotResidentError, ScopeError, FrozenError, SponsorStatusError: how the two stand;
        PremiumNotOfferedError, WindowClosedError: the region's rules; DateInvalidError: a year
        that is not paid today.
    """
    if not binding.pays_at(now):
        raise NotActiveError
    if Use.PREMIUM not in binding.uses:
        raise UseNotGrantedError
    _check_standing(sponsor, payee)
    premium = sponsor.edition.premium
    if order.insurance not in premium.premium_types:
        raise PremiumNotOfferedError(insurance=order.insurance.lower())
    window = premium.premium_window
    year = year_paid_on(window, now.on)
    if year is None:
        raise WindowClosedError(opens=window.from_, closes=window.to, channel=OTHER_CHANNEL)
    if order.year != year:
        raise DateInvalidError(field="year")


def hold(
    order: PremiumOrder, sponsor: Side, payee: StreamId, binding: StreamId, now: Instant
) -> list[tuple[StreamId, PremiumHeld | Held]]:
    """Set the region's standard amount aside, whole, for an order that was checked.

    Raises:
        InsufficientError: less than that is free above the reserve (S108).
    """
    amount_fen = sponsor.edition.premium.premium_standard_fen[order.insurance]
    parts = _parts(amount_fen, sponsor, now)
    held = PremiumHeld(
        sponsor=sponsor.account_id,
        payee=payee,
        binding=binding,
        insurance=order.insurance,
        year=order.year,
        amount_fen=amount_fen,
        edition=sponsor.edition.id,
        held_at=now.at,
        on=now.on,
    )
    aside = Held(
        hold=order.premium_id,
        binding=None,
        current_fen=parts.current_fen,
        prior_fen=parts.prior_fen,
        aid_fen=0,
        on=now.on,
        expires_at=None,
    )
    return [(order.premium_id, held), (sponsor.account_id, aside)]


def year_paid_on(window: PremiumWindow, on: date) -> int | None:
    """The year whose premium is paid on a day; None outside the months of enrolment.

    Year N is paid in the window of N - 1, and on into N where the window spans New Year.
    """
    day = f"{on:%m-%d}"
    if window.from_ <= window.to:
        return on.year + 1 if window.from_ <= day <= window.to else None
    if day >= window.from_:
        return on.year + 1
    return on.year if day <= window.to else None


def _check_standing(sponsor: Side, payee: Account) -> None:
    """Both take part, the payee as a resident near enough, and the sponsor's money may leave."""
    if payee.ending is not None or sponsor.account.ending is not None:
        raise AccountEndedError
    if payee.insurance is not Insurance.RESIDENT:
        raise PayeeNotResidentError
    check_near(sponsor, payee.region)
    if sponsor.account.is_frozen:
        raise FrozenError
    terms, standing = sponsor.edition.binding, sponsor.account.standing
    is_usable = standing is InsuranceStatus.SUSPENDED and terms.sponsor_suspended_usable
    if standing not in terms.sponsor_status_ok and not is_usable:
        raise SponsorStatusError(status=sponsor.account.status.lower())


def _parts(amount_fen: int, sponsor: Side, now: Instant) -> BucketAmounts:
    """The whole amount out of the buckets that may pay for others; the reserve stays."""
    money = sponsor.edition.money
    free = as_spent(sponsor.account, now)
    left_fen = amount_fen
    if free.balance_fen - money.reserve_fen < amount_fen:
        raise InsufficientError
    taken = {Bucket.CURRENT: 0, Bucket.PRIOR: 0}
    for bucket, in_bucket_fen in sponsor_buckets(free, money.sponsor_buckets):
        taken[bucket] = min(left_fen, in_bucket_fen)
        left_fen -= taken[bucket]
    if left_fen:
        raise InsufficientError
    return BucketAmounts(taken[Bucket.CURRENT], taken[Bucket.PRIOR])
