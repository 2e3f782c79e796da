"""One event of every topic of money's later life, as `tests/samples/events` holds it."""

from datetime import date, timedelta

from aggregates.account.correction import CorrectionApproved, CorrectionProposed, CorrectionRejected
from aggregates.account.events import (
    Corrected,
    Held,
    HoldReleased,
    InsuranceYearMoved,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.institution import AccountsCleared, ClearingRequested, ClearingWithdrawn
from aggregates.settlement.events import PartRefunded, PayerReturn, SettlementReversed
from aggregates.settlement.hold import ClaimHeld, HoldCaptured, HoldEnded
from aggregates.topics import Event
from aggregates.vocabulary import Bucket, HoldEnd, Reason, StreamId
from tests.service.ledger.stored_parts import (
    AT,
    BINDING,
    CLAIM,
    INS,
    ON,
    PATIENT,
    PAYERS,
    SPONSOR,
    STL,
)

HOLD = StreamId("hld_00000000000000000000000000000008")
PREMIUM = StreamId("prm_00000000000000000000000000000009")

MONEY_EVENTS: dict[str, Event] = {
    "account.year-closed/1": YearClosed(year=2026, carried_fen=1500),
    "account.year-moved/1": InsuranceYearMoved(begins="07-01"),
    "account.held/1": Held(
        hold=HOLD,
        binding=BINDING,
        current_fen=4000,
        prior_fen=25,
        aid_fen=0,
        on=ON,
        expires_at=AT + timedelta(minutes=15),
    ),
    "account.hold-released/1": HoldReleased(hold=HOLD, why=HoldEnd.CAPTURED),
    "account.return-suspended/1": ReturnSuspended(
        payment=STL,
        binding=BINDING,
        ticket="tkt_0000000000000000000000000000000a",
        amount_fen=6000,
        on=ON,
        returned_on=date(2027, 1, 2),
    ),
    "account.suspense-paid-out/1": SuspensePaidOut(
        ticket="tkt_0000000000000000000000000000000a", amount_fen=6000, reference="遗产 2027-01"
    ),
    "account.corrected/1": Corrected(
        correction=StreamId("cor_0000000000000000000000000000000b"),
        bucket=Bucket.PRIOR,
        amount_fen=-1200,
    ),
    "account.premium-debited/1": PremiumDebited(
        premium=PREMIUM, binding=BINDING, current_fen=30000, prior_fen=10000
    ),
    "account.premium-returned/1": PremiumReturned(
        premium=PREMIUM, binding=BINDING, current_fen=30000, prior_fen=10000
    ),
    "settlement.part-refunded/1": PartRefunded(
        reason="退药",
        amount_fen=1000,
        lines=(("1", 800), ("2", 200)),
        payers=(PayerReturn(account=SPONSOR, binding=BINDING, current_fen=575, prior_fen=0),),
        own_fen=0,
        aid_fen=575,
        cash_fen=425,
    ),
    "settlement.reversed/1": SettlementReversed(
        institution=INS, undone="00112233445566778899aabbccddeeff"
    ),
    "hold.placed/1": ClaimHeld(
        claim=CLAIM,
        place_region="990000",
        editions={"beneficiary": "p0/2020-01", BINDING: "p0/2020-01"},
        read={PATIENT: 12, SPONSOR: 7},
        payers=PAYERS,
        reasons=(Reason.REGION_NOT_OPEN,),
        own_fen=2000,
        aid_fen=4000,
        cash_fen=425,
        held_at=AT,
        expires_at=AT + timedelta(minutes=15),
        on=ON,
    ),
    "hold.captured/1": HoldCaptured(settlement=STL),
    "hold.ended/1": HoldEnded(why=HoldEnd.EXPIRED),
    "correction.proposed/1": CorrectionProposed(
        account=SPONSOR,
        bucket=Bucket.CURRENT,
        amount_fen=-1200,
        reason="重复入账",
        reference="2026-03/17",
        by="agency:clerk-1",
        on=ON,
    ),
    "correction.approved/1": CorrectionApproved(by="agency:clerk-2", bucket=Bucket.PRIOR),
    "correction.rejected/1": CorrectionRejected(by="agency:clerk-2", reason="凭证不符"),
    "institution.cleared/1": AccountsCleared(through=ON),
    "institution.clearing-requested/1": ClearingRequested(
        month=ON.replace(day=1), kind="11", total_fen=12850, fund_pay_fen=None, account_fen=6425
    ),
    "institution.clearing-withdrawn/1": ClearingWithdrawn(month=ON.replace(day=1), kind="11"),
}
