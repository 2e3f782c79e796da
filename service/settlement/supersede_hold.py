"""A bill gives way to itself: what was held or paid for it before is there for it now."""

from collections.abc import Iterable

from aggregates.account.events import HoldReleased
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account
from aggregates.refusals import DuplicateClaimError
from aggregates.settlement.hold import ClaimHeld, HoldEnded, accounts_in, frees_of
from aggregates.topics import Event
from aggregates.vocabulary import HoldEnd, HoldStatus, Instant, StreamId
from service.ledger.read_set import ReadSet
from service.settlement.claims import DecisionInputs


def release_own_hold(
    reads: ReadSet, met: DecisionInputs, now: Instant
) -> tuple[DecisionInputs, list[tuple[StreamId, Event]]]:
    """The bill with its own hold given back, and the events that do it; none without a hold.

    Raises:
        DuplicateClaimError: the bill is settled already; `settlement_id` is the live one.
    """
    live = reads.holder(met.visit)
    if live is None:
        return met, []
    if not live.startswith("hld_"):
        raise DuplicateClaimError(settlement_id=live)
    if not _is_held(reads, live):
        return met, []
    freed = _freed(reads, live, now)
    return after(met, freed[0]), [*freed[0], freed[1]]


def without_hold(reads: ReadSet, met: DecisionInputs, now: Instant) -> DecisionInputs:
    """The bill as if its own hold were given back, whether it is settled or not: for a quote."""
    live = reads.find(met.visit)
    if live is None or not live.startswith("hld_") or not _is_held(reads, live):
        return met
    return after(met, _freed(reads, live, now)[0])


def _is_held(reads: ReadSet, hold_id: StreamId) -> bool:
    """Whether the bill's name still is this hold's.

    A name and a head are read one after the other. Where another process ended the hold between,
    the name is somebody else's or free: the append looks under its lock.
    """
    return reads.hold(hold_id).status is HoldStatus.HELD


def _freed(
    reads: ReadSet, hold_id: StreamId, now: Instant
) -> tuple[list[tuple[StreamId, HoldReleased]], tuple[StreamId, HoldEnded]]:
    """What gives a hold back: on its accounts, and on its own stream."""
    hold = reads.hold(hold_id)
    is_over = hold.status_at(now) is HoldStatus.EXPIRED
    why = HoldEnd.EXPIRED if is_over else HoldEnd.RELEASED
    freed = frees_of(hold_id, held_accounts(reads, hold.held), why)
    return freed, (hold_id, HoldEnded(why=why))


def after(met: DecisionInputs, moved: Iterable[tuple[StreamId, AccountEvent]]) -> DecisionInputs:
    """A bill's family as it is once these events happened to its accounts."""
    family = met.family
    for account_id, event in moved:
        if account_id == family.account_id:
            family = family._replace(account=evolve(family.account, event))
        elif account_id in family.sponsors:
            sponsor = family.sponsors[account_id]
            moved_on = sponsor._replace(account=evolve(sponsor.account, event))
            family = family._replace(sponsors={**family.sponsors, account_id: moved_on})
    return met._replace(family=family)


def held_accounts(reads: ReadSet, held: ClaimHeld) -> dict[StreamId, Account]:
    """The accounts that a hold is on, as they are now."""
    accounts = accounts_in(held)
    reads.need(accounts)
    return {account_id: reads.account(account_id) for account_id in accounts}
