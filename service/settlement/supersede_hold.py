"""Settling a bill replaces its own hold: the held money is released, and available to the bill."""

from collections.abc import Iterable

from aggregates.account.events import HoldReleased
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account
from aggregates.refusals import DuplicateClaimError
from aggregates.settlement.hold import ClaimHeld, Hold, HoldEnded, accounts_in, frees_of
from aggregates.topics import Event
from aggregates.vocabulary import HoldEnd, HoldStatus, Instant, StreamId
from service.ledger.read_set import ReadSet
from service.settlement.claims import DecisionInputs


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
) -> tuple[list[tuple[StreamId, HoldReleased]], HoldEnded]:
    """The events that release a hold: on its accounts, and on its own stream."""
    is_over = hold.status_at(now) is HoldStatus.EXPIRED
    why = HoldEnd.EXPIRED if is_over else HoldEnd.RELEASED
    return frees_of(hold_id, held_accounts(reads, hold.held), why), HoldEnded(why=why)


def after(
    inputs: DecisionInputs, events: Iterable[tuple[StreamId, AccountEvent]]
) -> DecisionInputs:
    """A bill's inputs once these events have happened to the family's accounts."""
    family = inputs.family
    for account_id, event in events:
        if account_id == family.account_id:
            family = family._replace(account=evolve(family.account, event))
        elif account_id in family.sponsors:
            sponsor = family.sponsors[account_id]
            sponsor = sponsor._replace(account=evolve(sponsor.account, event))
            family = family._replace(sponsors={**family.sponsors, account_id: sponsor})
    return inputs._replace(family=family)


def held_accounts(reads: ReadSet, held: ClaimHeld) -> dict[StreamId, Account]:
    """The accounts with a part of a hold, as they are now."""
    accounts = accounts_in(held)
    reads.need(accounts)
    return {account_id: reads.account(account_id) for account_id in accounts}
