"""Ties that ran out by themselves, and the events that write it down.

A grant or an invitation lapses without anybody's doing. The next binding of either side says
so, that counts and limits see living ties alone.
"""

from collections.abc import Callable

from aggregates.account.events import BeneficiaryUnlinked, SponsorUnlinked
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account, SponsorLink
from aggregates.binding.binding import Binding
from aggregates.vocabulary import BindingStatus, Instant, Parting, StreamId

LIVES = (BindingStatus.INVITED, BindingStatus.ACTIVE)


def live_sponsors(
    account: Account, binding_of: Callable[[StreamId], Binding], now: Instant
) -> tuple[SponsorLink, ...]:
    """The account's sponsors whose grant has not lapsed."""
    return tuple(s for s in account.sponsors if binding_of(s.binding).status_at(now) in LIVES)


def swept(
    account: Account, binding_of: Callable[[StreamId], Binding], now: Instant
) -> tuple[Account, list[AccountEvent]]:
    """An account without its lapsed ties, and what happened to it thereby."""

    def has_lapsed(binding: StreamId) -> bool:
        return binding_of(binding).status_at(now) not in LIVES

    ties = [link.binding for link in account.sponsors] + [b for b, _ in account.invitations]
    events: list[AccountEvent] = [SponsorUnlinked(binding=t) for t in ties if has_lapsed(t)]
    events += [
        BeneficiaryUnlinked(
            binding=link.binding,
            parting=Parting.LAPSED,
            on=binding_of(link.binding).last_day() or now.on,
        )
        for link in account.beneficiaries
        if has_lapsed(link.binding)
    ]
    for event in events:
        account = evolve(account, event)
    return account, events
