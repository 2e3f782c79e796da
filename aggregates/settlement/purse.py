"""What each payer can give to a bill: buckets, reserve, caps, and the reason for a closed purse.

The purse of a payer who may not pay is empty and has a reason. So the cascade checks no status,
and the reason is recorded.
"""

from typing import NamedTuple

from aggregates.account.cap_usage import Spending, counted_on
from aggregates.account.state import Account, BeneficiaryLink
from aggregates.binding.binding import Binding
from aggregates.policy.choices import (
    CapOnExceed,
    CapScope,
    CapSetBy,
    OwnBuckets,
    SponsorBuckets,
)
from aggregates.policy.edition import Edition, MoneyTerms
from aggregates.settlement.events import PayerShare
from aggregates.settlement.place_of_care import PlaceOfCare, aid_reason
from aggregates.vocabulary import Bucket, Instant, Reason, StreamId, Use

NO_CAPS = (None, None, None, None)
BY_REGION = ("REGION_SETTLEMENT", "REGION_DAY", "REGION_MONTH", "REGION_YEAR")
BY_SPONSOR = ("SPONSOR_SETTLEMENT", "SPONSOR_DAY", "SPONSOR_MONTH", "SPONSOR_YEAR")
QUOTA = "SPONSOR_TOTAL"
"""The names of caps, by who set them and what they count."""

OWN_ORDERS = {
    OwnBuckets.CURRENT_THEN_PRIOR: (Bucket.CURRENT, Bucket.PRIOR),
    OwnBuckets.PRIOR_THEN_CURRENT: (Bucket.PRIOR, Bucket.CURRENT),
    OwnBuckets.CURRENT_ONLY: (Bucket.CURRENT,),
    OwnBuckets.PRIOR_ONLY: (Bucket.PRIOR,),
}


class Purse(NamedTuple):
    """What one account may pay of this bill, in fen.

    `buckets` are in the order they are emptied, none below zero; `available_fen` is what they hold
    above the reserve, at least 0; `limit_fen` is the lowest cap and `limit` its name. With `clamps`
    a purse pays up to its cap, without it nothing if the cap is too low. A closed purse has a
    `reason`. With `from_pool` the money is that family pool's.
    """

    account: StreamId | None
    binding: StreamId | None
    buckets: tuple[tuple[Bucket, int], ...]
    available_fen: int
    limit_fen: int | None
    limit: str | None
    clamps: bool
    reason: Reason | None
    from_pool: StreamId | None = None


class CapLeft(NamedTuple):
    """The cap with the least left, in fen, and its name."""

    left_fen: int
    name: str


_Left = tuple[int, str]
"""What a cap leaves, in fen, and its name; the lowest becomes the limit."""


def closed(account: StreamId | None, binding: StreamId | None, reason: Reason) -> Purse:
    """A purse that gives nothing."""
    return Purse(account, binding, (), 0, None, None, clamps=True, reason=reason)


def own_purse(
    account_id: StreamId, account: Account, terms: MoneyTerms, place_closed: Reason | None = None
) -> Purse:
    """The patient's own purse, without cap or reserve (policy.md R110, S04).

    `place_closed` is why own money may not be used at the place of care.
    """
    if not account.has_funds:
        return closed(None, None, Reason.NO_ACCOUNT)
    if account.ending is not None:
        return closed(account_id, None, Reason.CLOSED)
    if account.is_frozen:
        return closed(account_id, None, Reason.FROZEN)
    if place_closed is not None:
        return closed(account_id, None, place_closed)
    buckets = _in_order(account.current_fen, account.prior_fen, OWN_ORDERS[terms.own_buckets_order])
    available_fen = max(0, min(_sum(buckets), account.balance_fen))
    reason = None if available_fen else Reason.SKIPPED_ZERO
    return Purse(account_id, None, buckets, available_fen, None, None, clamps=True, reason=reason)


def sponsor_purse(
    sponsor_id: StreamId,
    sponsor: Account,
    link: tuple[StreamId, Binding],
    edition: Edition,
    place: PlaceOfCare,
    now: Instant,
) -> Purse:
    """A sponsor's purse under the sponsor's own edition (policy.md §3)."""
    binding_id, binding = link
    reason = _closed_reason(sponsor, binding, edition, place, now)
    if reason is not None:
        return closed(sponsor_id, binding_id, reason)
    money = edition.money
    buckets = sponsor_buckets(sponsor, money.sponsor_buckets)
    in_buckets = _sum(buckets)
    available = max(0, min(in_buckets, sponsor.balance_fen - money.reserve_fen))
    used = next((b for b in sponsor.beneficiaries if b.binding == binding_id), None)
    left, name = _lowest(_sponsor_limits(sponsor, binding, used, money, now)) or (None, None)
    if available == 0:
        reason = Reason.RESERVE if in_buckets > 0 else Reason.SKIPPED_ZERO
    elif left == 0:
        reason = Reason.CAP
    clamps = reason is not None or money.cap_on_exceed is CapOnExceed.CLAMP
    return Purse(sponsor_id, binding_id, buckets, available, left, name, clamps, reason)


def paid_order(order: OwnBuckets) -> tuple[Bucket, ...]:
    """The order of buckets over own money that was paid; no bucket is left out.

    Money held from this year's bucket is in the prior bucket once the year is closed.
    """
    return (*OWN_ORDERS[order], *(bucket for bucket in Bucket if bucket not in OWN_ORDERS[order]))


