"""What cancelling, refunding and reversing share: whose settlement, by which rules, to whom."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from aggregates.account.state import Account
from aggregates.policy.edition import Edition
from aggregates.refusals import RuleRefusedError, UnknownError
from aggregates.settlement.events import PayerReturn, Settled
from aggregates.settlement.refund import is_cleared, is_open, settled_on
from aggregates.settlement.returns import RefundBasis, ReturnEvent, returns_of
from aggregates.settlement.settlement import Settlement, check_stays
from aggregates.visit import VisitClosed
from aggregates.vocabulary import Instant, StreamId, VisitEnd
from service.caller import Caller
from service.clock import new_stream
from service.ledger.read_set import ReadSet
from service.policy import edition_of_record
from service.serializers import yuan
from service.settlement.purchase_visit import PURCHASE, purchase_visit
from service.vault import Vault


class RefundableSettlement(NamedTuple):
    """A settlement of the caller's, of which something stays, and the rules it was made by."""

    id: StreamId
    settlement: Settlement
    settled: Settled
    edition: Edition
    is_cleared: bool


def paid_by(
    reads: ReadSet, vault: Vault, caller: Caller, settlement_id: StreamId
) -> RefundableSettlement:
    """A settlement that can be taken back.

    Raises:
        UnknownError: there is none, or it is another institution's;
        AlreadyCancelledError, AlreadyReversedError: nothing of it stays.
    """
    settlement = own_settlement(reads, vault, caller, settlement_id)
    check_stays(settlement)
    settled = settlement.settled
    assert settled is not None, "what stays was settled"
    region = reads.account(settled.claim.beneficiary).region
    edition = edition_of_record(reads, vault, region, settled.editions["beneficiary"])
    cleared_through = reads.institution(settlement.institution).cleared_through
    cleared = is_cleared(settled_on(settlement), cleared_through)
    return RefundableSettlement(settlement_id, settlement, settled, edition, cleared)


def own_settlement(
    reads: ReadSet, vault: Vault, caller: Caller, settlement_id: StreamId
) -> Settlement:
    """A settlement of the calling institution.

    Raises:
        UnknownError: there is none, or it is another's.
    """
    settlement = reads.settlement(settlement_id)
    if reads.find(vault.name("institution", caller.subject)) != settlement.institution:
        raise UnknownError
    return settlement


def check_open(
    reads: ReadSet, paid: RefundableSettlement, closed: type[RuleRefusedError], now: Instant
) -> None:
    """Refuse what comes after the region's window.

    Raises:
        closed: it is over.
    """
    cleared_through = reads.institution(paid.settlement.institution).cleared_through
    window = paid.edition.refund.refund_window
    if not is_open(window, settled_on(paid.settlement), cleared_through, now):
        raise closed


def give_back(
    reads: ReadSet, paid: RefundableSettlement, payers: Iterable[PayerReturn], now: Instant
) -> list[tuple[StreamId, ReturnEvent]]:
    """The events that bring money back to where it came from, or set it aside."""
    payers = list(payers)
    accounts = with_successors(reads, [payer.account for payer in payers])
    reads.account(paid.settled.claim.beneficiary)
    payment = RefundBasis(paid.id, paid.settled, paid.edition.refund)
    return returns_of(payment, payers, accounts, new_stream("tkt", now.at), now)


def unmake_visit(
    reads: ReadSet, paid: RefundableSettlement, now: Instant
) -> list[tuple[StreamId, VisitClosed]]:
    """What ends the visit that a purchase made: it goes with its bill. Other bills made none."""
    if not paid.settled.claim.visit.startswith(PURCHASE):
        return []
    visit = purchase_visit(paid.id)
    if reads.version(visit) == 0:
        return []
    return [(visit, VisitClosed(end=VisitEnd.WITHDRAWN, at=now.at))]


def with_successors(reads: ReadSet, payers: Sequence[StreamId]) -> dict[StreamId, Account]:
    """The accounts that paid, their successors, and whoever came after those."""
    reads.need(payers)
    accounts: dict[StreamId, Account] = {}
    following = set(payers)
    while following:
        accounts |= {account_id: reads.account(account_id) for account_id in sorted(following)}
        following = {a.successor for a in accounts.values() if a.successor} - set(accounts)
    return accounts


def back_answer(own_fen: int, aid_fen: int, cash_fen: int) -> dict[str, Any]:
    """What went back, by who had paid it."""
    return {"own": yuan(own_fen), "aid": yuan(aid_fen), "cash": yuan(cash_fen)}
