"""A settlement: decided once, with everything the decision used, and taken back whole."""

from dataclasses import dataclass, replace

from aggregates.bill import bill_of
from aggregates.cascade import Split, decide
from aggregates.events import AidReceived, AidReturned, Debited, DebitReturned
from aggregates.family import Family, payers_of
from aggregates.place import Place
from aggregates.refusals import AlreadyCancelledError, UnknownError
from aggregates.settlement_events import (
    Claim,
    RecoveryDue,
    Settled,
    SettlementCancelled,
    SettlementRefused,
)
from aggregates.vocabulary import Instant, Reason, SettlementStatus, StreamId

STOPS_AID = frozenset(
    {
        Reason.ACCOUNT_UNUSED,
        Reason.BENEFICIARY_STATUS,
        Reason.FILING_REQUIRED,
        Reason.MED_TYPE_NOT_ALLOWED,
        Reason.NOT_ACTIVE,
        Reason.ORDER_NOT_SET,
        Reason.REGION_NOT_OPEN,
    }
)
"""Reasons that concern the claim as a whole and are told beside the payers'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A settlement as its events left it; a refused one has a code and was never settled."""

    claim: Claim
    status: SettlementStatus
    settled: Settled | None
    code: str | None = None
    recover_fen: int = 0


SettlementEvent = Settled | SettlementRefused | SettlementCancelled | RecoveryDue


def evolve(settlement: Settlement | None, event: SettlementEvent) -> Settlement:
    """Fold one event into a settlement. Never judges."""
    match event:
        case Settled(claim=claim):
            return Settlement(claim=claim, status=SettlementStatus.SETTLED, settled=event)
        case SettlementRefused(claim=claim, code=code):
            return Settlement(claim=claim, status=SettlementStatus.REFUSED, settled=None, code=code)
        case SettlementCancelled():
            assert settlement is not None, "a cancellation follows a settlement"
            return replace(settlement, status=SettlementStatus.CANCELLED)
        case RecoveryDue(amount_fen=amount_fen):
            assert settlement is not None, "what is recovered was settled"
            return replace(settlement, recover_fen=settlement.recover_fen + amount_fen)


def split_claim(claim: Claim, family: Family, place: Place, now: Instant) -> Split:
    """Decide a claim on what was read: the cascade under the beneficiary's edition."""
    bill = bill_of(claim, family.edition.items)
    return decide(bill, payers_of(family, place, now), family.edition)


def reasons_of(split: Split) -> tuple[Reason, ...]:
    """Why aid as a whole did not pay what was left, in words a counter can show."""
    if split.cash_fen == 0:
        return ()
    return tuple(sorted({s.reason for s in split.payers[1:] if s.reason in STOPS_AID}))


def debits_of(
    settlement_id: StreamId, settled: Settled
) -> list[tuple[StreamId, Debited | AidReceived]]:
    """What a settlement does to the accounts: one debit per payer, and the aid received."""
    moved: list[tuple[StreamId, Debited | AidReceived]] = [
        (
            share.account,
            Debited(
                settlement=settlement_id,
                binding=share.binding,
                current_fen=share.current_fen,
                prior_fen=share.prior_fen,
                on=settled.on,
            ),
        )
        for share in settled.payers
        if share.account is not None and share.current_fen + share.prior_fen
    ]
    if settled.aid_fen:
        aid = AidReceived(settlement=settlement_id, amount_fen=settled.aid_fen, on=settled.on)
        moved.append((settled.claim.beneficiary, aid))
    return moved


def cancel(settlement: Settlement, reason: str) -> SettlementCancelled:
    """Take the whole settlement back.

    Raises:
        AlreadyCancelledError: it is taken back already; UnknownError: nothing was settled.
    """
    if settlement.status is SettlementStatus.CANCELLED:
        raise AlreadyCancelledError
    if settlement.status is SettlementStatus.REFUSED:
        raise UnknownError
    return SettlementCancelled(reason=reason)


def returns_of(
    settlement_id: StreamId, settled: Settled, now: Instant
) -> list[tuple[StreamId, DebitReturned | AidReturned]]:
    """Every debit back to the account and bucket it came from; no rule is asked (§3.4)."""
    moved: list[tuple[StreamId, DebitReturned | AidReturned]] = [
        (
            share.account,
            DebitReturned(
                settlement=settlement_id,
                binding=share.binding,
                current_fen=share.current_fen,
                prior_fen=share.prior_fen,
                on=settled.on,
                returned_on=now.on,
            ),
        )
        for share in settled.payers
        if share.account is not None and share.current_fen + share.prior_fen
    ]
    if settled.aid_fen:
        aid = AidReturned(settlement=settlement_id, amount_fen=settled.aid_fen, on=settled.on)
        moved.append((settled.claim.beneficiary, aid))
    return moved