def paid_purse(share: PayerShare, order: tuple[Bucket, ...]) -> Purse:
    """A purse that holds exactly what a payer paid."""
    buckets = _in_order(share.current_fen, share.prior_fen, order)
    paid_fen = _sum(buckets)
    return Purse(
        share.account,
        share.binding,
        buckets,
        paid_fen,
        None,
        None,
        clamps=True,
        reason=None,
        from_pool=share.from_pool,
    )


def aid_limit(beneficiary: Account, money: MoneyTerms, now: Instant) -> CapLeft | None:
    """What all sponsors together may still pay for this patient (`cap_scope` PER_BENEFICIARY)."""
    if money.cap_scope is not CapScope.PER_BENEFICIARY or money.cap_set_by is CapSetBy.SPONSOR:
        return None
    return _lowest(_region_limits(money, beneficiary.received, now))


def sponsor_buckets(account: Account, which: SponsorBuckets) -> tuple[tuple[Bucket, int], ...]:
    """The buckets that may pay for others, in the order they are emptied, in fen."""
    prior = (Bucket.PRIOR, max(0, account.prior_fen))
    if which is SponsorBuckets.PRIOR_ONLY:
        return (prior,)
    return ((Bucket.CURRENT, max(0, account.current_fen)), prior)


def _closed_reason(
    sponsor: Account, binding: Binding, edition: Edition, place: PlaceOfCare, now: Instant
) -> Reason | None:
    if not binding.pays_at(now):
        return Reason.NOT_ACTIVE
    if Use.CARE not in binding.uses:
        return Reason.USE_NOT_GRANTED
    if sponsor.ending is not None:
        return Reason.CLOSED
    if sponsor.is_frozen:
        return Reason.FROZEN
    terms = edition.binding
    suspended_usable = sponsor.standing == "SUSPENDED" and terms.sponsor_suspended_usable
    if sponsor.standing not in terms.sponsor_status_ok and not suspended_usable:
        return Reason.SPONSOR_STATUS
    return aid_reason(place, edition)


def _sum(buckets: tuple[tuple[Bucket, int], ...]) -> int:
    return buckets[0][1] + (buckets[1][1] if len(buckets) > 1 else 0)


def _in_order(
    current_fen: int, prior_fen: int, order: tuple[Bucket, ...]
) -> tuple[tuple[Bucket, int], ...]:
    current, prior = (Bucket.CURRENT, max(0, current_fen)), (Bucket.PRIOR, max(0, prior_fen))
    if len(order) == 1:
        return (current if order[0] is Bucket.CURRENT else prior,)
    return (current, prior) if order[0] is Bucket.CURRENT else (prior, current)


def _sponsor_limits(
    sponsor: Account,
    binding: Binding,
    used: BeneficiaryLink | None,
    money: MoneyTerms,
    now: Instant,
) -> list[_Left]:
    """What the region's caps in their scope and the sponsor's own caps leave (S85)."""
    limits: list[_Left] = []
    by_binding = used.used if used else sponsor.lent
    is_over_all = money.sponsor_cap_scope is CapScope.PER_SPONSOR
    if money.cap_set_by is not CapSetBy.SPONSOR and money.cap_scope is CapScope.PER_BINDING:
        limits += _region_limits(money, by_binding, now)
    if money.cap_set_by is not CapSetBy.SPONSOR and money.cap_scope is CapScope.PER_SPONSOR:
        limits += _region_limits(money, sponsor.lent, now)
    if money.cap_set_by is not CapSetBy.REGION:
        caps = binding.caps
        limits += _limits(
            (caps.per_settlement_fen, caps.per_day_fen, caps.per_month_fen, caps.per_year_fen),
            sponsor.lent if is_over_all else by_binding,
            (now, money.insurance_year_from),
            BY_SPONSOR,
        )
        if caps.quota_fen is not None:
            gone_fen = (used.quota_used_fen if used else None) or 0
            limits.append((max(0, caps.quota_fen - gone_fen), QUOTA))
    return limits


def _region_limits(money: MoneyTerms, spent: Spending, now: Instant) -> list[_Left]:
    caps = (
        money.cap_per_settlement_fen,
        money.cap_per_day_fen,
        money.cap_per_month_fen,
        money.cap_per_year_fen,
    )
    return _limits(caps, spent, (now, money.insurance_year_from), BY_REGION)


def _limits(
    caps: tuple[int | None, int | None, int | None, int | None],
    spent: Spending,
    at: tuple[Instant, str],
    names: tuple[str, str, str, str],
) -> list[_Left]:
    """What caps leave now; the yearly one counts the insurance year of the caps' own edition."""
    if caps == NO_CAPS:
        return []
    now, begins = at
    _, day_fen, month_fen, year_fen = counted_on(spent, max(now.on, spent.on), begins)
    return [
        (max(0, cap - gone_fen), name)
        for cap, gone_fen, name in zip(caps, (0, day_fen, month_fen, year_fen), names, strict=True)
        if cap is not None
    ]


def _lowest(limits: list[_Left]) -> CapLeft | None:
    return CapLeft(*min(limits)) if limits else None
