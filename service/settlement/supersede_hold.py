"""Settling a bill replaces its own hold: the held money is released, and available to the bill."""

from collections.abc import Iterable

from aggregates.account.events import HoldReleased
from aggregates.account.fold import AccountEvent, evolve
from aggregates.pool import pool as pools
from aggregates.pool.events import PoolHoldReleased
from aggregates.pool.pool import PoolEvent
from aggregates.refusals import DuplicateClaimError
from aggregates.settlement.family import Family
from aggregates.settlement.hold import ClaimHeld, Fund, Hold, HoldEnded, frees_of, funds_in
from aggregates.topics import Event
from aggregates.vocabulary import HoldEnd, HoldStatus, Instant, StreamId
from service.ledger.read_set import ReadSet
from service.settlement.claims import DecisionInputs

Released = HoldReleased | PoolHoldReleased
"""What the release of a hold is on an account or a pool."""


def release_own_hold(
    reads: ReadSet, inputs: DecisionInputs, now: Instant
) -> tuple[DecisionInputs, list[tuple[StreamId, Event]]]:
    """A bill's inputs with its own hold released, and the events of the release, if any.

    Raises:
        DuplicateClaimError: the bill is settled already; `settlement_id` is the live one.
    """
    live = reads.holder(inputs.visit)
    if live is None:
        return inputs, []
    if not live.startswith("hld_"):
        raise DuplicateClaimError(settlement_id=live)
    hold = reads.hold(live)
    if not _is_held(hold):
        return inputs, []
    released, ended = release_of(reads, live, hold, now)
    return after(inputs, released), [*released, (live, ended)]


def without_hold(reads: ReadSet, inputs: DecisionInputs, now: Instant) -> DecisionInputs:
    """A bill's inputs as if its own hold were released, for a quote; a settled bill is no error."""
    live = reads.find(inputs.visit)
    if live is None or not live.startswith("hld_"):
        return inputs
    hold = reads.hold(live)
    return after(inputs, release_of(reads, live, hold, now)[0]) if _is_held(hold) else inputs


def _is_held(hold: Hold) -> bool:
    """Whether the bill's name is still this hold's.

    A name and a head are read one after the other. If another process ended the hold in between,
    the name is free or another stream's; the append checks it under its lock.
    """
    return hold.status is HoldStatus.HELD


def release_of(
    reads: ReadSet, hold_id: StreamId, hold: Hold, now: Instant
) -> tuple[list[tuple[StreamId, Released]], HoldEnded]:
    """The events that release a hold: on its accounts and pools, and on its own stream."""
    is_over = hold.status_at(now) is HoldStatus.EXPIRED
    why = HoldEnd.EXPIRED if is_over else HoldEnd.RELEASED
    return frees_of(hold_id, held_funds(reads, hold.held), why), HoldEnded(why=why)


def after(
    inputs: DecisionInputs, events: Iterable[tuple[StreamId, AccountEvent | PoolEvent]]
) -> DecisionInputs:
    """A bill's inputs once these events have happened to the family's accounts and pools."""
    family = inputs.family
    for account_id, event in events:
        if isinstance(event, PoolEvent):
            family = _after_in_pool(family, account_id, event)
        elif account_id == family.account_id:
            family = family._replace(account=evolve(family.account, event))
        elif account_id in family.sponsors:
            sponsor = family.sponsors[account_id]
            sponsor = sponsor._replace(account=evolve(sponsor.account, event))
            family = family._replace(sponsors={**family.sponsors, account_id: sponsor})
    return inputs._replace(family=family)


def _after_in_pool(family: Family, pool_id: StreamId, event: PoolEvent) -> Family:
    sponsors = {
        sponsor_id: sponsor._replace(pool=pools.evolve(sponsor.pool, event))
        if sponsor.account.pool == pool_id and sponsor.pool is not None
        else sponsor
        for sponsor_id, sponsor in family.sponsors.items()
    }
    return family._replace(sponsors=sponsors)


def held_funds(reads: ReadSet, held: ClaimHeld) -> dict[StreamId, Fund]:
    """The accounts and pools with a part of a hold, as they are now."""
    funds = funds_in(held)
    reads.need(funds)
    return {
        fund: reads.pool(fund) if fund.startswith("fpl_") else reads.account(fund) for fund in funds
    }
