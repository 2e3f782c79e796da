"""End an account: bindings and holds end with it, and what it paid after its end is marked.

Death is often reported late. Nothing is reversed by itself: settlements after the day of the
end are marked for recovery (policy.md §3.3, S100).
"""

from collections.abc import Iterable
from datetime import date

from aggregates.account.events import (
    BeneficiaryUnlinked,
    Debited,
    DebitReturned,
    ReturnSuspended,
    SponsorUnlinked,
)
from aggregates.account.reserved import live_holds
from aggregates.account.state import Account
from aggregates.binding import binding as binding_rules
from aggregates.binding.binding import Binding
from aggregates.settlement.events import RecoveryDue
from aggregates.settlement.hold import HoldEnded, frees_of
from aggregates.vocabulary import BindingStatus, HoldEnd, Instant, Parting, StreamId
from service.ledger.codec import Recorded
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.settlement.claims import visit_of
from service.settlement.supersede_hold import held_accounts
from service.vault import Vault


def end_bindings(
    reads: ReadSet, account_id: StreamId, account: Account, reason: str, on: date
) -> StreamEvents:
    """Every tie of an account that ends, on all three streams."""
    moved: StreamEvents = []
    for link in account.sponsors:
        moved += _parted(reads, link.binding, reason, on)
    for mine in account.beneficiaries:
        moved += _parted(reads, mine.binding, reason, on)
    for binding_id, _ in account.invitations:
        moved += _withdrawn(reads, binding_id, reason, account_id)
    return moved


def _parted(reads: ReadSet, binding_id: StreamId, reason: str, on: date) -> StreamEvents:
    binding: Binding = reads.binding(binding_id)
    reads.account(binding.sponsor)
    reads.account(binding.beneficiary)
    return [
        (binding_id, binding_rules.end(reason)),
        (binding.beneficiary, SponsorUnlinked(binding=binding_id)),
        (
            binding.sponsor,
            BeneficiaryUnlinked(binding=binding_id, parting=Parting.ENDED, on=on),
        ),
    ]


def _withdrawn(
    reads: ReadSet, binding_id: StreamId, reason: str, account_id: StreamId
) -> StreamEvents:
    moved: StreamEvents = [(account_id, SponsorUnlinked(binding=binding_id))]
    if reads.binding(binding_id).status is BindingStatus.INVITED:
        moved.insert(0, (binding_id, binding_rules.end(reason)))
    return moved


def void_holds(
    reads: ReadSet, vault: Vault, account: Account, now: Instant
) -> tuple[StreamEvents, set[bytes]]:
    """The end of every bill's hold that an account is in, and the bills' names given up.

    A hold is one unit: where one of its payers ends, the others' money is free too, and the
    bill is split anew. What is held for a premium stays: the tax side may have booked it.
    """
    moved: StreamEvents = []
    frees: set[bytes] = set()
    for part in live_holds(account, now):
        if not part.hold.startswith("hld_"):
            continue
        held = reads.hold(part.hold).held
        moved += frees_of(part.hold, held_accounts(reads, held), HoldEnd.ENDED)
        moved.append((part.hold, HoldEnded(why=HoldEnd.ENDED)))
        visit = visit_of(vault, held.claim)
        if reads.find(visit) == part.hold:
            frees.add(visit)
    return moved, frees


def recoveries(history: Iterable[Recorded], ended_on: date) -> StreamEvents:
    """What an account gave to others' settlements after its end and did not get back.

    What came back and was kept aside is no debt either: the agency has it.
    """
    left_fen: dict[StreamId, int] = {}
    account_id: StreamId | None = None
    for recorded in history:
        event = recorded.event
        account_id = recorded.stream
        if not isinstance(event, Debited | DebitReturned | ReturnSuspended):
            continue
        if event.binding is not None and event.on > ended_on:
            settlement, paid_fen = _paid(event)
            left_fen[settlement] = left_fen.get(settlement, 0) + paid_fen
    assert account_id is not None or not left_fen
    return [
        (settlement, RecoveryDue(account=account_id, amount_fen=fen, ended_on=ended_on))
        for settlement, fen in left_fen.items()
        if fen and account_id is not None
    ]


def _paid(event: Debited | DebitReturned | ReturnSuspended) -> tuple[StreamId, int]:
    """What was paid to which settlement; below zero it came back."""
    if isinstance(event, ReturnSuspended):
        return event.payment, -event.amount_fen
    sign = 1 if isinstance(event, Debited) else -1
    return event.settlement, sign * (event.current_fen + event.prior_fen)
