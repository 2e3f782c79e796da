"""End a binding because of its sides or their kinship, on all streams that know it."""

from collections.abc import Callable, Iterator
from datetime import date

from aggregates.account import events
from aggregates.account.state import Account
from aggregates.binding import binding as rules
from aggregates.binding.eligibility import is_excluded
from aggregates.policy.edition import BindingTerms
from aggregates.refusals import NoEditionError
from aggregates.vocabulary import BindingStatus, Instant, Parting, StreamId
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet
from service.policy import edition_in_force
from service.vault import Vault


def end_binding(reads: ReadSet, binding_id: StreamId, reason: str, on: date) -> StreamEvents:
    """End one binding, on its stream and both accounts'.

    One that was released with a day's delay has ended on its stream, and is unlinked now.
    """
    binding = reads.binding(binding_id)
    reads.account(binding.sponsor)
    reads.account(binding.beneficiary)
    is_released = binding.status is not BindingStatus.ACTIVE
    parting = Parting.LAPSED if is_released else Parting.ENDED
    ended: StreamEvents = [] if is_released else [(binding_id, rules.end(reason))]
    return [
        *ended,
        (binding.beneficiary, events.SponsorUnlinked(binding=binding_id)),
        (
            binding.sponsor,
            events.BeneficiaryUnlinked(binding=binding_id, parting=parting, on=on),
        ),
    ]


def suspended(
    reads: ReadSet, vault: Vault, account: Account, reason: str, now: Instant
) -> StreamEvents:
    """End the bindings that the suspension of one side's insurance ends.

    The sponsor's region says so (`suspension_ends_binding`), whichever side is suspended.
    """

    def ends(terms: BindingTerms, *_: Account) -> bool:
        return terms.suspension_ends_binding

    return _ended(reads, vault, account, ends, (reason, now))


def excluded(
    reads: ReadSet, vault: Vault, account: Account, reason: str, now: Instant
) -> StreamEvents:
    """End the bindings that the sponsor's region excludes by the marks now on the account."""
    return _ended(reads, vault, account, is_excluded, (reason, now))


def _ended(
    reads: ReadSet,
    vault: Vault,
    account: Account,
    ends: Callable[[BindingTerms, Account, Account], bool],
    why: tuple[str, Instant],
) -> StreamEvents:
    reason, now = why
    ended: StreamEvents = []
    for binding_id, sponsor, beneficiary in _bound(reads, account):
        try:
            terms = edition_in_force(reads, vault, sponsor.region, now).binding
        except NoEditionError:  # nobody says that it ends
            continue
        if ends(terms, sponsor, beneficiary):
            ended += end_binding(reads, binding_id, reason, now.on)
    return ended


def _bound(reads: ReadSet, account: Account) -> Iterator[tuple[StreamId, Account, Account]]:
    """An account's bindings with their sponsor's and beneficiary's accounts."""
    for given in account.beneficiaries:
        yield given.binding, account, reads.account(given.beneficiary)
    for taken in account.sponsors:
        yield taken.binding, reads.account(taken.sponsor), account
