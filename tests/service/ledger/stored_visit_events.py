"""One event of every topic of visits, as the samples hold it in stored bytes."""

from aggregates.topics import Event
from aggregates.visit import (
    Diagnosis,
    Fee,
    FeesUploaded,
    FeesWithdrawn,
    SettlementListUploaded,
    VisitClosed,
    VisitDescribed,
    VisitRegistered,
    VisitReopened,
)
from aggregates.vocabulary import Setting, VisitEnd
from tests.service.ledger.stored_parts import AT, INS, PATIENT, STL

VISIT_EVENTS: dict[str, Event] = {
    "visit.registered/1": VisitRegistered(
        institution=INS,
        beneficiary=PATIENT,
        setting=Setting.OUTPATIENT,
        number="OP1",
        department="内科",
        med_type="11",
        began_at=AT,
    ),
    "visit.described/1": VisitDescribed(
        med_type=None, diagnoses=(Diagnosis(rank="1", code="J06.900", name="急性上呼吸道感染"),)
    ),
    "visit.fees-uploaded/1": FeesUploaded(
        fees=(
            Fee(
                line="1",
                batch="1",
                code="XA02BCL037A001010100001",
                amount_fen=12850,
                count="1.0000",
                price="128.500000",
                occurred_at=AT,
            ),
        )
    ),
    "visit.fees-withdrawn/1": FeesWithdrawn(lines=("1",)),
    "visit.closed/1": VisitClosed(end=VisitEnd.DISCHARGED, at=AT),
    "visit.reopened/1": VisitReopened(at=AT),
    "visit.settlement-list-uploaded/1": SettlementListUploaded(
        settlement=STL, number="0123456ab", digest="00112233", at=AT
    ),
}
