"""Open a family pool, move money into it and back, and look at it.

Only the owner, the owner's agency and auditors see a pool: relatives never see its balance.
"""

from dataclasses import dataclass, replace
from typing import Any

from msgspec import json

from aggregates.account.fold import evolve as evolve_account
from aggregates.account.state import Account
from aggregates.policy.edition import Edition
from aggregates.pool import decisions as rules
from aggregates.pool.pool import Pool, evolve, free_fen, held_in_pool_fen, pays_from_pool
from aggregates.refusals import UnknownError
from aggregates.vocabulary import Instant, StreamId
from service.binding.parties import party
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from service.policy import edition_in_force
from service.serializers import yuan
from service.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedPool:
    """A pool with its owner's account and rules, as read for one decision."""

    pool_id: StreamId
    pool: Pool
    owner: Account
    edition: Edition


async def open_pool(context: ServiceContext, request: Request, owner: str | None) -> Reply:
    """Open the pool of a person (None: the caller), once; an agency names the person."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        owner_id = party(reads, context.vault, request.caller, owner)
        account = reads.account(owner_id)
        edition = edition_in_force(reads, context.vault, account.region, now)
        pool_id = new_stream("fpl", now.at)
        events = rules.open_pool(owner_id, account, edition, pool_id, now)
        own = OwnedPool(pool_id=pool_id, pool=Pool(owner_id), owner=account, edition=edition)
        return _decided(request.caller, own, [*events], 1, now)

    return await context.do(request, decide)


async def transfer(
    context: ServiceContext, request: Request, pool_id: StreamId, amount_fen: int
) -> Reply:
    """Move an amount from the owner's account into the pool (the owner, or the agency)."""
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        own = _own_pool(reads, context.vault, request.caller, pool_id, now)
        owner_id = own.pool.owner
        events = rules.transfer(owner_id, own.owner, own.pool, own.edition, amount_fen, now)
        return _decided(request.caller, own, [*events], reads.version(pool_id) + 1, now)

    return await context.do(request, decide)


async def withdraw(context: ServiceContext, request: Request, pool_id: StreamId) -> Reply:
    """Move all that is free back to the owner's account, once no relative may spend from it.

    Where the region has given pools up, bindings do not matter: its accounts pay on demand.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        own = _own_pool(reads, context.vault, request.caller, pool_id, now)
        members = _members(reads, own, now)
        events = rules.withdraw(own.pool.owner, own.owner, own.pool, members, now)
        return _decided(request.caller, own, [*events], reads.version(pool_id) + 1, now)

    return await context.do(request, decide)


async def look_at_pool(context: ServiceContext, caller: Caller, pool_id: StreamId) -> Reply:
    """A pool as of now, for its owner, the owner's agency and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        own = _own_pool(reads, context.vault, caller, pool_id, now)
        answer = _answer(own, reads.version(pool_id), now)
        return Decision(answer=json.encode(answer))

    return await context.ask(caller, decide)


async def owner_of(context: ServiceContext, caller: Caller, pool_id: StreamId) -> StreamId:
    """The account that owns a pool, for those who see it; it raises as `look_at_pool`."""
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def query(reads: ReadSet, now: Instant) -> StreamId:
        return _own_pool(reads, context.vault, caller, pool_id, now).pool.owner

    return await context.read(caller, query)


def _own_pool(
    reads: ReadSet, vault: Vault, caller: Caller, pool_id: StreamId, now: Instant
) -> OwnedPool:
    pool = reads.pool(pool_id)
    owner = reads.account(pool.owner)
    if caller.role is Role.AGENCY:
        check_region(caller, owner)
    elif caller.role is Role.PERSON and find_person(reads, vault, caller.subject) != pool.owner:
        raise UnknownError
    edition = edition_in_force(reads, vault, owner.region, now)
    return OwnedPool(pool_id=pool_id, pool=pool, owner=owner, edition=edition)


def _members(reads: ReadSet, own: OwnedPool, now: Instant) -> list[StreamId]:
    """The bindings under which relatives may spend from the pool now."""
    if not pays_from_pool(own.edition):
        return []
    bindings = [link.binding for link in own.owner.beneficiaries]
    reads.need(bindings)
    return [binding for binding in bindings if reads.binding(binding).pays_at(now)]


def _decided(
    caller: Caller, own: OwnedPool, events: StreamEvents, version: int, now: Instant
) -> Decision:
    """The decision of these events, answered with the pool after them.

    `version` is the pool's after the events.
    """
    pool, owner = own.pool, own.owner
    for stream, event in events:
        if stream == own.pool_id:
            pool = evolve(pool, event)  # type: ignore[arg-type]
        else:
            owner = evolve_account(owner, event)  # type: ignore[arg-type]
    after = replace(own, pool=pool, owner=owner)
    return Decision(
        answer=json.encode(_answer(after, version, now)),
        events=events,
        on_behalf_of=pool.owner if caller.role is Role.AGENCY else None,
    )


def _answer(own: OwnedPool, version: int, now: Instant) -> dict[str, Any]:
    """A pool and what may be moved into it; the owner is an account id.

    Where the region has no pools any more, nothing may be moved in.
    """
    pool, terms = own.pool, own.edition.pool
    answer: dict[str, Any] = {
        "pool_id": own.pool_id,
        "owner": pool.owner,
        "balance": yuan(pool.balance_fen),
        "held": yuan(held_in_pool_fen(pool, now)),
        "available": yuan(free_fen(pool, now)),
        "floor": None,
        "minimum": None,
        "transferable": "0.00",
        "transfers_left": 0,
        "next_transfer_on": None,
        "policy_edition": own.edition.id,
        "version": version,
    }
    if terms is None or not pays_from_pool(own.edition):
        return answer
    room = rules.room_of(own.owner, terms, now)
    minimum = terms.min_transfer_fen
    return answer | {
        "floor": yuan(room.floor_fen),
        "minimum": None if minimum is None else yuan(minimum),
        "transferable": yuan(room.transferable_fen),
        "transfers_left": room.transfers_left,
        "next_transfer_on": f"{room.next_on}" if room.transfers_left == 0 else f"{now.on}",
    }
