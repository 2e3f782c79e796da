"""The rules for moving money into a family pool and back (regions.md §4 row 1).

A pool has no buckets. Into it goes money of earlier years first, then this year's; what comes
back from it is money of earlier years (own: nothing public says which).
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from aggregates.account.events import FamilyPoolOpened, MovedFromPool, MovedToPool
from aggregates.account.reserved import as_spent
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.policy.edition import Edition, PoolTerms
from aggregates.pool import refusals
from aggregates.pool.events import PoolEmptied, PoolFunded, PoolOpened
from aggregates.pool.pool import Pool, free_fen, pays_from_pool
from aggregates.refusals import (
    AccountEndedError,
    AmountOutOfRangeError,
    FrozenError,
    NoFundsError,
)
from aggregates.vocabulary import Instant, StreamId

Opening = list[tuple[StreamId, PoolOpened | FamilyPoolOpened]]
Transfer = list[tuple[StreamId, MovedToPool | PoolFunded | MovedFromPool | PoolEmptied]]


class TransferRoom(NamedTuple):
    """What an owner may move into the pool now, amounts in fen.

    `transfers_left` is None without a limit; `next_on` is the first day of the next month.
    """

    floor_fen: int
    transferable_fen: int
    transfers_left: int | None
    next_on: date


def open_pool(
    owner_id: StreamId, owner: Account, edition: Edition, pool_id: StreamId, now: Instant
) -> Opening:
    """Open an owner's pool, empty.

    Raises:
        PoolNotOfferedError, PoolExistsError, AccountEndedError, NoFundsError.
    """
    terms_of(edition)
    if owner.pool is not None:
        raise refusals.PoolExistsError(pool_id=owner.pool)
    _check_owner(owner)
    return [
        (pool_id, PoolOpened(owner=owner_id, on=now.on)),
        (owner_id, FamilyPoolOpened(pool=pool_id)),
    ]


def terms_of(edition: Edition) -> PoolTerms:
    """How money is moved into pools in a region.

    Raises:
        PoolNotOfferedError: the region has no pools.
    """
    if not pays_from_pool(edition) or edition.pool is None:
        raise refusals.PoolNotOfferedError
    return edition.pool


def room_of(owner: Account, terms: PoolTerms, now: Instant) -> TransferRoom:
    """What may be moved now. Held money counts as spent; a frozen account may move nothing."""
    is_closed = owner.is_frozen or owner.ending is not None
    free = 0 if is_closed else as_spent(owner, now).balance_fen
    year, month, count = owner.pool_transfers
    made = count if (year, month) == (now.on.year, now.on.month) else 0
    limit = terms.transfers_per_month
    left = None if limit is None else max(0, limit - made)
    month_after = now.on.year * 12 + now.on.month
    next_on = date(month_after // 12, month_after % 12 + 1, 1)
    movable = max(0, free - terms.floor_fen)
    return TransferRoom(terms.floor_fen, 0 if left == 0 else movable, left, next_on)


def transfer(
    owner_id: StreamId,
    owner: Account,
    pool: Pool,
    edition: Edition,
    amount_fen: int,
    now: Instant,
) -> Transfer:
    """Move money from the owner's account into the pool.

    Raises:
        AmountOutOfRangeError: nothing, or more than a pool may hold; PoolNotOfferedError,
        AccountEndedError, NoFundsError, FrozenError; PoolTransferLimitError,
        PoolTransferTooSmallError, PoolFloorError: with the floor and what may be moved.
    """
    terms = terms_of(edition)
    _check_owner(owner)
    if owner.is_frozen:
        raise FrozenError
    if not 0 < amount_fen <= AMOUNT_MAX_FEN - pool.balance_fen:
        raise AmountOutOfRangeError(field="amount")
    room = room_of(owner, terms, now)
    shown = {"floor": _yuan(room.floor_fen), "transferable": _yuan(room.transferable_fen)}
    if room.transfers_left == 0:
        limit = terms.transfers_per_month
        raise refusals.PoolTransferLimitError(per_month=limit, next_on=f"{room.next_on}", **shown)
    if terms.min_transfer_fen is not None and amount_fen < terms.min_transfer_fen:
        minimum = _yuan(terms.min_transfer_fen)
        raise refusals.PoolTransferTooSmallError(minimum=minimum, **shown)
    if amount_fen > room.transferable_fen:
        raise refusals.PoolFloorError(**shown)
    assert owner.pool is not None, "who has a pool knows it"
    prior_fen = min(amount_fen, as_spent(owner, now).prior_fen)
    moved = MovedToPool(
        pool=owner.pool, current_fen=amount_fen - prior_fen, prior_fen=prior_fen, on=now.on
    )
    funded = PoolFunded(account=owner_id, amount_fen=amount_fen, on=now.on)
    return [(owner_id, moved), (owner.pool, funded)]


def withdraw(
    owner_id: StreamId, owner: Account, pool: Pool, members: Sequence[StreamId], now: Instant
) -> Transfer:
    """Move everything free in the pool back to the account, once no relative is bound any more.

    `members` are the bindings in force.

    Raises:
        PoolHasMembersError; AmountOutOfRangeError: nothing is free.
    """
    if members:
        raise refusals.PoolHasMembersError
    emptied = empty(owner_id, owner, pool, now)
    if not emptied:
        raise AmountOutOfRangeError(field="amount")
    return emptied


def empty(owner_id: StreamId, owner: Account, pool: Pool, now: Instant) -> Transfer:
    """The events that move everything free in a pool to its owner's account; none if nothing is.

    Raises:
        AmountOutOfRangeError: the account would hold more than `AMOUNT_MAX_FEN`.
    """
    amount_fen = free_fen(pool, now)
    if amount_fen == 0:
        return []
    if amount_fen > AMOUNT_MAX_FEN - owner.balance_fen:
        raise AmountOutOfRangeError(field="amount")
    assert owner.pool is not None, "who has a pool knows it"
    return [
        (owner.pool, PoolEmptied(account=owner_id, amount_fen=amount_fen, on=now.on)),
        (owner_id, MovedFromPool(pool=owner.pool, amount_fen=amount_fen, on=now.on)),
    ]


def _yuan(fen: int) -> str:
    """An amount as a refusal shows it: 6425 is "64.25"."""
    return f"{fen // 100}.{fen % 100:02d}"


def _check_owner(owner: Account) -> None:
    if owner.ending is not None:
        raise AccountEndedError(status=owner.status)
    if not owner.has_funds:
        raise NoFundsError
