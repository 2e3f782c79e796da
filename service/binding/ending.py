"""End a binding because of its sides or their kinship, on all streams that know it."""

from datetime import date

from aggregates.account import events
from aggregates.binding import binding as rules
from aggregates.vocabulary import Parting, StreamId
from service.ledger.command import StreamEvents
from service.ledger.read_set import ReadSet


def end_binding(reads: ReadSet, binding_id: StreamId, reason: str, on: date) -> StreamEvents:
    """End one binding, on its stream and both accounts'."""
    binding = reads.binding(binding_id)
    reads.account(binding.sponsor)
    reads.account(binding.beneficiary)
    return [
        (binding_id, rules.end(reason)),
        (binding.beneficiary, events.SponsorUnlinked(binding=binding_id)),
        (
            binding.sponsor,
            events.BeneficiaryUnlinked(binding=binding_id, parting=Parting.ENDED, on=on),
        ),
    ]
