"""End an account: its bindings end with it, and what it paid after its end is marked.

Death is often reported late. Nothing is reversed by itself: settlements after the day of the
end are marked for recovery (policy.md §3.3, S100).
"""

from collections.abc import Iterable
from datetime import date

from aggregates import binding as binding_rules
from aggregates.account_state import Account
from aggregates.binding import Binding
from aggregates.events import (
    BeneficiaryUnlinked,
    Debited,
    DebitReturned,
    SponsorUnlinked,
)
from aggregates.settlement_events import RecoveryDue
from aggregates.topics import Event
from aggregates.vocabulary import BindingStatus, Parting, StreamId
from service.ledger.rows import Recorded
from service.ledger.view import View

Moved = list[tuple[StreamId, Event]]


def end_bindings(
    view: View, account_id: StreamId, account: Account, reason: str, on: date
) -> Moved:
    """Every tie of an account that ends, on all three streams."""
    moved: Moved = []
    for link in account.sponsors:
        moved += _parted(view, link.binding, reason, on)
    for mine in account.beneficiaries:
        moved += _parted(view, mine.binding, reason, on)
    for binding_id, _ in account.invitations:
        moved += _withdrawn(view, binding_id, reason, account_id)
    return moved


def _parted(view: View, binding_id: StreamId, reason: str, on: date) -> Moved:
    binding: Binding = view.binding(binding_id)
    view.account(binding.sponsor)
    view.account(binding.beneficiary)
    return [
        (binding_id, binding_rules.end(reason)),
        (binding.beneficiary, SponsorUnlinked(binding=binding_id)),
        (
            binding.sponsor,
            BeneficiaryUnlinked(binding=binding_id, parting=Parting.ENDED, on=on),
        ),
    ]


def _withdrawn(view: View, binding_id: StreamId, reason: str, account_id: StreamId) -> Moved:
    moved: Moved = [(account_id, SponsorUnlinked(binding=binding_id))]
    if view.binding(binding_id).status is BindingStatus.INVITED:
        moved.insert(0, (binding_id, binding_rules.end(reason)))
    return moved


def recoveries(history: Iterable[Recorded], ended_on: date) -> Moved:
    """What an account gave to others' settlements after its end and did not get back."""
    left_fen: dict[StreamId, int] = {}
    account_id: StreamId | None = None
    for recorded in history:
        event = recorded.event
        account_id = recorded.stream
        if isinstance(event, Debited | DebitReturned) and event.on > ended_on:
            sign = 1 if isinstance(event, Debited) else -1
            paid_fen = sign * (event.current_fen + event.prior_fen)
            if event.binding is not None:
                left_fen[event.settlement] = left_fen.get(event.settlement, 0) + paid_fen
    assert account_id is not None or not left_fen
    return [
        (settlement, RecoveryDue(account=account_id, amount_fen=fen, ended_on=ended_on))
        for settlement, fen in left_fen.items()
        if fen and account_id is not None
    ]
