"""What cancelling, refunding and reversing share: which settlement, by which rules, to whom."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.policy.edition import Edition
from aggregates.pool.pool import Pool
from aggregates.refusals import RuleRefusedError, UnknownError
from aggregates.settlement.events import PayerReturn, Settled
from aggregates.settlement.refund import is_open, settled_on
from aggregates.settlement.returns import (
    RefundBasis,
    ReturnEvent,
    full_return,
    pools_of,
    returns_of,
)
from aggregates.settlement.settlement import Remainder, Settlement, SettlementEvent, check_stays
from aggregates.topics import Event
from aggregates.visit import VisitClosed
from aggregates.vocabulary import Instant, StreamId, VisitEnd
from service.caller import Caller
from service.clock import new_stream
from service.ledger.read_set import ReadSet
from service.policy import edition_of_record
from service.settlement.claims import institution_of
from service.settlement.purchase_visit import PURCHASE, purchase_visit
from service.vault import Vault


class RefundableSettlement(NamedTuple):
    """A settlement of the caller's of which something is left, and the rules it was made by.

    `cleared_through` is the last day that its institution was paid for.
    """

    id: StreamId
    settlement: Settlement
    settled: Settled
    stay: Remainder
    edition: Edition
    cleared_through: date | None


def refundable(
    reads: ReadSet, vault: Vault, caller: Caller, settlement_id: StreamId
) -> RefundableSettlement:
    """A settlement that can be cancelled or refunded.

    Raises:
        UnknownError: there is none, or it is another institution's;
        AlreadyCancelledError, AlreadyReversedError: nothing is left of it.
    """
    settlement = own_settlement(reads, vault, caller, settlement_id)
    stay, settled = check_stays(settlement), settlement.settled
    assert settled is not None, "what is left was settled"
    region = reads.account(settled.claim.beneficiary).region
    edition = edition_of_record(reads, vault, region, settled.editions["beneficiary"])
    cleared_through = reads.institution(settlement.institution).cleared_through
    return RefundableSettlement(settlement_id, settlement, settled, stay, edition, cleared_through)


def own_settlement(
    reads: ReadSet, vault: Vault, caller: Caller, settlement_id: StreamId
) -> Settlement:
    """A settlement of the calling institution; UnknownError if it is not its own."""
    settlement = reads.settlement(settlement_id)
    if institution_of(reads, vault, caller) != settlement.institution:
        raise UnknownError
    return settlement


def check_open(paid: RefundableSettlement, closed: type[RuleRefusedError], now: Instant) -> None:
    """Refuse a refund after the region's window by raising `closed`."""
    window = paid.edition.refund.refund_window
    if not is_open(window, settled_on(paid.settlement), paid.cleared_through, now):
        raise closed


def give_back(
    reads: ReadSet, paid: RefundableSettlement, payers: Iterable[PayerReturn], now: Instant
) -> list[tuple[StreamId, ReturnEvent]]:
    """The events that return money to where it came from, or put it into suspense."""
    payers = list(payers)
    accounts = with_successors(reads, [payer.account for payer in payers])
    reads.account(paid.settled.claim.beneficiary)
    payment = RefundBasis(
        paid.id, paid.settled, paid.edition.refund, paying_pools(reads, paid.settled)
    )
    return returns_of(payment, payers, accounts, new_stream("tkt", now.at), now)


def paying_pools(reads: ReadSet, settled: Settled) -> dict[StreamId, Pool]:
    """The pools that a settlement was paid from, as they are now."""
    return {pool: reads.pool(pool) for pool in pools_of(settled).values()}


def withdraw_purchase(
    reads: ReadSet, paid: RefundableSettlement, now: Instant
) -> list[tuple[StreamId, VisitClosed]]:
    """The event that withdraws the visit of a purchase with its bill; none for other bills."""
    if not paid.settled.claim.visit.startswith(PURCHASE):
        return []
    visit = purchase_visit(paid.id)
    if reads.version(visit) == 0:
        return []
    return [(visit, VisitClosed(end=VisitEnd.WITHDRAWN, at=now.at))]


def take_back(
    reads: ReadSet, paid: RefundableSettlement, event: SettlementEvent, now: Instant
) -> list[tuple[StreamId, Event]]:
    """The events that take back all that is left of a settlement; `event` is its own."""
    returns = give_back(reads, paid, full_return(paid.stay), now)
    return [*returns, *withdraw_purchase(reads, paid, now), (paid.id, event)]


def with_successors(reads: ReadSet, payers: Sequence[StreamId]) -> dict[StreamId, Account]:
    """The accounts that paid, their successors, and the successors of those."""
    reads.need(payers)
    accounts: dict[StreamId, Account] = {}
    following = set(payers)
    while following:
        accounts |= {account_id: reads.account(account_id) for account_id in sorted(following)}
        following = {a.successor for a in accounts.values() if a.successor} - set(accounts)
    return accounts
