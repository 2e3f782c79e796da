"""Decide again what an owner moved into a family pool, and what came back from it."""

from aggregates.account.events import MovedFromPool, MovedToPool
from aggregates.pool.decisions import transfer
from aggregates.pool.events import PoolEmptied, PoolFunded
from aggregates.pool.pool import free_fen, pays_from_pool
from aggregates.pool.refusals import PoolHasMembersError
from aggregates.vocabulary import Instant, StreamId, instant
from service.ledger.read_set import ReadSet
from service.policy import edition_in_force
from service.replay.differences import Mismatch
from service.replay.redecide.comparison import DecisionContext, Finding, as_decided, moves, taken


def pool_moved(place: DecisionContext, event: PoolFunded | PoolEmptied) -> list[Finding]:
    """A transfer is made again by its rules; of money that comes back the sum is checked.

    Raises:
        RefusalError: it is refused today as it should have been then.
    """
    now = Instant(instant(place.at).at, event.on)
    if isinstance(event, PoolEmptied):
        return _emptied(place, event, now)
    reads = ReadSet(as_decided(place, place.command.unpaid), now, place.vault)
    pool = reads.pool(place.stream)
    owner = reads.account(pool.owner)
    edition = edition_in_force(reads, place.vault, owner.region, now)
    told = taken(place, lambda e: isinstance(e, MovedToPool) and e.pool == place.stream)
    made = transfer(pool.owner, owner, pool, edition, event.amount_fen, now)
    return moves([*told, (place.stream, event)], [*made])


def _emptied(place: DecisionContext, event: PoolEmptied, now: Instant) -> list[Finding]:
    """All that is free went to the owner; the account's event follows in the same command."""
    reads = ReadSet(place.states, now, place.vault)
    pool = reads.pool(place.stream)
    back = MovedFromPool(pool=place.stream, amount_fen=event.amount_fen, on=event.on)
    place.command.due.append((pool.owner, back))
    made = PoolEmptied(account=pool.owner, amount_fen=free_fen(pool, now), on=event.on)
    found = [] if event == made else [Finding(Mismatch.DECISION, event, made)]
    if _has_members(reads, place, pool.owner, now):
        found.append(Finding(Mismatch.DECISION, "emptied", PoolHasMembersError.code()))
    return found


def _has_members(reads: ReadSet, place: DecisionContext, owner_id: StreamId, now: Instant) -> bool:
    """Whether relatives may spend from the pool; the end of an account ends its bindings first."""
    owner = reads.account(owner_id)
    bindings = [link.binding for link in owner.beneficiaries]
    if not any(reads.binding(binding).pays_at(now) for binding in bindings):
        return False
    return pays_from_pool(edition_in_force(reads, place.vault, owner.region, now))
