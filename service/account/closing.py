"""End an account: its bindings and holds end too, and later payments are marked for recovery.

A death is often reported late. Settlements after the day of the end are not reversed but marked
for recovery (policy.md §3.3, S100).
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date

from aggregates.account import events
from aggregates.account.reserved import live_holds
from aggregates.account.state import Account
from aggregates.binding import binding as binding_rules
from aggregates.pool.decisions import empty
from aggregates.pool.events import PoolDebited, PoolHoldReleased, PoolReturned
from aggregates.pool.pool import evolve, live_pool_holds
from aggregates.settlement.events import RecoveryDue
from aggregates.settlement.hold import HoldEnded, frees_of
from aggregates.vocabulary import BindingStatus, HoldEnd, Instant, StreamId
from service.binding.ending import end_binding
from service.ledger.codec import Recorded
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.settlement.claims import visit_of
from service.settlement.supersede_hold import held_funds
from service.vault import Vault

PAYING = (
    events.Debited,
    events.DebitReturned,
    events.ReturnSuspended,
    PoolDebited,
    PoolReturned,
)


def end_bindings(
    reads: ReadSet, account_id: StreamId, account: Account, reason: str, on: date
) -> StreamEvents:
    """End every binding of an account, on the binding's and both accounts' streams."""
    ended: StreamEvents = []
    sponsors = [link.binding for link in account.sponsors]
    beneficiaries = [link.binding for link in account.beneficiaries]
    for binding_id in sponsors + beneficiaries:
        ended += end_binding(reads, binding_id, reason, on)
    for binding_id, _ in account.invitations:
        ended += _withdraw_invitation(reads, binding_id, reason, account_id)
    return ended


def _withdraw_invitation(
    reads: ReadSet, binding_id: StreamId, reason: str, account_id: StreamId
) -> StreamEvents:
    unlinked = (account_id, events.SponsorUnlinked(binding=binding_id))
    if reads.binding(binding_id).status in (BindingStatus.IN_REVIEW, BindingStatus.INVITED):
        return [(binding_id, binding_rules.end(reason)), unlinked]
    return [unlinked]


def void_holds(
    reads: ReadSet, vault: Vault, account: Account, now: Instant
) -> tuple[StreamEvents, set[bytes]]:
    """End every bill's hold that an account or its pool takes part in; free the bills' names.

    A hold is one unit: when one payer's account ends, the other payers' money is freed too, and
    the bill is split anew. A premium's hold stays: the tax authority may have booked it.
    """
    ended: StreamEvents = []
    frees: set[bytes] = set()
    pooled = live_pool_holds(reads.pool(account.pool), now) if account.pool else ()
    held = [part.hold for part in live_holds(account, now)] + [part.hold for part in pooled]
    for hold_id in held:
        if not hold_id.startswith("hld_"):
            continue
        hold = reads.hold(hold_id).held
        ended += frees_of(hold_id, held_funds(reads, hold), HoldEnd.ENDED)
        ended.append((hold_id, HoldEnded(why=HoldEnd.ENDED)))
        visit = visit_of(vault, hold.claim)
        if reads.find(visit) == hold_id:
            frees.add(visit)
    return ended, frees


def empty_pool(
    reads: ReadSet, owner: tuple[StreamId, Account], freed: StreamEvents, now: Instant
) -> StreamEvents:
    """The events that give the owner's account what is in the pool, before the account ends.

    `freed` are the events before. A premium's hold stays in the pool.
    """
    account_id, account = owner
    if account.pool is None:
        return []
    pool = reads.pool(account.pool)
    for stream, event in freed:
        if stream == account.pool and isinstance(event, PoolHoldReleased):
            pool = evolve(pool, event)
    return [*empty(account_id, account, pool, now)]


def recoveries(account_id: StreamId, history: Iterable[Recorded], ended_on: date) -> StreamEvents:
    """What an account and its pool paid for others after the end and did not get back.

    Returned money in suspense is no debt either: the agency has it.
    """
    unreturned_fen: Counter[StreamId] = Counter()
    for event in (recorded.event for recorded in history):
        if not isinstance(event, PAYING):
            continue
        if event.binding is not None and event.on > ended_on:
            settlement, paid_fen = _paid(event)
            unreturned_fen[settlement] += paid_fen
    return [
        (settlement, RecoveryDue(account=account_id, amount_fen=fen, ended_on=ended_on))
        for settlement, fen in unreturned_fen.items()
        if fen
    ]


def _paid(
    event: events.Debited
    | events.DebitReturned
    | events.ReturnSuspended
    | PoolDebited
    | PoolReturned,
) -> tuple[StreamId, int]:
    """The settlement, and what was paid for it in fen; negative for a return."""
    if isinstance(event, PoolDebited | PoolReturned):
        return event.settlement, event.amount_fen * (1 if isinstance(event, PoolDebited) else -1)
    if isinstance(event, events.ReturnSuspended):
        return event.payment, -event.amount_fen
    sign = 1 if isinstance(event, events.Debited) else -1
    return event.settlement, sign * (event.current_fen + event.prior_fen)
