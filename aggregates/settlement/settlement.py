"""A settlement: decided once, with all that the decision used, and taken back whole or in part."""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.account.events import AidReceived, Debited
from aggregates.account.state import Account
from aggregates.refusals import AlreadyCancelledError, AlreadyReversedError, UnknownError
from aggregates.settlement.bill import bill_of, smaller
from aggregates.settlement.cascade import Split, decide
from aggregates.settlement.events import (
    Claim,
    PartRefunded,
    PayerShare,
    RecoveryDue,
    Settled,
    SettlementCancelled,
    SettlementRefused,
    SettlementReversed,
)
from aggregates.settlement.family import Family, editions_of, payers_of
from aggregates.settlement.place_of_care import PlaceOfCare
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


class Remainder(NamedTuple):
    """What of a settlement was not given back: the claim that is left, and who pays it, in fen."""

    claim: Claim
    payers: tuple[PayerShare, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A settlement as its events left it.

    A refused one has a code and was never settled; a tombstone, reversed before it came, has
    not even a claim. `stay` is None once nothing of it stays.
    """

    institution: StreamId
    claim: Claim | None
    status: SettlementStatus
    settled: Settled | None = None
    stay: Remainder | None = None
    code: str | None = None
    recover_fen: int = 0


SettlementEvent = (
    Settled
    | SettlementRefused
    | PartRefunded
    | SettlementCancelled
    | SettlementReversed
    | RecoveryDue
)


def evolve(settlement: Settlement | None, event: SettlementEvent) -> Settlement:
    """Fold one event into a settlement. Never judges."""
    if isinstance(event, Settled):
        return Settlement(
            institution=event.claim.institution,
            claim=event.claim,
            status=SettlementStatus.SETTLED,
            settled=event,
            stay=Remainder(event.claim, event.payers, event.own_fen, event.aid_fen, event.cash_fen),
        )
    if isinstance(event, SettlementRefused):
        return Settlement(
            institution=event.claim.institution,
            claim=event.claim,
            status=SettlementStatus.REFUSED,
            code=event.code,
        )
    if isinstance(event, SettlementReversed) and settlement is None:
        return Settlement(
            institution=event.institution, claim=None, status=SettlementStatus.REVERSED
        )
    assert settlement is not None, "the rest follows a settlement"
    return _evolve_settled(settlement, event)


def _evolve_settled(
    settlement: Settlement,
    event: PartRefunded | SettlementCancelled | SettlementReversed | RecoveryDue,
) -> Settlement:
    match event:
        case PartRefunded():
            assert settlement.stay is not None, "there was something to give back"
            return replace(
                settlement,
                status=SettlementStatus.PART_REFUNDED,
                stay=_less(settlement.stay, event),
            )
        case SettlementCancelled():
            return replace(settlement, status=SettlementStatus.CANCELLED, stay=None)
        case SettlementReversed():
            return replace(settlement, status=SettlementStatus.REVERSED, stay=None)
        case RecoveryDue(amount_fen=amount_fen):
            return replace(settlement, recover_fen=settlement.recover_fen + amount_fen)


def _less(stay: Remainder, refund: PartRefunded) -> Remainder:
    back = {(payer.account, payer.binding): payer for payer in refund.payers}
    payers: list[PayerShare] = []
    for share in stay.payers:
        returned = back.get((share.account, share.binding)) if share.account else None
        if returned is not None:
            share = replace(  # noqa: PLW2901 -- the same share, smaller
                share,
                current_fen=share.current_fen - returned.current_fen,
                prior_fen=share.prior_fen - returned.prior_fen,
            )
        payers.append(share)
    return Remainder(
        smaller(stay.claim, refund.amount_fen, refund.lines),
        tuple(payers),
        stay.own_fen - refund.own_fen,
        stay.aid_fen - refund.aid_fen,
        stay.cash_fen - refund.cash_fen,
    )


class ClaimSplit(NamedTuple):
    """A claim and its split, with what the split was decided by.

    `editions` are as of `editions_of`; `patient` is the beneficiary's account before the debit.
    """

    claim: Claim
    place_region: str
    editions: dict[str, str]
    split: Split
    reasons: tuple[Reason, ...]
    patient: Account


def split_claim(claim: Claim, family: Family, place: PlaceOfCare, now: Instant) -> ClaimSplit:
    """Split a claim by the cascade, under the beneficiary's edition.

    Raises:
        AmountOutOfRangeError, AmountMismatchError, LinesMismatchError: the claim is not sound.
    """
    bill = bill_of(claim, family.edition.items)
    split = decide(bill, payers_of(family, place, now), family.edition)
    return ClaimSplit(
        claim, place.region, editions_of(family), split, reasons_of(split), family.account
    )


def settled_of(
    claim_split: ClaimSplit,
    read: dict[StreamId, int],
    now: Instant,
    hold: tuple[StreamId, date] | None = None,
    *,
    is_changed: bool = False,
) -> Settled:
    """The settlement that a split makes; caps count a captured `hold` on the day it was held."""
    split, patient = claim_split.split, claim_split.patient
    return Settled(
        claim=claim_split.claim,
        place_region=claim_split.place_region,
        editions=claim_split.editions,
        read=read,
        payers=split.payers,
        reasons=claim_split.reasons,
        own_fen=split.own_fen,
        aid_fen=split.aid_fen,
        cash_fen=split.cash_fen,
        own_after_fen=patient.balance_fen - split.own_fen if patient.has_funds else None,
        changed=is_changed,
        hold=hold[0] if hold else None,
        settled_at=now.at,
        on=hold[1] if hold else now.on,
    )


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
    """Take back whatever stays of a settlement.

    Raises:
        AlreadyCancelledError, AlreadyReversedError: it is taken back already;
        UnknownError: nothing was settled.
    """
    check_stays(settlement)
    return SettlementCancelled(reason=reason)


def check_stays(settlement: Settlement) -> Remainder:
    """What stays of a settlement.

    Raises:
        AlreadyCancelledError, AlreadyReversedError: nothing any more; UnknownError: nothing
        was ever settled.
    """
    if settlement.stay is not None:
        return settlement.stay
    if settlement.status is SettlementStatus.CANCELLED:
        raise AlreadyCancelledError
    if settlement.status is SettlementStatus.REVERSED:
        raise AlreadyReversedError
    raise UnknownError
