"""Decide again what was given back: how much, to whom, and into which account."""

from aggregates.account.events import AidReturned, DebitReturned, ReturnSuspended
from aggregates.pool.events import PoolReturned
from aggregates.settlement.events import (
    PartRefunded,
    PayerReturn,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.settlement.refund import RefundRequest, refund
from aggregates.settlement.returns import RefundBasis, full_return, returns_of
from aggregates.settlement.settlement import Settlement, cancel, check_stays
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId, instant
from service.ledger.read_set import ReadSet
from service.policy import edition_of_record
from service.replay.redecide.comparison import (
    DecisionContext,
    Finding,
    as_decided,
    moves,
    taken,
    unlike,
)
from service.settlement.returns import paying_pools, with_successors


def refunded(place: DecisionContext, event: PartRefunded) -> list[Finding]:
    """A part of a bill, given back again by the edition that it was settled by."""
    reads = ReadSet(as_decided(place, {}), instant(place.at), place.vault)
    settlement = reads.settlement(place.stream)
    payment = _payment(reads, place, settlement)
    edition = edition_of_record(
        reads,
        place.vault,
        reads.account(payment.settled.claim.beneficiary).region,
        payment.settled.editions["beneficiary"],
    )
    asked = RefundRequest(event.amount_fen, event.lines)
    made = refund(settlement, asked, event.reason, edition)
    return [*unlike(event, made), *_returned(reads, place, payment, event.payers)]


def taken_back(
    place: DecisionContext, event: SettlementCancelled | SettlementReversed
) -> list[Finding]:
    """The whole of what stays, given back again; nothing for a tombstone."""
    reads = ReadSet(as_decided(place, {}), instant(place.at), place.vault)
    if reads.version(place.stream) == 0 and isinstance(event, SettlementReversed):
        return []  # a tombstone: nothing ever came
    settlement = reads.settlement(place.stream)
    cancel(settlement, "")
    payment = _payment(reads, place, settlement)
    return _returned(reads, place, payment, full_return(check_stays(settlement)))


def _payment(reads: ReadSet, place: DecisionContext, settlement: Settlement) -> RefundBasis:
    settled = settlement.settled
    assert settled is not None, "only what was settled is taken back"
    region = reads.account(settled.claim.beneficiary).region
    edition = edition_of_record(reads, place.vault, region, settled.editions["beneficiary"])
    return RefundBasis(place.stream, settled, edition.refund, paying_pools(reads, settled))


def _returned(
    reads: ReadSet, place: DecisionContext, payment: RefundBasis, payers: tuple[PayerReturn, ...]
) -> list[Finding]:
    """Whether exactly what goes back came to the accounts, or was set aside."""
    accounts = with_successors(reads, [payer.account for payer in payers])
    told = taken(place, lambda event: _goes_back(event, place.stream))
    now, ticket = instant(place.at), ""
    for _, event in told:
        if isinstance(event, DebitReturned | ReturnSuspended | PoolReturned):
            now = Instant(now.at, event.returned_on)
        if isinstance(event, ReturnSuspended):
            ticket = event.ticket
    return moves(told, list(returns_of(payment, payers, accounts, ticket, now)))


def _goes_back(event: Event, settlement: StreamId) -> bool:
    if isinstance(event, ReturnSuspended):
        return event.payment == settlement
    return (
        isinstance(event, DebitReturned | AidReturned | PoolReturned)
        and event.settlement == settlement
    )
