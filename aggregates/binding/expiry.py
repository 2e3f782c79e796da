"""Expired grants and invitations, and the events that record it.

They expire without an event. The next binding of either side records it, so that limits count
only what is in force.
"""

from collections.abc import Callable

from aggregates.account.events import BeneficiaryUnlinked, SponsorUnlinked
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account, SponsorLink
from aggregates.binding.binding import Binding
from aggregates.vocabulary import BindingStatus, Instant, Parting, StreamId

IN_FORCE = (BindingStatus.IN_REVIEW, BindingStatus.INVITED, BindingStatus.ACTIVE)


def live_sponsors(
    account: Account, binding_of: Callable[[StreamId], Binding], now: Instant
) -> tuple[SponsorLink, ...]:
    """The account's sponsors whose grant has not expired."""
    return tuple(s for s in account.sponsors if binding_of(s.binding).status_at(now) in IN_FORCE)


def without_expired(
    account: Account, binding_of: Callable[[StreamId], Binding], now: Instant
) -> tuple[Account, list[AccountEvent]]:
    """An account without its expired grants and invitations, and the events that record it."""

    def has_expired(binding: StreamId) -> bool:
        return binding_of(binding).status_at(now) not in IN_FORCE

    bindings = [link.binding for link in account.sponsors] + [b for b, _ in account.invitations]
    events: list[AccountEvent] = [SponsorUnlinked(binding=b) for b in bindings if has_expired(b)]
    events += [
        BeneficiaryUnlinked(
            binding=link.binding,
            parting=Parting.LAPSED,
            on=binding_of(link.binding).last_day() or now.on,
        )
        for link in account.beneficiaries
        if has_expired(link.binding)
    ]
    for event in events:
        account = evolve(account, event)
    return account, events
