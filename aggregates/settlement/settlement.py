"""A settlement: decided once with all that the decision used, and refunded whole or in part."""

from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from aggregates.account.events import AidReceived, Debited
from aggregates.account.state import Account
from aggregates.policy.choices import CredentialRequired
from aggregates.pool.events import PoolDebited
from aggregates.refusals import (
    AlreadyCancelledError,
    AlreadyReversedError,
    CredentialRequiredError,
    UnknownError,
)
from aggregates.settlement import events
from aggregates.settlement.bill import bill_of, smaller
from aggregates.settlement.cascade import Split, decide
from aggregates.settlement.events import Claim, PayerShare
from aggregates.settlement.family import Family, editions_of, payers_of
from aggregates.settlement.place_of_care import PlaceOfCare
from aggregates.vocabulary import CredentialProof, Instant, Reason, SettlementStatus, StreamId

STOPS_AID = frozenset(
    {
        Reason.ACCOUNT_UNUSED,
        Reason.AID_UNUSED,
        Reason.BENEFICIARY_STATUS,
        Reason.FILING_REQUIRED,
        Reason.FUND_PAYS,
        Reason.MED_TYPE_NOT_ALLOWED,
        Reason.NOT_ACTIVE,
        Reason.ORDER_NOT_SET,
        Reason.REGION_NOT_OPEN,
    }
)
"""Reasons that concern the claim as a whole; the answer gives them beside the payers' own."""


class Remainder(NamedTuple):
    """What is left of a settlement after refunds: the claim, and who pays it, in fen."""

    claim: Claim
    payers: tuple[PayerShare, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The state of a settlement.

    A refused one has a `code` and was never settled; a tombstone, reversed before it arrived, has
    no claim. `stay` is None once nothing is left of it.
    """

    institution: StreamId
    claim: Claim | None
    status: SettlementStatus
    settled: events.Settled | None = None
    stay: Remainder | None = None
    code: str | None = None
    recover_fen: int = 0


SettlementEvent = (
    events.Settled
    | events.SettlementRefused
    | events.PartRefunded
    | events.SettlementCancelled
    | events.SettlementReversed
    | events.RecoveryDue
)


def evolve(settlement: Settlement | None, event: SettlementEvent) -> Settlement:
    """Fold one event into a settlement; nothing is refused."""
    if isinstance(event, events.Settled):
        return Settlement(
            institution=event.claim.institution,
            claim=event.claim,
            status=SettlementStatus.SETTLED,
            settled=event,
            stay=Remainder(event.claim, event.payers, event.own_fen, event.aid_fen, event.cash_fen),
        )
    if isinstance(event, events.SettlementRefused):
        return Settlement(
            institution=event.claim.institution,
            claim=event.claim,
            status=SettlementStatus.REFUSED,
            code=event.code,
        )
    if isinstance(event, events.SettlementReversed) and settlement is None:
        return Settlement(
            institution=event.institution, claim=None, status=SettlementStatus.REVERSED
        )
    assert settlement is not None, "the other events follow a settlement"
    return _evolve_settled(settlement, event)


def _evolve_settled(
    settlement: Settlement,
    event: events.PartRefunded
    | events.SettlementCancelled
    | events.SettlementReversed
    | events.RecoveryDue,
) -> Settlement:
    match event:
        case events.PartRefunded():
            assert settlement.stay is not None, "there was something to refund"
            stay = _reduced(settlement.stay, event)
            return replace(settlement, status=SettlementStatus.PART_REFUNDED, stay=stay)
        case events.SettlementCancelled():
            return replace(settlement, status=SettlementStatus.CANCELLED, stay=None)
        case events.SettlementReversed():
            return replace(settlement, status=SettlementStatus.REVERSED, stay=None)
        case events.RecoveryDue(amount_fen=amount_fen):
            return replace(settlement, recover_fen=settlement.recover_fen + amount_fen)


def _reduced(stay: Remainder, refund: events.PartRefunded) -> Remainder:
    returns = {(payer.account, payer.binding): payer for payer in refund.payers}
    payers: list[PayerShare] = []
    for share in stay.payers:
        returned = returns.get((share.account, share.binding)) if share.account else None
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
    """Split a claim by the cascade under the beneficiary's edition.

    Raises:
        CredentialRequiredError: the edition requires a credential, and none was shown; and as
        `bill_of`.
    """
    required = family.edition.binding.credential_required
    if required is CredentialRequired.ANY and claim.proven_by is CredentialProof.NONE:
        raise CredentialRequiredError(field="credential")
    bill = bill_of(claim, family.edition.items)
    split = decide(bill, payers_of(family, place, now, claim.authoriser_code), family.edition)
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
) -> events.Settled:
    """The settlement that a split makes; caps count a captured `hold` on the day it was held."""
    split, patient = claim_split.split, claim_split.patient
    return events.Settled(
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
    """Why aid as a whole did not pay the rest of a bill; empty if there is no rest."""
    if split.cash_fen == 0:
        return ()
    return tuple(sorted({s.reason for s in split.payers[1:] if s.reason in STOPS_AID}))


MoveEvent = Debited | AidReceived | PoolDebited
"""What a settlement moves."""


def debits_of(settlement_id: StreamId, settled: events.Settled) -> list[tuple[StreamId, MoveEvent]]:
    """The events of a settlement on accounts and pools: one debit per payer, the aid received."""
    debits = [
        _debit_of(settlement_id, share, settled.on)
        for share in settled.payers
        if share.account is not None and share.current_fen + share.prior_fen
    ]
    if settled.aid_fen:
        aid = AidReceived(settlement=settlement_id, amount_fen=settled.aid_fen, on=settled.on)
        debits.append((settled.claim.beneficiary, aid))
    return debits


def _debit_of(settlement: StreamId, share: PayerShare, on: date) -> tuple[StreamId, MoveEvent]:
    assert share.account is not None, "a payer has an account"
    if share.from_pool is not None:
        assert share.binding is not None, "a pool pays under a binding"
        fen = share.current_fen + share.prior_fen
        return share.from_pool, PoolDebited(
            settlement=settlement, binding=share.binding, amount_fen=fen, on=on
        )
    return share.account, Debited(
        settlement=settlement,
        binding=share.binding,
        current_fen=share.current_fen,
        prior_fen=share.prior_fen,
        on=on,
    )


def cancel(settlement: Settlement, reason: str) -> events.SettlementCancelled:
    """Cancel what is left of a settlement; it raises as `check_stays`."""
    check_stays(settlement)
    return events.SettlementCancelled(reason=reason)


def check_stays(settlement: Settlement) -> Remainder:
    """What is left of a settlement.

    Raises:
        AlreadyCancelledError, AlreadyReversedError: nothing is left;
        UnknownError: nothing was settled.
    """
    if settlement.stay is not None:
        return settlement.stay
    if settlement.status is SettlementStatus.CANCELLED:
        raise AlreadyCancelledError
    if settlement.status is SettlementStatus.REVERSED:
        raise AlreadyReversedError
    raise UnknownError
