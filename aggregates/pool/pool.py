"""The fold of a family pool, and the pool as a payer in place of its owner's account."""

from dataclasses import replace
from datetime import date, datetime
from typing import NamedTuple

from aggregates.account.cap_usage import NOTHING, Spending, spend, together
from aggregates.account.reserved import as_spent
from aggregates.account.state import Account, AccountHold
from aggregates.policy.choices import MoneyModel, SponsorBuckets
from aggregates.policy.edition import Edition
from aggregates.pool import events
from aggregates.vocabulary import Instant, StreamId

PoolEvent = (
    events.PoolOpened
    | events.PoolFunded
    | events.PoolDebited
    | events.PoolReturned
    | events.PoolHeld
    | events.PoolHoldReleased
    | events.PoolPremiumDebited
    | events.PoolPremiumReturned
    | events.PoolEmptied
)


class PoolHold(NamedTuple):
    """Money of a pool held for a bill or premium."""

    hold: StreamId
    binding: StreamId | None
    amount_fen: int
    on: date
    expires_at: datetime | None


class Pool(NamedTuple):
    """A pool, folded from its events. Amounts in fen.

    `balance_fen` has held money included. `lent` is what the caps of its owner count, and `used`
    the same by binding.
    """

    owner: StreamId
    balance_fen: int = 0
    lent: Spending = NOTHING
    used: tuple[tuple[StreamId, Spending], ...] = ()
    holds: tuple[PoolHold, ...] = ()


def evolve(pool: Pool | None, event: PoolEvent) -> Pool:
    """Fold one event into a pool. Nothing is validated."""
    if isinstance(event, events.PoolOpened):
        return Pool(owner=event.owner)
    assert pool is not None, "a pool begins with PoolOpened"
    match event:
        case events.PoolHeld() | events.PoolHoldReleased():
            return _replace_hold(pool, event)
        case events.PoolDebited() | events.PoolReturned():
            sign = 1 if isinstance(event, events.PoolReturned) else -1
            moved = pool._replace(balance_fen=pool.balance_fen + sign * event.amount_fen)
            return _lent(moved, event.binding, event.on, -sign * event.amount_fen)
        case events.PoolFunded() | events.PoolPremiumReturned():
            return pool._replace(balance_fen=pool.balance_fen + event.amount_fen)
        case events.PoolPremiumDebited() | events.PoolEmptied():
            return pool._replace(balance_fen=pool.balance_fen - event.amount_fen)


def _lent(pool: Pool, binding: StreamId, on: date, fen: int) -> Pool:
    used = dict(pool.used)
    used[binding] = spend(used.get(binding, NOTHING), on, fen)
    return pool._replace(lent=spend(pool.lent, on, fen), used=tuple(used.items()))


def _replace_hold(pool: Pool, event: events.PoolHeld | events.PoolHoldReleased) -> Pool:
    others = tuple(hold for hold in pool.holds if hold.hold != event.hold)
    if isinstance(event, events.PoolHoldReleased):
        return pool._replace(holds=others)
    hold = PoolHold(event.hold, event.binding, event.amount_fen, event.on, event.expires_at)
    return pool._replace(holds=(*others, hold))


def live_pool_holds(pool: Pool, now: Instant) -> tuple[PoolHold, ...]:
    """The holds that have not expired."""
    return tuple(h for h in pool.holds if h.expires_at is None or h.expires_at > now.at)


def held_in_pool_fen(pool: Pool, now: Instant) -> int:
    """How much of a pool's money is held."""
    return sum(hold.amount_fen for hold in live_pool_holds(pool, now))


def free_fen(pool: Pool, now: Instant) -> int:
    """How much of a pool's money may be spent."""
    return pool.balance_fen - held_in_pool_fen(pool, now)


def assert_pool_sound(pool: Pool, now: Instant) -> None:
    """Assert that the balance is not below zero, nor below what is held of it."""
    assert free_fen(pool, now) >= 0, "a pool holds no more than it has"


def pays_from_pool(edition: Edition) -> bool:
    """Whether sponsors of this edition pay from their pools, never from their accounts."""
    return edition.money_model is MoneyModel.FAMILY_POOL


def as_payer(owner: Account, pool: Pool | None, edition: Edition, now: Instant) -> Account:
    """A sponsor's account as it pays by the sponsor's edition, held money being spent.

    Where pools pay, it has the pool's money alone, as current money; a pool that was never opened
    is empty. Caps count what account and pool paid together, so that a change of the money model
    within a period frees none.
    """
    spent = as_spent(owner, now)
    if pool is None:
        is_empty = pays_from_pool(edition)
        return spent._replace(current_fen=0, prior_fen=0) if is_empty else spent
    used = dict(pool.used)
    from_pool = as_spent(
        owner._replace(
            current_fen=pool.balance_fen,
            prior_fen=0,
            lent=pool.lent,
            beneficiaries=tuple(
                link._replace(used=used.get(link.binding, NOTHING)) for link in owner.beneficiaries
            ),
            holds=tuple(
                AccountHold(h.hold, h.binding, h.amount_fen, 0, 0, h.on, h.expires_at)
                for h in pool.holds
            ),
        ),
        now,
    )
    both = zip(spent.beneficiaries, from_pool.beneficiaries, strict=True)
    return (from_pool if pays_from_pool(edition) else spent)._replace(
        lent=together(spent.lent, from_pool.lent, owner.year_from),
        beneficiaries=tuple(
            mine._replace(used=together(mine.used, its.used, owner.year_from)) for mine, its in both
        ),
    )


def pooled_edition(edition: Edition) -> Edition:
    """An edition for a payer from a pool: the floor stayed in the account, no bucket matters."""
    money = replace(edition.money, reserve_fen=0, sponsor_buckets=SponsorBuckets.ALL)
    return replace(edition, money=money)
